"""The SQLite store: a file of the log and one of the drawing, a thread that writes each, one that reads, one owner process."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import IO, TypeVar

from graphsvc.decide.ports import (
    Accepted,
    Base,
    ChainQuery,
    ChainRow,
    DecisionQuery,
    DecisionRow,
    Draft,
    Entry,
    Refused,
    Strokes,
)
from graphsvc.errors import StoreUnavailable
from graphsvc.store.sqlite import drawing, history, log, snapshot
from graphsvc.store.sqlite.file import connect_reader, connect_writer, known_migrations, migrate, own
from graphsvc.store.sqlite.graph_file import graph_path, move_drawing, open_graph
from graphsvc.store.sqlite.worker import Worker
from graphsvc.store.sqlite.writer import Writer
from graphsvc.store.stroke import check_strokes

__all__ = ["SqliteStore", "open_sqlite"]

T = TypeVar("T")


class SqliteStore:
    """A Store in two files. Appends and reading wait for no drawing."""

    def __init__(
        self,
        path: Path,
        lock: IO[str],
        writer: sqlite3.Connection,
        graph: sqlite3.Connection,
        reader: sqlite3.Connection,
    ) -> None:
        self.path = path
        self._lock = lock
        self._incarnation: str = writer.execute("SELECT incarnation FROM store").fetchone()[0]
        self._writer = Writer("graphsvc-sqlite-writer", path, writer)
        self._graph = Writer("graphsvc-sqlite-drawer", graph_path(path), graph)
        self._reader = Worker("graphsvc-sqlite-reader", reader)

    @property
    def incarnation(self) -> str:
        """Names this life of the store."""
        return self._incarnation

    async def salt(self) -> bytes:
        """32 random bytes of this store."""
        return await self._read(
            lambda connection: connection.execute("SELECT salt FROM secret").fetchone()[0]
        )

    async def append(self, draft: Draft, *, seen: int, reads: Collection[str]) -> Accepted | Refused:
        """Write the draft as the next entry unless the tail after `seen` touches a cell in `reads`."""

        def usual(connection: sqlite3.Connection) -> Accepted | Refused | None:
            return log.append_next(connection, draft, seen)

        return await self._writer.append(usual, lambda connection: log.append(connection, draft, seen, reads))

    async def read(self, *, after: int, limit: int) -> Sequence[Entry]:
        """Entries with seq > `after`, oldest first, at most `limit`."""
        return await self._read(lambda connection: log.read(connection, after=after, limit=limit))

    async def find(self, entry_id: str) -> Entry | None:
        """The entry of a draft's id."""
        return await self._read(lambda connection: log.find(connection, entry_id))

    async def head(self) -> int:
        """The newest number, 0 in an empty store."""
        return await self._read(log.head)

    async def base(self) -> Base | None:
        """What was cut off."""
        return await self._read(log.base)

    async def set_base(self, base: Base) -> None:
        """The log begins behind `base.seq` from now on."""
        await self._settled(lambda connection: log.set_base(connection, base))

    async def prune(self, limit: int) -> int:
        """Remove entries that the base covers."""
        return await self._writer.write(lambda connection: log.prune(connection, limit))

    async def rewrite(self, entry: Entry, body: bytes) -> None:
        """Give an entry another body."""
        await self._settled(lambda connection: log.rewrite(connection, entry, body))

    async def drop_snapshots(self) -> None:
        """Remove all snapshots."""
        await self._settled(lambda connection: connection.execute("DELETE FROM snapshot"))

    async def drawn(self) -> int:
        """The number up to which the graph is drawn."""
        return await self._read(drawing.drawn)

    async def draw(self, strokes: Strokes, *, expected: int, drawn: int) -> bool:
        """Draw and move the cursor, both or neither; False when the cursor is not at `expected`."""
        check_strokes(strokes)
        return await self._graph.write(lambda connection: drawing.draw(connection, strokes, expected, drawn))

    async def count(self) -> dict[str, int]:
        """How many nodes there are by label and edges by type; nothing is listed with 0."""
        return await self._read(drawing.count)

    async def decision(self, decision_id: str) -> DecisionRow | None:
        """One decision by id."""
        return await self._read(lambda connection: history.decision(connection, decision_id))

    async def decisions(self, query: DecisionQuery) -> Sequence[DecisionRow]:
        """A page of decisions."""
        return await self._read(lambda connection: history.decisions(connection, query))

    async def chain(self, chain_id: str) -> ChainRow | None:
        """One chain by id."""
        return await self._read(lambda connection: history.chain(connection, chain_id))

    async def chains(self, query: ChainQuery) -> Sequence[ChainRow]:
        """A page of chains, newest first."""
        return await self._read(lambda connection: history.chains(connection, query))

    async def save_snapshot(self, seq: int, body: bytes) -> None:
        """Keep it and the one before it; whole or not at all."""
        await self._settled(lambda connection: snapshot.save(connection, seq, body))

    async def load_snapshot(self, *, before: int | None = None) -> tuple[int, bytes] | None:
        """The newest one, or the newest one before a number."""
        return await self._read(lambda connection: snapshot.load(connection, before))

    async def snapshot_seq(self) -> int:
        """The number of the newest one, 0 when there is none."""
        return await self._read(snapshot.newest)

    async def lease(self, name: str, holder: str, ttl_ms: int) -> bool:
        """Always: the file belongs to one process."""
        self._writer.check_whole()
        return True

    async def ping(self) -> None:
        """Return when the store answers and takes writes."""
        self._writer.check_whole()
        await self._read(log.head)

    async def close(self) -> None:
        """Finish what was asked, then give the file free; safe to call twice."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        # The writers last: the last connection to close folds a write-ahead log into its file.
        self._reader.stop()
        self._graph.stop()
        self._writer.stop()
        self._lock.close()

    async def _settled(self, work: Callable[[sqlite3.Connection], object]) -> None:
        """Write what relies on the drawing: a snapshot does not say again which changes are still to be drawn, records that
        are cut off cannot be drawn again, and what was erased must not come back.
        """
        drawn = await self._graph.write(drawing.touch, synced=True)

        def settled(connection: sqlite3.Connection) -> None:
            work(connection)
            # By this an older copy of the drawing is known.
            connection.execute("UPDATE store SET drawn = max(drawn, ?)", (drawn,))

        await self._writer.write(settled)

    async def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        def job(connection: sqlite3.Connection) -> T:
            try:
                return work(connection)
            except sqlite3.Error as error:
                raise StoreUnavailable(f"store `{self.path}`: {error}") from error

        return await self._reader.do(job)


async def open_sqlite(path: Path) -> SqliteStore:
    """The store in this file, made if it is not there; this process owns it until it is closed.

    Raises StoreError (another owner, no folder, not writable, damaged, another program's database)
    and StoreTooNew.
    """
    return await asyncio.to_thread(_open, path)


def _open(path: Path) -> SqliteStore:
    real = path.resolve()
    lock = own(real)
    with ExitStack() as opened:
        opened.callback(lock.close)
        writer = opened.enter_context(closing(connect_writer(real)))
        migrate(real, writer, known_migrations(), {"drawing_apart": lambda: move_drawing(real, writer)})
        graph = opened.enter_context(closing(open_graph(real, writer)))
        store = SqliteStore(real, lock, writer, graph, connect_reader(real, graph_path(real)))
        opened.pop_all()
        return store
