"""An upgrade of the service on a store that is in use, and the way back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import pytest

from graphsvc.decide.ports import Store
from graphsvc.errors import StoreTooNew
from graphsvc.store.neo4j import migration as neo4j_migration
from graphsvc.store.neo4j import open_neo4j
from graphsvc.store.sqlite import open_sqlite
from graphsvc.store.sqlite import store as sqlite_store
from graphsvc.store.sqlite.file import known_migrations
from tests.service.harness import Harness, serving
from tests.store.conftest import neo4j_address
from tests.store.example import write
from tests.support.neo4j_server import Neo4jServer

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def served(
    store: Store, name: str, store_values: Literal["referenced", "all"] = "referenced"
) -> AsyncIterator[Harness]:
    """A service that has its store to itself."""
    try:
        async with serving(store, name=name, store_values=store_values) as harness:
            yield harness
    finally:
        await store.close()


async def test_a_store_of_an_older_version_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite: what the older version decided is there after the upgrade, and the older version is refused from then on."""
    path, newest = tmp_path / "graphsvc.db", known_migrations()
    with monkeypatch.context() as older:
        older.setattr(sqlite_store, "known_migrations", lambda: newest[:-1])
        # What it did not have yet: a salt, for it kept all values.
        async with served(await open_sqlite(path), "old", "all") as harness:
            await harness.prepare()
            before = await harness.act("crm:Read", "record:42", key="kept")
    async with served(await open_sqlite(path), "new") as harness:
        again = await harness.act("crm:Read", "record:42", key="kept")
        assert again.decision.request.id == before.decision.request.id
        assert (await harness.act("crm:Read", "record:43")).verdict is before.verdict
    with monkeypatch.context() as older:
        older.setattr(sqlite_store, "known_migrations", lambda: newest[:-1])
        with pytest.raises(StoreTooNew):
            await open_sqlite(path)


@pytest.mark.neo4j
@pytest.mark.slow
async def test_replicas_are_upgraded_one_by_one(
    neo4j_server: Neo4jServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neo4j: an older replica goes on beside the first new one, each sees the other's decisions; started anew it is refused."""
    neo4j_server.clear()
    address, newest = neo4j_address(neo4j_server), neo4j_migration.known_migrations()
    with monkeypatch.context() as older:
        older.setattr(neo4j_migration, "known_migrations", lambda: newest[:-1])
        old_store = await open_neo4j(address, neo4j_server.password)
    async with served(old_store, "old") as old:
        await old.prepare()
        first = await old.act("crm:Read", "record:42", key="kept")
        async with served(await open_neo4j(address, neo4j_server.password), "new") as new:
            for turn in range(3):
                assert (await new.act("crm:Read", f"record:{turn}", chain="n")).verdict is first.verdict
                assert (await old.act("crm:Read", f"record:{turn}", chain="o")).verdict is first.verdict
            again = await new.act("crm:Read", "record:42", key="kept")
            assert again.decision.request.id == first.decision.request.id
    with monkeypatch.context() as older:
        older.setattr(neo4j_migration, "known_migrations", lambda: newest[:-1])
        with pytest.raises(StoreTooNew):
            await open_neo4j(address, neo4j_server.password)


@pytest.mark.neo4j
@pytest.mark.slow
async def test_a_half_migrated_database_is_brought_up(fresh_neo4j: Neo4jServer) -> None:
    """Neo4j: a process that ended between the steps of a migration leaves what the next one finishes; the log stays."""
    store = await open_neo4j(neo4j_address(fresh_neo4j), fresh_neo4j.password)
    await write(store, "kept", "s:1")
    await store.close()
    with fresh_neo4j.driver() as driver, driver.session(database=fresh_neo4j.database) as session:
        # The third step had made one of its two elements, and nothing later had begun.
        session.run("DROP INDEX snapshot_seq").consume()
        session.run("DROP CONSTRAINT lease_id").consume()
        session.run("MATCH (m:Migration) WHERE m.version >= 3 DELETE m").consume()
        session.run("MATCH (s:Store) REMOVE s.base").consume()
    again = await open_neo4j(neo4j_address(fresh_neo4j), fresh_neo4j.password)
    try:
        assert await again.find("kept") is not None
        assert await again.lease("work", "me", 1_000)
        assert await again.base() is None
    finally:
        await again.close()
