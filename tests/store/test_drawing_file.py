"""The drawing of a SQLite store lies in a file of its own: what happens to that file happens to no decision."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
import threading
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest

from graphsvc.decide.ports import Base, NodeStroke, Strokes
from graphsvc.errors import StoreError, StoreUnavailable
from graphsvc.store.sqlite import SqliteStore, drawing, open_sqlite
from graphsvc.store.sqlite.file import APPLICATION_ID, known_migrations
from tests.store.example import draft, properties_drawn, two_actions, write

pytestmark = pytest.mark.anyio

_OLDER = 6  # the newest schema in which the drawing lay in the log's file
_DRAWN = {"Action": 2, "Decision": 1, "DECIDED": 1}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the store lies."""
    return tmp_path / "graphsvc.db"


def graph(path: Path) -> Path:
    """Where its drawing lies."""
    return path.with_name("graphsvc.db-graph")


def older(path: Path) -> None:
    """A store of the schema before: three records of one entry, drawn, with what only the drawing remembers."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for migration in known_migrations()[:_OLDER]:
            connection.executescript(migration.sql)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {_OLDER}")
        connection.execute("INSERT INTO entry VALUES (3, 1, 'a', '[]', x'00')")
        connection.execute("UPDATE store SET drawn = 3")
        nodes = [
            ("action:a1", "Action", '{"id":"a1"}'),
            ("action:a2", "Action", '{"id":"a2"}'),
            (
                "decision:d1",
                "Decision",
                '{"id":"d1","seq":2,"patterns":["leak"],"body":"{\\"by\\":\\"Lovelace\\"}"}',
            ),
        ]
        connection.executemany("INSERT INTO node (key, label, properties) VALUES (?, ?, ?)", nodes)
        connection.execute("INSERT INTO edge VALUES ('action:a1', 'DECIDED', 'decision:d1', '{}')")
        connection.execute("INSERT INTO decision_pattern VALUES ('leak', 'decision:d1')")


def held(path: Path) -> bytes:
    """What a file holds."""
    return path.read_bytes()


async def drawn(store: SqliteStore) -> tuple[int, dict[str, int]]:
    """The place of the drawing and what it holds."""
    return await store.drawn(), await store.count()


async def filled(path: Path) -> None:
    """A store of this version with two records, both drawn."""
    store = await open_sqlite(path)
    await write(store, "a", "s:1", count=2)
    await store.draw(two_actions(), expected=0, drawn=2)
    await store.close()


async def test_an_older_drawing_is_moved_whole(path: Path) -> None:
    """Every row is there after the upgrade, with its place; nothing of it stays readable in the file of the log."""
    older(path)
    store = await open_sqlite(path)
    assert await drawn(store) == (3, _DRAWN)
    row = await store.decision("d1")
    assert row is not None
    assert (row.seq, row.body) == (2, b'{"by":"Lovelace"}')
    await store.close()
    assert b"Lovelace" not in held(path)
    assert b"Lovelace" in held(graph(path))


async def test_a_move_that_was_cut_off_is_done_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ended before the copy was whole: the older drawing counts; ended before it was removed: what was drawn since is not lost."""

    def end(*_: object) -> None:
        raise RuntimeError

    older(path)
    with monkeypatch.context() as patched:
        patched.setattr(drawing, "begin", end)
        with pytest.raises(RuntimeError):
            await open_sqlite(path)
    before = held(path)
    store = await open_sqlite(path)
    assert await drawn(store) == (3, _DRAWN)
    await store.close()
    # The log's file as it was before the move, beside a whole copy; the older version went on with it.
    _went_on(path, before)
    store = await open_sqlite(path)
    assert await drawn(store) == (3, {**_DRAWN, "Action": 3})
    await store.close()


def _went_on(path: Path, before: bytes) -> None:
    path.write_bytes(before)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO node (key, label, properties) VALUES ('action:a3', 'Action', '{}')")


def _remove(path: Path) -> None:
    graph(path).unlink()


def _cut(path: Path) -> None:
    graph(path).write_bytes(graph(path).read_bytes()[:9_000])


def _scribble(path: Path) -> None:
    graph(path).write_bytes(b"no database at all, but long enough to be looked at" * 40)


def _of_another(path: Path) -> None:
    with closing(sqlite3.connect(graph(path))) as connection, connection:
        connection.execute("UPDATE drawing SET incarnation = 'another'")


def _unfinished(path: Path) -> None:
    with closing(sqlite3.connect(graph(path))) as connection, connection:
        connection.execute("DELETE FROM drawing")


def _beyond_the_log(path: Path) -> None:
    with closing(sqlite3.connect(graph(path))) as connection, connection:
        connection.execute("UPDATE drawing SET drawn = 7")


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (_remove, "it is missing"),
        (_cut, "it is damaged"),
        (_scribble, "it is damaged"),
        (_of_another, "it is of another store"),
        (_unfinished, "it was never finished"),
        (_beyond_the_log, "it ends at record 7, and the log at 2"),
    ],
)
async def test_a_drawing_that_is_not_of_this_log_begins_anew(
    path: Path, caplog: pytest.LogCaptureFixture, harm: Callable[[Path], None], told: str
) -> None:
    """It is empty, at record 0 and can be drawn; the log is as it was; the service's log says why."""
    await filled(path)
    harm(path)
    store = await open_sqlite(path)
    try:
        assert await drawn(store) == (0, {})
        assert await store.head() == 2
        assert await store.draw(two_actions(), expected=0, drawn=2)
    finally:
        await store.close()
    assert [record.__dict__["reason"] for record in caplog.records if record.msg == "drawn_anew"] == [told]
    again = await open_sqlite(path)
    assert await drawn(again) == (2, {"Action": 2, "NEXT": 1})
    await again.close()


