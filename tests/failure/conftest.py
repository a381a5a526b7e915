"""A service over SQLite as a process, and one over a Neo4j of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from graphsvc.store.neo4j import open_neo4j
from graphsvc.store.sqlite import open_sqlite
from tests.replica.cluster import prepare
from tests.store.conftest import neo4j_address
from tests.support.neo4j_server import Neo4jServer
from tests.support.service_process import ServiceProcess


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Iterator[ServiceProcess]:
    """Not started; its store holds the pack and the people."""
    folder = tmp_path / "service"
    folder.mkdir()

    async def fill() -> None:
        await prepare(await open_sqlite(folder / "graphsvc.db"))

    asyncio.run(fill())
    service = ServiceProcess(folder, f"sqlite:///{folder}/graphsvc.db")
    yield service
    service.stop()


@pytest.fixture
def on_neo4j(own_neo4j: Neo4jServer, tmp_path: Path) -> Iterator[ServiceProcess]:
    """Started, over the Neo4j that `own_neo4j` is."""

    async def fill() -> None:
        await prepare(await open_neo4j(neo4j_address(own_neo4j), own_neo4j.password))

    asyncio.run(fill())
    service = ServiceProcess(
        tmp_path / "service", own_neo4j.store_url, {"GRAPHSVC_NEO4J_PASSWORD": own_neo4j.password}
    )
    try:
        service.start()
        yield service
    finally:
        service.stop()


def until(holds: object, within_s: float, told: str) -> float:
    """Seconds until a function returns something true."""
    assert callable(holds)
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < within_s, told
        time.sleep(0.02)
    return time.monotonic() - began
