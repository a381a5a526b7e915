"""What the Neo4j store does when the server, its clock, its password or its schema is wrong."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from neo4j import AsyncTransaction

from graphsvc.decide.ports import Accepted, Strokes
from graphsvc.errors import StoreError, StoreSwapped, StoreTooNew, StoreUnavailable
from graphsvc.store.address import Neo4jAddress
from graphsvc.store.neo4j import drawing, open_neo4j
from graphsvc.store.neo4j.migration import known_migrations
from scripts.neo4j_home import free_port
from tests.store.conftest import neo4j_address
from tests.store.example import chain, decision, draft, write
from tests.support.neo4j_server import Neo4jServer

pytestmark = [pytest.mark.anyio, pytest.mark.neo4j]


def _run(server: Neo4jServer, text: str) -> None:
    with server.driver() as driver, driver.session(database=server.database) as session:
        session.run(text).consume()


async def test_a_wrong_password_names_user_and_variable(fresh_neo4j: Neo4jServer) -> None:
    """A refused login is one line with the user and where the password comes from."""
    with pytest.raises(StoreError, match="refused the user `neo4j`; check GRAPHSVC_NEO4J_PASSWORD") as caught:
        await open_neo4j(neo4j_address(fresh_neo4j), "not-the-password")
    assert "\n" not in str(caught.value)


async def test_nothing_listening_is_said(anyio_backend: str) -> None:
    """Where nothing answers it is StoreUnavailable at once, and nothing can have been written."""
    with pytest.raises(StoreUnavailable, match="nothing answers there; start Neo4j") as caught:
        await open_neo4j(Neo4jAddress(f"bolt://127.0.0.1:{free_port()}"), "password")
    assert not caught.value.outcome_unknown


async def test_an_unknown_database_is_named(fresh_neo4j: Neo4jServer) -> None:
    """A database that is not there is a StoreError with its name."""
    with pytest.raises(StoreError, match="no database `nowhere`"):
        await open_neo4j(replace(neo4j_address(fresh_neo4j), database="nowhere"), fresh_neo4j.password)


async def test_a_clock_that_differs_keeps_the_store_shut(fresh_neo4j: Neo4jServer) -> None:
    """Beyond half a second of skew the store is unavailable and says by how much."""
    with pytest.raises(StoreUnavailable, match="clock and ours differ by"):
        await open_neo4j(neo4j_address(fresh_neo4j), fresh_neo4j.password, now_ms=lambda: 1_000)


async def test_a_replica_that_starts_holds_nobody_up(
    fresh_neo4j: Neo4jServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one plans its statements, for seconds on a cold server, the others commit."""
    address, strokes = neo4j_address(fresh_neo4j), drawing.run_strokes
    store = await open_neo4j(address, fresh_neo4j.password)
    planning, go_on = asyncio.Event(), asyncio.Event()

    async def slow(transaction: AsyncTransaction, given: Strokes) -> None:
        await strokes(transaction, given)
        planning.set()
        await go_on.wait()

    monkeypatch.setattr(drawing, "run_strokes", slow)
    starting = asyncio.create_task(open_neo4j(address, fresh_neo4j.password))
    async with asyncio.timeout(30):
        await planning.wait()
    try:
        async with asyncio.timeout(3):
            assert isinstance(await store.append(draft("e1"), seen=await store.head(), reads=()), Accepted)
    finally:
        go_on.set()
        await (await starting).close()
        await store.close()


async def test_a_hijacked_constraint_is_refused(empty_neo4j: Neo4jServer) -> None:
    """A constraint of ours whose name another one owns keeps the store shut, and no migration is recorded."""
    _run(empty_neo4j, "CREATE CONSTRAINT log_seq FOR (n:Elsewhere) REQUIRE n.x IS UNIQUE")
    with pytest.raises(StoreError, match="`log_seq` belongs to another"):
        await open_neo4j(neo4j_address(empty_neo4j), empty_neo4j.password)
    with empty_neo4j.driver() as driver, driver.session(database=empty_neo4j.database) as session:
        assert session.run("MATCH (m:Migration) RETURN count(m) AS number").value() == [0]
    _run(empty_neo4j, "DROP CONSTRAINT log_seq")
    await (await open_neo4j(neo4j_address(empty_neo4j), empty_neo4j.password)).close()


