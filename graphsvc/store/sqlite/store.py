"""The SQLite store: one writer thread, one reader thread, one owner process."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Collection, Sequence
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
from graphsvc.store.sqlite.worker import Worker
from graphsvc.store.stroke import check_strokes

__all__ = ["SqliteStore", "open_sqlite"]

T = TypeVar("T")


class SqliteStore:
    """A Store in one file. Appends go before drawing; reading waits for neither."""

    def __init__(
        self, path: Path, lock: IO[str], writer: sqlite3.Connection, reader: sqlite3.Connection
    ) -> None:
        self._path = path
        self._lock = lock
        self._incarnation: str = writer.execute("SELECT incarnation FROM store").fetchone()[0]
        self._writer = Worker("graphsvc-sqlite-writer", writer)
        self._reader = Worker("graphsvc-sqlite-reader", reader)
        self._broken: str | None = None
        # As the writer's connection was opened; only its thread looks at it.
        self._is_synced = True

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

        def work(connection: sqlite3.Connection) -> Accepted | Refused:
            return self._append_next(connection, draft, seen) or self._transaction(
                connection, lambda: log.append(connection, draft, seen, reads)
            )

        return await self._writer.do(work, urgent=True)

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
        await self._write(lambda connection: log.set_base(connection, base))

    async def prune(self, limit: int) -> int:
        """Remove entries that the base covers."""
        return await self._write(lambda connection: log.prune(connection, limit))

    async def rewrite(self, entry: Entry, body: bytes) -> None:
        """Give an entry another body."""
        await self._write(lambda connection: log.rewrite(connection, entry, body))

    async def drop_snapshots(self) -> None:
        """Remove all snapshots."""
        await self._write(lambda connection: connection.execute("DELETE FROM snapshot"))

    async def drawn(self) -> int:
        """The number up to which the graph is drawn."""
        return await self._read(drawing.drawn)

    async def draw(self, strokes: Strokes, *, expected: int, drawn: int) -> bool:
        """Draw and move the cursor, both or neither; False when the cursor is not at `expected`."""
        check_strokes(strokes)
        return await self._write(
            lambda connection: drawing.draw(connection, strokes, expected, drawn), synced=False
        )

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
        await self._write(lambda connection: snapshot.save(connection, seq, body))

    async def load_snapshot(self, *, before: int | None = None) -> tuple[int, bytes] | None:
        """The newest one, or the newest one before a number."""
        return await self._read(lambda connection: snapshot.load(connection, before))

    async def snapshot_seq(self) -> int:
        """The number of the newest one, 0 when there is none."""
        return await self._read(snapshot.newest)

    async def lease(self, name: str, holder: str, ttl_ms: int) -> bool:
        """Always: the file belongs to one process."""
        self._check_whole()
        return True

    async def ping(self) -> None:
        """Return when the store answers and takes writes."""
        self._check_whole()
        await self._read(log.head)

    async def close(self) -> None:
        """Finish what was asked, then give the file free; safe to call twice."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        # The writer last: the last connection to close folds the write-ahead log into the file.
        self._reader.stop()
        self._writer.stop()
        self._lock.close()

    async def _write(self, work: Callable[[sqlite3.Connection], T], *, synced: bool = True) -> T:
        """One transaction. synced: on the disk when this returns; else with the next one that is.

        A drawing that power loss takes away is drawn again, for its place in the log went with it. The write-ahead
        log is one file, so a later synced commit makes sure of all before it.
        """
        return await self._writer.do(
            lambda connection: self._transaction(connection, lambda: work(connection), synced=synced)
        )

    def _transaction(
        self, connection: sqlite3.Connection, work: Callable[[], T], *, synced: bool = True
    ) -> T:
        self._check_whole()
        try:
            self._sync(connection, synced)
            connection.execute("BEGIN IMMEDIATE")
            result = work()
        except BaseException as error:
            _roll_back(connection)
            if isinstance(error, sqlite3.Error):
                raise self._unavailable(error) from error
            raise
        try:
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            _roll_back(connection)
            raise self._uncommitted(error) from error
        return result

    def _append_next(self, connection: sqlite3.Connection, draft: Draft, seen: int) -> Accepted | None:
        """The usual append, a transaction of one statement."""
        self._check_whole()
        try:
            self._sync(connection, synced=True)
            return log.append_next(connection, draft, seen)
        except sqlite3.Error as error:
            if _name(error).startswith(("SQLITE_FULL", "SQLITE_BUSY", "SQLITE_LOCKED")):
                # Told before anything was committed.
                raise self._unavailable(error) from error
            raise self._uncommitted(error) from error

    def _sync(self, connection: sqlite3.Connection, synced: bool) -> None:
        if synced is not self._is_synced:
            connection.execute(f"PRAGMA synchronous = {'FULL' if synced else 'NORMAL'}")
            self._is_synced = synced

    def _uncommitted(self, error: sqlite3.Error) -> StoreUnavailable:
        # INVARIANT: after a failed sync nobody knows what the disk holds, and a later sync may
        # succeed without it. Only opening the file anew reads the truth, so writing ends here.
        if _name(error).startswith("SQLITE_IOERR"):
            self._broken = (
                f"store `{self._path}`: a write failed ({error}); check the disk, then restart graphsvc"
            )
        return self._unavailable(error, outcome_unknown=True)

    async def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        def job(connection: sqlite3.Connection) -> T:
            try:
                return work(connection)
            except sqlite3.Error as error:
                raise self._unavailable(error) from error

        return await self._reader.do(job)

    def _check_whole(self) -> None:
        if self._broken is not None:
            raise StoreUnavailable(self._broken)

    def _unavailable(self, error: sqlite3.Error, *, outcome_unknown: bool = False) -> StoreUnavailable:
        return StoreUnavailable(f"store `{self._path}`: {error}", outcome_unknown=outcome_unknown)


async def open_sqlite(path: Path) -> SqliteStore:
    """The store in this file, made if it is not there; this process owns it until it is closed.

    Raises StoreError (another owner, no folder, not writable, damaged, another program's database)
    and StoreTooNew.
    """
    return await asyncio.to_thread(_open, path)


def _open(path: Path) -> SqliteStore:
    real = path.resolve()
    lock = own(real)
    try:
        writer = connect_writer(real)
        try:
            migrate(real, writer, known_migrations())
            return SqliteStore(real, lock, writer, connect_reader(real))
        except BaseException:
            writer.close()
            raise
    except BaseException:
        lock.close()
        raise


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def _name(error: sqlite3.Error) -> str:
    return getattr(error, "sqlite_errorname", "")
