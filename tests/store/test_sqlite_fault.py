"""What the SQLite store does when something is wrong with its file, its owner or its disk."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from graphsvc.decide.ports import EdgeStroke, NodeStroke, Strokes
from graphsvc.errors import StoreError, StoreTooNew, StoreUnavailable
from graphsvc.store.sqlite import SqliteStore, log, open_sqlite
from graphsvc.store.sqlite.file import known_migrations
from tests.store.example import draft, write
from tests.support.requirement import REPOSITORY

pytestmark = pytest.mark.anyio

_APPEND_FOR_EVER = """
import asyncio, sys
from pathlib import Path
from graphsvc.decide.ports import Draft
from graphsvc.store.sqlite import open_sqlite

async def main():
    store = await open_sqlite(Path(sys.argv[1]))
    seen = await store.head()
    number = 0
    while True:
        number += 1
        entry_id = f"{sys.argv[2]}-{number}"
        outcome = await store.append(Draft(id=entry_id, count=1, cells=("s:1",), body=b"x" * 500), seen=seen, reads=())
        seen = outcome.entry.seq
        print(entry_id, flush=True)

asyncio.run(main())
"""


def _writer(path: Path, name: str) -> subprocess.Popen[str]:
    """A process that appends until it is killed and prints what was acknowledged."""
    return subprocess.Popen(
        [sys.executable, "-c", _APPEND_FOR_EVER, str(path), name],
        stdout=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
    )


async def test_a_killed_process_loses_nothing_acknowledged(tmp_path: Path) -> None:
    """After three kill -9 during appends every acknowledged entry is there, numbered without gaps."""
    path = tmp_path / "graphsvc.db"
    acknowledged: list[str] = []
    for round_number in range(3):
        with _writer(path, f"r{round_number}") as process:
            assert process.stdout is not None
            acknowledged += [process.stdout.readline().strip() for _ in range(200)]
            os.kill(process.pid, signal.SIGKILL)
            # The last line may be cut in half by the kill.
            acknowledged += [line.strip() for line in process.stdout if line.endswith("\n")]
    store = await open_sqlite(path)
    try:
        log = await store.read(after=0, limit=100_000)
        assert [entry.seq for entry in log] == list(range(1, await store.head() + 1))
        lost = set(acknowledged) - {entry.id for entry in log}
        print(f"{len(acknowledged)} acknowledged, {len(lost)} lost")
        assert not lost
    finally:
        await store.close()


async def test_a_second_owner_is_refused(tmp_path: Path) -> None:
    """While a process has the file, another cannot open it; after kill -9 it can."""
    path = tmp_path / "graphsvc.db"
    with _writer(path, "a") as process:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(StoreError, match=rf"graphsvc\.db`: another process \({process.pid}\) owns it"):
            await open_sqlite(path)
        process.kill()
    store = await open_sqlite(path)
    await store.close()


async def test_the_same_process_cannot_open_it_twice(tmp_path: Path) -> None:
    """The file has one owner within a process too; closing gives it free."""
    path = tmp_path / "graphsvc.db"
    store = await open_sqlite(path)
    with pytest.raises(StoreError, match="owns it"):
        await open_sqlite(path)
    await store.close()
    again = await open_sqlite(path)
    await again.close()


async def test_a_newer_store_is_refused(tmp_path: Path) -> None:
    """A schema that this version does not know is StoreTooNew, and the file stays as it was."""
    path = tmp_path / "graphsvc.db"
    await (await open_sqlite(path)).close()
    known = len(known_migrations())
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {known + 1}")
    connection.close()
    with pytest.raises(
        StoreTooNew, match=rf"schema {known + 1}\), this graphsvc knows {known}: upgrade graphsvc"
    ):
        await open_sqlite(path)


async def test_a_half_migrated_store_is_brought_up(tmp_path: Path) -> None:
    """A store that has only the first migration gets the others and keeps its log."""
    path = tmp_path / "graphsvc.db"
    store = await open_sqlite(path)
    await write(store, "a", "s:1")
    await store.close()
    connection = sqlite3.connect(path)
    connection.executescript(
        "DROP TABLE snapshot; DROP TABLE base; DROP TABLE secret; PRAGMA user_version = 1"
    )
    connection.close()
    store = await open_sqlite(path)
    assert await store.find("a") is not None
    assert await store.count() == {}
    await store.close()


@pytest.mark.parametrize(
    "content", [b"not a database at all, but long enough to be looked at" * 40, b"SQLite format 3\x00"]
)
async def test_garbage_is_refused(tmp_path: Path, content: bytes) -> None:
    """A file that is no database, or half of one, is a one-line StoreError naming it; it is not changed."""
    path = tmp_path / "graphsvc.db"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"graphsvc\.db`: is (not a database|damaged)") as caught:
        await open_sqlite(path)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == content


async def test_a_store_cut_in_half_is_refused(tmp_path: Path) -> None:
    """A database whose second half is missing is refused at the start."""
    path = tmp_path / "graphsvc.db"
    store = await open_sqlite(path)
    for number in range(50):
        await store.append(draft(f"e{number}", body=b"x" * 5_000), seen=number, reads=())
    await store.close()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(StoreError, match="is damaged"):
        await open_sqlite(path)


async def test_a_database_of_another_program_is_refused(tmp_path: Path) -> None:
    """A database that holds something else is not touched."""
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.close()
    with pytest.raises(StoreError, match="another program"):
        await open_sqlite(path)


async def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    """A folder that does not exist is not made in silence."""
    with pytest.raises(StoreError, match="nowhere` does not exist; create it"):
        await open_sqlite(tmp_path / "nowhere" / "graphsvc.db")


async def test_a_folder_is_no_store(tmp_path: Path) -> None:
    """The path of a folder is refused."""
    with pytest.raises(StoreError, match="is a folder"):
        await open_sqlite(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_a_read_only_file_is_refused(tmp_path: Path) -> None:
    """A file that may not be written is a StoreError that says so."""
    path = tmp_path / "graphsvc.db"
    await (await open_sqlite(path)).close()
    path.chmod(0o400)
    with pytest.raises(StoreError, match="may not be written"):
        await open_sqlite(path)


async def test_a_full_disk_refuses_and_recovers(tmp_path: Path) -> None:
    """An append that does not fit is StoreUnavailable with nothing written; with room again it goes on."""
    store = await open_sqlite(tmp_path / "graphsvc.db")
    try:
        await write(store, "a", "s:1")
        await _limit_pages(store, 0)
        with pytest.raises(StoreUnavailable, match="full") as caught:
            await store.append(draft("big", body=b"x" * 1_000_000), seen=1, reads=())
        assert not caught.value.outcome_unknown
        assert await store.find("big") is None
        await _limit_pages(store, 1_000_000)
        assert (await write(store, "b")).seq == 2
    finally:
        await store.close()


async def _limit_pages(store: SqliteStore, pages: int) -> None:
    # SQLite raises a limit below the present size to that size.
    await store._writer._worker.do(
        lambda connection: connection.execute(f"PRAGMA max_page_count = {max(pages, 1)}").fetchone()
    )


async def test_what_is_acknowledged_is_synchronised(tmp_path: Path) -> None:
    """The writer's connection keeps a write-ahead log and waits for the disk at every commit."""
    store = await open_sqlite(tmp_path / "graphsvc.db")
    try:
        settings = await store._writer._worker.do(
            lambda connection: [
                connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")
            ]
        )
        assert settings == ["wal", 2]
    finally:
        await store.close()


