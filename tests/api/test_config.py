"""Settings from every source, and what is said when they are wrong."""

from pathlib import Path

import pytest

from graphsvc.config import load_settings
from graphsvc.errors import SettingsError


def test_sources_in_their_order(tmp_path: Path) -> None:
    """Arguments beat the environment, that beats secret files, those beat the TOML file."""
    file = tmp_path / "graphsvc.toml"
    file.write_text('port = 1\nhost = "::1"\nstore = "memory:"\nlog_level = "debug"\n')
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "graphsvc_neo4j_password").write_text("hush\n")
    (secrets / "graphsvc_host").write_text("127.0.0.2")
    settings = load_settings(
        file,
        environ={"GRAPHSVC_PORT": "2", "GRAPHSVC_STORE": "sqlite:///a/b.db", "GRAPHSVC_REQUIRE": "neo4j"},
        secrets_dir=secrets,
        port=3,
        uds=None,
    )
    assert (settings.port, settings.store, settings.host) == (3, "sqlite:///a/b.db", "127.0.0.2")
    assert settings.log_level == "debug"
    assert settings.neo4j_password is not None
    assert settings.neo4j_password.get_secret_value() == "hush"
    assert "hush" not in repr(settings)
    assert settings.state == Path("a/.graphsvc")


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"GRAPHSVC_PROT": "1"}, "`GRAPHSVC_PROT` is unknown; did you mean `GRAPHSVC_PORT`?"),
        ({"GRAPHSVC_ZZZZZZZZ": "1"}, "known are"),
        ({"GRAPHSVC_PORT": "many"}, "GRAPHSVC_PORT"),
        ({"GRAPHSVC_PORT": "70000"}, "GRAPHSVC_PORT"),
        ({"GRAPHSVC_ENV": "prod"}, "GRAPHSVC_ENV"),
        ({"GRAPHSVC_AUTH": "off", "GRAPHSVC_HOST": "0.0.0.0"}, "loopback"),
        ({"GRAPHSVC_PUBLIC_URL": "http://example.org"}, "https://"),
        ({"GRAPHSVC_POLICY": "[broken"}, "setting"),
    ],
)
def test_wrong_settings_are_named(environ: dict[str, str], told: str, tmp_path: Path) -> None:
    """One line that names the setting and the fix."""
    with pytest.raises(SettingsError) as caught:
        load_settings(environ=environ, secrets_dir=tmp_path / "none")
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_broken_files_are_named(tmp_path: Path) -> None:
    """A file that is missing, is not TOML, or holds an unknown name is refused with its path."""
    file = tmp_path / "graphsvc.toml"
    for text in (None, "port = ", "prot = 1\n"):
        if text is not None:
            file.write_text(text)
        with pytest.raises(SettingsError, match=r"graphsvc\.toml"):
            load_settings(file, environ={}, secrets_dir=tmp_path / "none")


def test_authentication_may_be_off_on_loopback(tmp_path: Path) -> None:
    """Loopback in any spelling will do."""
    for host in ("127.0.0.1", "localhost", "::1"):
        environ = {"GRAPHSVC_AUTH": "off", "GRAPHSVC_HOST": host}
        assert load_settings(environ=environ, secrets_dir=tmp_path / "none").auth == "off"
