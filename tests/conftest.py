"""Fixtures and settings that hold for every test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.support.neo4j_server import Neo4jServer, given_server, own_server
from tests.support.requirement import real_data_folder

# dev: new random inputs each run. ci: the same inputs each run, so that a change, not chance, turns it
# red. long: `make fuzz`. Wall-clock deadlines say more about the machine than about the code.
# The explain phase traces every line, which makes a failure take minutes to be told.
_PHASES = (Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink)
settings.register_profile("dev", max_examples=50, deadline=None, print_blob=True, phases=_PHASES)
settings.register_profile(
    "ci", max_examples=100, deadline=None, derandomize=True, print_blob=True, phases=_PHASES
)
settings.register_profile(
    "long",
    max_examples=5_000,
    deadline=None,
    print_blob=True,
    phases=_PHASES,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With several processes (`-n`), the tests of a file stay together, and those of the one Neo4j too."""
    for item in items:
        shared = "neo4j_server" in getattr(item, "fixturenames", ())
        item.add_marker(pytest.mark.xdist_group("neo4j" if shared else str(item.path)))


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Async tests run on asyncio, the loop that the service runs on."""
    return "asyncio"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder with real input; tests that ask for it are skipped where it is absent."""
    return real_data_folder()


@pytest.fixture(scope="session")
def neo4j_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neo4jServer]:
    """The one Neo4j of this session, started by the first test that asks; never kill or freeze it."""
    given = given_server()
    if given is not None:
        yield given
        return
    with own_server(tmp_path_factory.mktemp("neo4j")) as server:
        yield server


@pytest.fixture
def empty_neo4j(neo4j_server: Neo4jServer) -> Neo4jServer:
    """The session's Neo4j with nothing in its database, constraints and indexes included."""
    neo4j_server.clear()
    return neo4j_server


@pytest.fixture
def own_neo4j(tmp_path: Path) -> Iterator[Neo4jServer]:
    """A Neo4j of the test's own, to stop, kill or freeze through `.process`."""
    with own_server(tmp_path / "neo4j") as server:
        yield server
