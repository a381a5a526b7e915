"""Snapshots behave the same on every store."""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from graphsvc.decide.ports import Store
from graphsvc.errors import StoreError, StoreUnavailable
from graphsvc.store.neo4j import open_neo4j
from graphsvc.store.neo4j.snapshot import PART_BYTES
from graphsvc.store.sqlite import open_sqlite
from tests.store.conftest import Opener, neo4j_address, opener_of
from tests.store.example import write
from tests.support.neo4j_server import Neo4jServer
from tests.support.requirement import REPOSITORY

pytestmark = pytest.mark.anyio


async def test_an_empty_store_has_none(store: Store) -> None:
    """Without a snapshot there is nothing to load and its number is 0."""
    assert await store.load_snapshot() is None
    assert await store.snapshot_seq() == 0


async def test_the_newest_comes_back_as_it_was_saved(store: Store) -> None:
    """Any bytes come back with their number, those longer than one part too."""
    for seq, size in ((3, 0), (4, 7), (5, PART_BYTES), (6, 2 * PART_BYTES + 17)):
        body = random.Random(seq).randbytes(size)
        await store.save_snapshot(seq, body)
        assert await store.load_snapshot() == (seq, body)
        assert await store.snapshot_seq() == seq


async def test_the_last_two_are_kept(store: Store) -> None:
    """The two with the highest numbers stay, whatever the order in which they were saved."""
    for seq in (10, 30, 20, 40, 5):
        await store.save_snapshot(seq, b"%d" % seq)
    assert await store.load_snapshot() == (40, b"40")
    assert await store.load_snapshot(before=40) == (30, b"30")
    assert await store.load_snapshot(before=30) is None


async def test_the_same_number_is_written_over(store: Store) -> None:
    """A shorter one takes the place of a longer one of its number, and nothing of that one is left."""
    await store.save_snapshot(7, b"a" * (2 * PART_BYTES + 1))
    await store.save_snapshot(7, b"b")
    assert await store.load_snapshot() == (7, b"b")
    assert await store.load_snapshot(before=7) is None


async def test_a_snapshot_is_no_part_of_log_or_drawing(store: Store) -> None:
    """Saving one changes neither the log nor what was drawn."""
    await write(store, "a", "s:1")
    await store.save_snapshot(1, b"x")
    assert await store.head() == 1
    assert await store.count() == {}


async def test_it_is_there_after_reopening(reopen: Opener) -> None:
    """A snapshot outlives its process."""
    store = await reopen()
    await store.save_snapshot(9, b"nine")
    await store.close()
    store = await reopen()
    try:
        assert await store.load_snapshot() == (9, b"nine")
    finally:
        await store.close()


async def test_a_closed_store_takes_none(store: Store) -> None:
    """Saving into and loading from a closed store is StoreUnavailable."""
    await store.close()
    with pytest.raises(StoreUnavailable):
        await store.save_snapshot(1, b"x")
    with pytest.raises(StoreUnavailable):
        await store.load_snapshot()


async def test_saving_at_once_leaves_whole_ones(store: Store) -> None:
    """Replicas that save at the same time leave the two newest, each whole."""
    bodies = {seq: random.Random(seq).randbytes(PART_BYTES + seq) for seq in range(1, 7)}
    await asyncio.gather(*(store.save_snapshot(seq, body) for seq, body in bodies.items()))
    assert await store.load_snapshot() == (6, bodies[6])
    assert await store.load_snapshot(before=6) == (5, bodies[5])


async def test_an_interrupted_save_leaves_the_old_one(tmp_path: Path) -> None:
    """SQLite: a save that fails half way leaves what was there."""
    store = await open_sqlite(tmp_path / "graphsvc.db")
    try:
        await store.save_snapshot(1, b"old")
        pages = await store._writer._worker.do(
            lambda connection: connection.execute("PRAGMA max_page_count = 1").fetchone()
        )
        assert pages
        with pytest.raises(StoreUnavailable, match="full"):
            await store.save_snapshot(2, b"x" * 1_000_000)
        assert await store.load_snapshot() == (1, b"old")
    finally:
        await store.close()


_SAVE_FOR_EVER = """
import asyncio, itertools, sys
from graphsvc.config import load_settings
from graphsvc.wiring import open_store

async def main():
    store = await open_store(sys.argv[1], load_settings())
    for seq in itertools.count(await store.snapshot_seq() + 1):
        await store.save_snapshot(seq, b"%d" % (seq % 10) * 3_000_000)
        print(seq, flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("neo4j", marks=pytest.mark.neo4j)])
async def test_a_killed_process_leaves_whole_ones(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest, anyio_backend: str
) -> None:
    """After three kill -9 while saving, the newest one is whole, and none that was acknowledged newer is lost."""
    url, password = f"sqlite:///{tmp_path / 'graphsvc.db'}", "none"
    if kind == "neo4j":
        server: Neo4jServer = request.getfixturevalue("fresh_neo4j")
        url, password = server.store_url, server.password
    environment = {**os.environ, "GRAPHSVC_NEO4J_PASSWORD": password}
    for wait in (5, 6, 7):
        with subprocess.Popen(  # noqa: ASYNC220  it lives as long as the block
            [sys.executable, "-c", _SAVE_FOR_EVER, url],
            stdout=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
            env=environment,
        ) as process:
            assert process.stdout is not None
            said = [int(process.stdout.readline()) for _ in range(wait)]
            process.kill()
        store = await opener_of(request, kind)()
        try:
            seq, body = await store.load_snapshot() or (0, b"")
            assert seq >= said[-1]
            assert body == b"%d" % (seq % 10) * 3_000_000
            assert await store.load_snapshot(before=seq - 1) is None
        finally:
            await store.close()


async def test_a_file_without_the_table_gets_it(tmp_path: Path) -> None:
    """A SQLite store of the schema before keeps its log and can take snapshots."""
    path = tmp_path / "graphsvc.db"
    store = await open_sqlite(path)
    await write(store, "a", "s:1")
    await store.close()
    connection = sqlite3.connect(path)
    connection.executescript(
        "DROP TABLE snapshot; DROP TABLE base; DROP TABLE secret; PRAGMA user_version = 2"
    )
    connection.close()
    store = await open_sqlite(path)
    try:
        assert await store.find("a") is not None
        assert await store.load_snapshot() is None
        await store.save_snapshot(1, b"x")
        assert await store.load_snapshot() == (1, b"x")
    finally:
        await store.close()


@pytest.mark.neo4j
async def test_a_swapped_neo4j_takes_none(fresh_neo4j: Neo4jServer) -> None:
    """A database that was swapped underneath keeps its own snapshots."""
    store = await open_neo4j(neo4j_address(fresh_neo4j), fresh_neo4j.password)
    try:
        await store.save_snapshot(1, b"old")
        with fresh_neo4j.driver() as driver, driver.session(database=fresh_neo4j.database) as session:
            session.run("MATCH (s:Store) SET s.incarnation = 'another'").consume()
        with pytest.raises(StoreError, match="is not the store that was opened"):
            await store.save_snapshot(2, b"new")
        assert await store.load_snapshot() == (1, b"old")
    finally:
        await store.close()