async def test_an_append_is_one_statement(tmp_path: Path) -> None:
    """Each statement costs the writer's thread a turn of the interpreter, which a busy service keeps for long."""
    store = await open_sqlite(tmp_path / "graphsvc.db")
    told: list[str] = []
    try:
        await write(store, "a", "s:1")
        await store._writer._worker.do(lambda connection: connection.set_trace_callback(told.append))
        await write(store, "b", "s:1")
        assert len(told) == 1, told
        assert told[0].strip().startswith("INSERT INTO entry")
    finally:
        await store.close()


async def test_a_drawing_is_few_statements(tmp_path: Path) -> None:
    """However many rows are drawn in a step, the writer's thread asks for the interpreter a fixed number of times."""
    store = await open_sqlite(tmp_path / "graphsvc.db")
    told: list[str] = []
    try:
        await write(store, "a", "s:1")
        nodes = [NodeStroke("Chain", f"chain:{number}", {"id": str(number)}) for number in range(300)]
        edges = [EdgeStroke("SPAWNED", "chain:0", node.key) for node in nodes]
        await store._graph._worker.do(lambda connection: connection.set_trace_callback(told.append))
        assert await store.draw(Strokes(nodes=nodes, edges=edges), expected=0, drawn=1)
        assert [statement.split()[0] for statement in told] == [
            "BEGIN", "UPDATE", "INSERT", "INSERT", "COMMIT",
        ]  # fmt: skip
        assert await store.count() == {"Chain": 300, "SPAWNED": 300}
    finally:
        await store.close()


@pytest.mark.parametrize(("name", "is_broken"), [("SQLITE_IOERR_FSYNC", True), ("SQLITE_CORRUPT", False)])
async def test_an_append_that_fails_while_it_is_committed_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, is_broken: bool
) -> None:
    """Nobody knows whether it is on the disk, and after a failed sync nothing is written until the file is opened anew."""

    def fail(*_: object) -> None:
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorname = name
        raise error

    store = await open_sqlite(tmp_path / "graphsvc.db")
    try:
        await write(store, "a", "s:1")
        monkeypatch.setattr(log, "append_next", fail)
        with pytest.raises(StoreUnavailable) as caught:
            await write(store, "b", "s:1")
        assert caught.value.outcome_unknown
        monkeypatch.undo()
        if is_broken:
            with pytest.raises(StoreUnavailable, match="restart graphsvc"):
                await write(store, "b", "s:1")
        else:
            assert (await write(store, "b", "s:1")).seq == 2
    finally:
        await store.close()
