"""One suite, three stores: `opener` opens one kind, `store` is an open empty one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import cast

import pytest

from graphsvc.decide.ports import Store
from graphsvc.store.address import Neo4jAddress, parse_store_url
from graphsvc.store.memory import open_memory
from graphsvc.store.neo4j import open_neo4j
from graphsvc.store.neo4j.migration import known_migrations
from graphsvc.store.sqlite import open_sqlite
from tests.support.neo4j_server import Neo4jServer

Opener = Callable[[], Awaitable[Store]]


def neo4j_address(server: Neo4jServer) -> Neo4jAddress:
    """The address of a test's server."""
    return cast(Neo4jAddress, parse_store_url(server.store_url))


def opener_of(request: pytest.FixtureRequest, kind: str) -> Opener:
    """A function that opens the same store of this kind each time; memory is a new one each time."""
    if kind == "memory":
        return open_memory
    if kind == "sqlite":
        path = cast(Path, request.getfixturevalue("tmp_path")) / "graphsvc.db"
        return lambda: open_sqlite(path)
    server = cast(Neo4jServer, request.getfixturevalue("fresh_neo4j"))
    return lambda: open_neo4j(neo4j_address(server), server.password)


@pytest.fixture
def fresh_neo4j(neo4j_server: Neo4jServer) -> Neo4jServer:
    """The session's Neo4j holding an empty store; a schema that is there stays, for making one takes seconds."""
    migrations = known_migrations()
    with neo4j_server.driver() as driver, driver.session(database=neo4j_server.database) as session:
        applied = session.run("MATCH (m:Migration) RETURN m.checksum AS checksum ORDER BY m.version").value()
        if applied == [migration.checksum for migration in migrations]:
            session.run("MATCH (n) WHERE NOT n:Migration DETACH DELETE n").consume()
            for migration in migrations:
                if not migration.elements:
                    for statement in migration.statements:
                        session.run(statement).consume()
            return neo4j_server
    neo4j_server.clear()
    return neo4j_server


@pytest.fixture(params=["memory", "sqlite", pytest.param("neo4j", marks=pytest.mark.neo4j)])
def opener(request: pytest.FixtureRequest) -> Opener:
    """Opens one of the three."""
    return opener_of(request, cast(str, request.param))


@pytest.fixture(params=["sqlite", pytest.param("neo4j", marks=pytest.mark.neo4j)])
def reopen(request: pytest.FixtureRequest) -> Opener:
    """Opens one of the two that keep what they hold."""
    return opener_of(request, cast(str, request.param))


@pytest.fixture
async def store(opener: Opener, anyio_backend: str) -> AsyncIterator[Store]:
    """An open, empty store."""
    async with AsyncExitStack() as stack:
        opened = await opener()
        stack.push_async_callback(opened.close)
        yield opened
