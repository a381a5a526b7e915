"""Local tokens can be listed, taken back, and outlive or not the key that signed them."""

import stat
import time
from pathlib import Path

import pytest

from graphsvc.api.auth import TokenVerifier, Unauthenticated, issue_token, local_key, rotate_key
from graphsvc.api.token_register import TokenRegister
from graphsvc.errors import BadInput, SettingsError


def _issued(folder: Path, subject: str = "g", ttl_s: float = 3_600) -> str:
    token = issue_token(
        local_key(folder), subject=subject, roles=["pep"], register=TokenRegister(folder), ttl_s=ttl_s
    )
    return f"Bearer {token}"


def _service(folder: Path) -> TokenVerifier:
    """What a running service holds; another register than that of the commands, as in another process."""
    return TokenVerifier(local_key(folder), TokenRegister(folder))


def _until_refused(verifier: TokenVerifier, token: str) -> str:
    until = time.monotonic() + 5
    while time.monotonic() < until:
        try:
            verifier.login(token)
        except Unauthenticated as error:
            return str(error)
        time.sleep(0.05)
    raise AssertionError("the token is still taken")


def test_the_register_holds_no_token(tmp_path: Path) -> None:
    """What is listed says who, which roles and until when; the token itself is in no file of the folder."""
    token = _issued(tmp_path, "gateway-1", ttl_s=60).removeprefix("Bearer ")
    ((row, state),) = TokenRegister(tmp_path).tokens()
    assert (row.subject, row.roles, state) == ("gateway-1", ("pep",), "valid")
    for file in tmp_path.iterdir():
        assert token.encode() not in file.read_bytes()
        assert token.rsplit(".", 1)[1].encode() not in file.read_bytes()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_token_that_was_taken_back_is_refused_by_a_running_service(tmp_path: Path) -> None:
    """By its id or by its subject; others go on, and a login that was remembered does not."""
    first, second, third = (_issued(tmp_path, name) for name in ("a", "b", "b"))
    verifier = _service(tmp_path)
    logins = [verifier.login(token) for token in (first, second, third)]
    register = TokenRegister(tmp_path)
    register.revoke(token=logins[0].id)
    assert "taken back" in _until_refused(verifier, first)
    assert not verifier.holds(logins[0])
    verifier.login(second)
    assert len(register.revoke(subject="b")) == 2
    _until_refused(verifier, second)
    _until_refused(verifier, third)
    assert {state for _, state in register.tokens()} == {"revoked"}
    with pytest.raises(BadInput, match="token list"):
        register.revoke(subject="b")


def test_all_tokens_can_be_taken_back_known_or_not(tmp_path: Path) -> None:
    """Also those that no register knows; later ones count."""
    unknown = "Bearer " + issue_token(local_key(tmp_path), subject="x", roles=["admin"])
    verifier = _service(tmp_path)
    verifier.login(unknown)
    TokenRegister(tmp_path).revoke_before(int(time.time()) + 1)
    _until_refused(verifier, unknown)
    time.sleep(1.1)
    verifier.login(_issued(tmp_path))


def test_a_new_key_signs_and_the_old_one_counts_until_its_tokens_expire(tmp_path: Path) -> None:
    """After a rotation a running service takes tokens of both keys; after one `--now` only of the new."""
    verifier = _service(tmp_path)
    old = _issued(tmp_path)
    verifier.login(old)
    first = rotate_key(tmp_path, TokenRegister(tmp_path), at_once=False)
    new = _issued(tmp_path)
    time.sleep(0.6)
    assert verifier.login(new).key == first
    verifier.login(old)
    rotate_key(tmp_path, TokenRegister(tmp_path), at_once=True)
    assert "taken back" in _until_refused(verifier, old)
    _until_refused(verifier, new)
    verifier.login(_issued(tmp_path))
    with pytest.raises(Unauthenticated, match="no longer counts"):
        _service(tmp_path).login(new)


def test_a_register_that_cannot_be_read_brings_no_token_back(tmp_path: Path) -> None:
    """A damaged list of what was taken back is an error, not an empty list."""
    token = _issued(tmp_path)
    verifier = _service(tmp_path)
    verifier.login(token)
    TokenRegister(tmp_path).revoke(subject="g")
    (tmp_path / "revoked.json").write_text("{")
    time.sleep(0.6)
    with pytest.raises(SettingsError, match="cannot be read"):
        verifier.login(token)


def test_a_register_that_cannot_be_read_lets_nobody_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every request is refused until it can be read again, not only the one that looked."""
    token, verifier = _issued(tmp_path), _service(tmp_path)
    verifier.login(token)
    (tmp_path / "revoked.json").write_bytes(b"{")
    monkeypatch.setattr("graphsvc.api.token_register._LOOK_S", 0)
    with pytest.raises(SettingsError, match="cannot be read"):
        verifier.login(token)
    monkeypatch.setattr("graphsvc.api.token_register._LOOK_S", 3_600)
    with pytest.raises(SettingsError, match="cannot be read"):
        verifier.login(token)
    (tmp_path / "revoked.json").write_bytes(b"{}")
    assert verifier.login(token).caller.subject == "g"


def test_what_was_taken_back_stays_so_when_the_file_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A running service does not forget that a token was taken back because the file that said so is gone."""
    monkeypatch.setattr("graphsvc.api.token_register._LOOK_S", 0)
    token, verifier = _issued(tmp_path), _service(tmp_path)
    TokenRegister(tmp_path).revoke(token=verifier.login(token).id)
    with pytest.raises(Unauthenticated):
        verifier.login(token)
    (tmp_path / "revoked.json").unlink()
    with pytest.raises(Unauthenticated):
        verifier.login(token)
