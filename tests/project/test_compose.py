"""The compose file is valid, holds no secret, and agrees with the Dockerfile."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest
from ruamel.yaml import YAML

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


def test_the_password_comes_from_outside() -> None:
    """No password stands in the file: it is taken from the environment and required."""
    text = COMPOSE.read_text(encoding="utf-8")
    assert re.search(r"NEO4J_AUTH: neo4j/\$\{GRAPHSVC_NEO4J_PASSWORD:\?", text)
    assert not re.search(r"(?i)password: *[\"']?[a-z0-9]", text)


def test_the_image_runs_as_the_user_that_owns_the_secret(compose: Any) -> None:
    """The secret belongs to the unprivileged user that the Dockerfile switches to."""
    user = re.search(r"^USER (\d+)", (REPOSITORY / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert user is not None
    assert compose["services"]["graphsvc"]["secrets"][0]["uid"] == user[1] == "65532"