async def test_a_missing_constraint_is_refused(empty_neo4j: Neo4jServer) -> None:
    """A constraint that somebody dropped is named with the statement that brings it back."""
    await (await open_neo4j(neo4j_address(empty_neo4j), empty_neo4j.password)).close()
    _run(empty_neo4j, "DROP CONSTRAINT entity_key")
    with pytest.raises(
        StoreError, match="`entity_key` is missing; create it again: CREATE CONSTRAINT entity_key"
    ):
        await open_neo4j(neo4j_address(empty_neo4j), empty_neo4j.password)
    # The next test finds migrations recorded and would trust the schema.
    empty_neo4j.clear()


async def test_a_newer_store_is_refused(fresh_neo4j: Neo4jServer) -> None:
    """A migration that this version does not know is StoreTooNew."""
    await (await open_neo4j(neo4j_address(fresh_neo4j), fresh_neo4j.password)).close()
    newer = len(known_migrations()) + 1
    _run(fresh_neo4j, f"CREATE (:Migration {{version: {newer}, name: 'later', checksum: 'x'}})")
    with pytest.raises(StoreTooNew, match=rf"schema {newer}\).*upgrade graphsvc"):
        await open_neo4j(neo4j_address(fresh_neo4j), fresh_neo4j.password)
    _run(fresh_neo4j, f"MATCH (m:Migration {{version: {newer}}}) DELETE m")


async def test_a_changed_migration_is_refused(fresh_neo4j: Neo4jServer) -> None:
    """A migration whose text changed after it was applied is named."""
    await (await open_neo4j(neo4j_address(fresh_neo4j), fresh_neo4j.password)).close()
    _run(fresh_neo4j, "MATCH (m:Migration {version: 1}) SET m.checksum = 'x' + m.checksum")
    with pytest.raises(StoreError, match="V001__constraints` was changed"):
        await open_neo4j(neo4j_address(fresh_neo4j), fresh_neo4j.password)
    _run(fresh_neo4j, "MATCH (m:Migration {version: 1}) SET m.checksum = substring(m.checksum, 1)")


async def test_replicas_may_start_at_once(empty_neo4j: Neo4jServer) -> None:
    """Three stores opened on an empty database at the same time agree on its life, and each migration ran once."""
    opened = await asyncio.gather(
        *(open_neo4j(neo4j_address(empty_neo4j), empty_neo4j.password) for _ in range(3))
    )
    assert len({store.incarnation for store in opened}) == 1
    for store in opened:
        await store.close()
    with empty_neo4j.driver() as driver, driver.session(database=empty_neo4j.database) as session:
        versions = session.run("MATCH (m:Migration) RETURN m.version AS version ORDER BY version").value()
    assert versions == [migration.version for migration in known_migrations()]


async def test_the_server_notifies_of_nothing(fresh_neo4j: Neo4jServer) -> None:
    """With notifications as warnings, and warnings as errors, the hot statements run in silence."""
    # A database that never held a property warns of whoever reads it; any store in use has held it.
    used = await open_neo4j(neo4j_address(fresh_neo4j), fresh_neo4j.password)
    nodes = [decision(1, patterns=["p"]), chain(1, parent="c0", owner="gateway", status="open")]
    await used.draw(Strokes(nodes=nodes), expected=0, drawn=1)
    await used.close()
    store = await open_neo4j(neo4j_address(fresh_neo4j), fresh_neo4j.password, strict=True)
    try:
        entry = await write(store, "a", "s:1")
        assert await store.find("a") == entry
        await store.ping()
    finally:
        await store.close()


async def test_a_swapped_store_is_refused(fresh_neo4j: Neo4jServer) -> None:
    """An append to a store whose life is another than the one opened writes nothing."""
    store = await open_neo4j(neo4j_address(fresh_neo4j), fresh_neo4j.password)
    try:
        _run(fresh_neo4j, "MATCH (s:Store {id: 'store'}) SET s.incarnation = 'another'")
        with pytest.raises(StoreError, match="restored or swapped"):
            await store.append(draft("a", "s:1"), seen=0, reads=())
        with pytest.raises(StoreSwapped):
            await store.head()
        assert not await store.read(after=0, limit=1)
    finally:
        await store.close()