async def test_an_older_copy_of_the_drawing_is_not_taken(path: Path) -> None:
    """What a snapshot relied on is not there: changes of the graph that it does not say again would be missing."""
    await filled(path)
    before = graph(path).read_bytes()
    store = await open_sqlite(path)
    await write(store, "b", "s:1")
    await store.draw(Strokes(), expected=2, drawn=3)
    await store.save_snapshot(3, b"x")
    await store.close()
    graph(path).write_bytes(before)
    store = await open_sqlite(path)
    assert await drawn(store) == (0, {})
    await store.close()


async def test_what_relies_on_the_drawing_brings_it_to_the_disk_first(path: Path) -> None:
    """Power loss takes the newest of a drawing; never what a snapshot, a base or an erasure took for drawn."""
    store = await open_sqlite(path)
    told: list[str] = []
    try:
        entry = await write(store, "a", "s:1")
        await store._graph._worker.do(lambda connection: connection.set_trace_callback(told.append))
        relying: list[Callable[[], Awaitable[None]]] = [
            lambda: store.save_snapshot(1, b"x"),
            store.drop_snapshots,
            lambda: store.rewrite(entry, b"another"),
            lambda: store.set_base(Base(seq=1, state=b"", statement="")),
        ]
        for work in relying:
            told.clear()
            await work()
            assert "PRAGMA synchronous = FULL" in told[:2], told
            assert any(statement.startswith("UPDATE drawing") for statement in told)
            assert told[-1] == "PRAGMA synchronous = 1"
    finally:
        await store.close()


async def test_a_database_of_another_program_beside_the_store_is_refused(path: Path) -> None:
    """Its name would be the drawing's; it is not touched."""
    with closing(sqlite3.connect(graph(path))) as connection, connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    before = graph(path).read_bytes()
    with pytest.raises(StoreError, match="-graph`: is a database of another program"):
        await open_sqlite(path)
    assert graph(path).read_bytes()[100:] == before[100:]


async def test_appends_wait_for_no_drawing(path: Path) -> None:
    """While a drawing's transaction is open, decisions are appended."""
    store = await open_sqlite(path)
    began, go_on = threading.Event(), threading.Event()

    def hold(_: sqlite3.Connection) -> None:
        began.set()
        go_on.wait(30)

    try:
        drawing_now = asyncio.create_task(store._graph.write(hold))
        await asyncio.to_thread(began.wait, 30)
        assert (await asyncio.wait_for(write(store, "a", "s:1"), 5)).seq == 1
        assert not drawing_now.done()
        go_on.set()
        await drawing_now
    finally:
        go_on.set()
        await store.close()


async def test_a_full_disk_under_the_drawing_stops_no_decision(path: Path) -> None:
    """Drawing is refused and nothing of it drawn; appends go on; with room again it is drawn."""
    store = await open_sqlite(path)
    strokes = Strokes(nodes=[NodeStroke("Chain", "chain:c", {"id": "x" * 1_000_000})])

    async def limit(pages: int) -> None:
        await store._graph._worker.do(
            lambda connection: connection.execute(f"PRAGMA max_page_count = {pages}").fetchone()
        )

    try:
        await limit(1)
        with pytest.raises(StoreUnavailable, match="-graph`: database or disk is full"):
            await store.draw(strokes, expected=0, drawn=1)
        assert await drawn(store) == (0, {})
        assert (await write(store, "a", "s:1")).seq == 1
        await limit(1_000_000)
        assert await store.draw(strokes, expected=0, drawn=1)
    finally:
        await store.close()


async def test_a_drawing_removed_under_a_running_store(path: Path) -> None:
    """Appends go on, and the next one to open it draws anew."""
    store = await open_sqlite(path)
    await write(store, "a", "s:1", count=2)
    _remove(path)
    await store.draw(two_actions(), expected=0, drawn=2)
    assert (await write(store, "b", "s:1")).seq == 3
    await store.close()
    store = await open_sqlite(path)
    assert (await store.head(), await drawn(store)) == (3, (0, {}))
    await store.close()


async def test_every_file_is_its_owners_alone(path: Path) -> None:
    """Decisions are nobody else's business, drawn ones neither."""
    store = await open_sqlite(path)
    await write(store, "a", "s:1")
    await store.draw(two_actions(), expected=0, drawn=1)
    found = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    await store.close()
    assert {"graphsvc.db", "graphsvc.db-graph", "graphsvc.db-graph-wal"} <= found.keys()
    assert set(found.values()) == {0o600}


async def test_what_is_removed_from_the_drawing_is_not_readable(path: Path) -> None:
    """Neither in its file nor beside it once the store is closed."""
    store = await open_sqlite(path)
    await store.append(draft("a"), seen=0, reads=())
    secret = NodeStroke("Identity", "identity:u1", {"name": "Lovelace" * 2_000})
    await store.draw(Strokes(nodes=[secret]), expected=0, drawn=1)
    await store.draw(
        Strokes(nodes=[NodeStroke("Identity", "identity:u1", {"name": None})]), expected=1, drawn=1
    )
    assert await properties_drawn(store, "identity:u1") == {}
    await store.close()
    assert not [each for each in path.parent.iterdir() if b"Lovelace" in each.read_bytes()]
