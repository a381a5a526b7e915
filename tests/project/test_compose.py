"""The compose file is valid, holds no secret, and agrees with the Dockerfile."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from graphsvc.config import Settings
from tests.support.requirement import REPOSITORY

COMPOSE = REPOSITORY / "docker-compose.yml"


@pytest.fixture
def compose() -> Any:
    """The compose file as plain values."""
    return YAML(typ="safe", pure=True).load(COMPOSE.read_text(encoding="utf-8"))


def test_the_compose_file_fits_the_compose_specification() -> None:
    """The file is valid by the published schema, a copy of which the checker carries."""
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_service_says_when_it_is_healthy(compose: Any) -> None:
    """Each service has a health check, and graphsvc waits for its store."""
    assert all("healthcheck" in service for service in compose["services"].values())
    assert compose["services"]["graphsvc"]["depends_on"]["neo4j"]["condition"] == "service_healthy"


def test_every_port_is_published_on_the_loopback_address(compose: Any) -> None:
    """Nobody on the network reaches what was started to try it."""
    ports = [port for service in compose["services"].values() for port in service.get("ports", ())]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_every_secret_comes_from_a_file(compose: Any) -> None:
    """No password stands in the file or in a variable: each is a file below `secrets/`, which is in no repository and no image."""
    text = COMPOSE.read_text(encoding="utf-8")
    assert not re.search(r"(?i)password: *[\"']?[a-z0-9]", text)
    assert all(set(each) == {"file"} for each in compose["secrets"].values())
    named = {str(each["file"]) for each in compose["secrets"].values()}
    used = {name for service in compose["services"].values() for name in service.get("secrets", ())}
    assert used == set(compose["secrets"])
    assert all(file.startswith("secrets/") for file in named)
    assert "/secrets/" in (REPOSITORY / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert "!secrets" not in (REPOSITORY / ".dockerignore").read_text(encoding="utf-8")


def test_it_runs_as_in_production(compose: Any) -> None:
    """Nothing switches development on."""
    assert "GRAPHSVC_ENV" not in compose["services"]["graphsvc"]["environment"]


def test_the_secrets_are_made_once_and_are_the_same(tmp_path: Path) -> None:
    """Both files hold one password of 48 digits, in a folder of their owner's alone; a second time nothing is changed."""
    (tmp_path / "deploy").mkdir()
    script = shutil.copy(REPOSITORY / "deploy" / "compose-secrets.sh", tmp_path / "deploy")
    assert subprocess.run(["sh", script], capture_output=True, check=False).returncode == 0
    password = (tmp_path / "secrets" / "neo4j_password").read_text("ascii")
    assert re.fullmatch("[0-9a-f]{48}", password)
    assert (tmp_path / "secrets" / "neo4j_auth").read_text("ascii") == f"neo4j/{password}"
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    again = subprocess.run(["sh", script], capture_output=True, text=True, check=False)
    assert (again.returncode, "there already" in again.stderr) == (1, True)
    assert (tmp_path / "secrets" / "neo4j_password").read_text("ascii") == password


def test_a_secret_has_the_name_of_its_setting(compose: Any) -> None:
    """The service reads `/run/secrets` by the names of its settings."""
    for name in compose["services"]["graphsvc"]["secrets"]:
        assert name.removeprefix("graphsvc_") in Settings.model_fields