async def test_a_replica_goes_on_while_a_newer_version_migrates(fresh_neo4j: Neo4jServer) -> None:
    """A store that is open takes appends after a newer schema came; opening it with this version is refused then."""
    store = await open_neo4j(neo4j_address(fresh_neo4j), fresh_neo4j.password)
    try:
        await write(store, "a", "s:1")
        _run(fresh_neo4j, "CREATE (:Migration {version: 999, name: 'later', checksum: 'x'})")
        assert (await write(store, "b")).seq == 2
        with pytest.raises(StoreTooNew, match="upgrade graphsvc"):
            await open_neo4j(neo4j_address(fresh_neo4j), fresh_neo4j.password)
    finally:
        await store.close()
        _run(fresh_neo4j, "MATCH (m:Migration {version: 999}) DELETE m")
    again = await open_neo4j(neo4j_address(fresh_neo4j), fresh_neo4j.password)
    try:
        assert await again.head() == 2
    finally:
        await again.close()


async def test_racing_replicas_lose_nothing(fresh_neo4j: Neo4jServer) -> None:
    """Two stores with four writers each on three cells: every acknowledged entry is in one contiguous log."""
    stores = [await open_neo4j(neo4j_address(fresh_neo4j), fresh_neo4j.password) for _ in range(2)]
    acknowledged: list[str] = []
    refused = 0

    async def writer(number: int) -> None:
        nonlocal refused
        store, cell, seen = stores[number % 2], f"s:{number % 3}", 0
        for commit in range(25):
            while True:
                outcome = await store.append(draft(f"w{number}-{commit}", cell), seen=seen, reads=[cell])
                seen = outcome.tail[-1].seq if outcome.tail else seen
                if isinstance(outcome, Accepted):
                    seen = outcome.entry.seq
                    acknowledged.append(outcome.entry.id)
                    break
                refused += 1

    try:
        await asyncio.gather(*(writer(number) for number in range(8)))
        log = await stores[0].read(after=0, limit=10_000)
        assert [entry.seq for entry in log] == list(range(1, 201))
        assert sorted(entry.id for entry in log) == sorted(acknowledged)
        print(f"{len(log)} entries, {refused} refusals, 0 lost")
    finally:
        for store in stores:
            await store.close()


@pytest.mark.slow
async def test_a_killed_server_loses_nothing_acknowledged(own_neo4j: Neo4jServer) -> None:
    """After a kill -9 of the server every acknowledged entry is there; the open store goes on by itself."""
    assert own_neo4j.process is not None
    store = await open_neo4j(neo4j_address(own_neo4j), own_neo4j.password)
    acknowledged: list[str] = []
    unknown: list[str] = []
    enough = asyncio.Event()

    async def writer(number: int) -> None:
        for commit in range(100_000):
            entry_id = f"w{number}-{commit}"
            try:
                seen = await store.head()
                await store.append(draft(entry_id, f"s:{number}"), seen=seen, reads=())
            except StoreUnavailable as error:
                if error.outcome_unknown:
                    unknown.append(entry_id)
                return
            acknowledged.append(entry_id)
            if len(acknowledged) == 300:
                enough.set()

    try:
        writers = [asyncio.create_task(writer(number)) for number in range(4)]
        await enough.wait()
        own_neo4j.process.kill()
        await asyncio.gather(*writers)
        with pytest.raises(StoreUnavailable):
            await store.ping()
        await asyncio.to_thread(own_neo4j.process.start)
        log = await store.read(after=0, limit=100_000)
        ids = {entry.id for entry in log}
        assert [entry.seq for entry in log] == list(range(1, await store.head() + 1))
        assert not set(acknowledged) - ids
        assert ids - set(acknowledged) <= set(unknown)
        for entry_id in unknown:
            assert (await store.find(entry_id) is not None) == (entry_id in ids)
        await write(store, "after")
        print(
            f"{len(acknowledged)} acknowledged, 0 lost, {len(unknown)} unknown, {len(ids & set(unknown))} of them there"
        )
    finally:
        await store.close()


@pytest.mark.slow
async def test_a_frozen_server_is_given_up(own_neo4j: Neo4jServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that stops answering in the middle leaves an append with an unknown outcome, in bounded time."""
    assert own_neo4j.process is not None
    store = await open_neo4j(neo4j_address(own_neo4j), own_neo4j.password)
    monkeypatch.setattr("graphsvc.store.neo4j.log.COMMIT_TIMEOUT_S", 1.0)
    monkeypatch.setattr("graphsvc.store.neo4j.log.GRACE_S", 0.5)
    own_neo4j.process.pause()
    try:
        with pytest.raises(StoreUnavailable, match="did not answer in time") as caught:
            await store.append(draft("a", "s:1"), seen=0, reads=())
        assert caught.value.outcome_unknown
    finally:
        own_neo4j.process.resume()
        await store.close()
