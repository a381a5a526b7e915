"""Writing to one SQLite file: a thread of its own, one transaction after the other, and what an error says of the disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from graphsvc.errors import StoreUnavailable
from graphsvc.store.sqlite.worker import Worker

__all__ = ["Writer"]

T = TypeVar("T")

_NOTHING_WRITTEN = ("SQLITE_FULL", "SQLITE_BUSY", "SQLITE_LOCKED")


class Writer:
    """The connection that writes to a file.

    Every method raises StoreUnavailable, with `outcome_unknown` where the change may have been made; after a failed sync always.
    """

    def __init__(self, name: str, path: Path, connection: sqlite3.Connection) -> None:
        self._path = path
        self._worker = Worker(name, connection)
        self._broken: str | None = None

    async def write(self, work: Callable[[sqlite3.Connection], T], *, synced: bool = False) -> T:
        """One transaction. synced: it and all before it are on the disk when this returns, however the connection commits."""

        def settled(connection: sqlite3.Connection) -> T:
            (usual,) = connection.execute("PRAGMA synchronous").fetchone()
            connection.execute("PRAGMA synchronous = FULL")
            try:
                return self._transaction(connection, work)
            finally:
                connection.execute(f"PRAGMA synchronous = {usual}")

        def plain(connection: sqlite3.Connection) -> T:
            return self._transaction(connection, work)

        return await self._worker.do(settled if synced else plain)

    async def append(
        self, usual: Callable[[sqlite3.Connection], T | None], other: Callable[[sqlite3.Connection], T]
    ) -> T:
        """Before all that waits: one statement, a transaction of its own; where it is not told None, that is it, else another."""

        def work(connection: sqlite3.Connection) -> T:
            return self._statement(connection, usual) or self._transaction(connection, other)

        return await self._worker.do(work, urgent=True)

    def check_whole(self) -> None:
        """Return while the file can be written."""
        if self._broken is not None:
            raise StoreUnavailable(self._broken)

    def stop(self) -> None:
        """Do what was asked for, then close the connection. Blocks; safe twice."""
        self._worker.stop()

    def _statement(
        self, connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], T | None]
    ) -> T | None:
        self.check_whole()
        try:
            return work(connection)
        except sqlite3.Error as error:
            if _name(error).startswith(_NOTHING_WRITTEN):
                # Told before anything was committed.
                raise self._unavailable(error) from error
            raise self._uncommitted(error) from error

    def _transaction(self, connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
        self.check_whole()
        try:
            connection.execute("BEGIN IMMEDIATE")
            result = work(connection)
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

    def _uncommitted(self, error: sqlite3.Error) -> StoreUnavailable:
        # INVARIANT: after a failed sync nobody knows what the disk holds, and a later sync may
        # succeed without it. Only opening the file anew reads the truth, so writing ends here.
        if _name(error).startswith("SQLITE_IOERR"):
            self._broken = (
                f"store `{self._path}`: a write failed ({error}); check the disk, then restart graphsvc"
            )
        return self._unavailable(error, outcome_unknown=True)

    def _unavailable(self, error: sqlite3.Error, *, outcome_unknown: bool = False) -> StoreUnavailable:
        return StoreUnavailable(f"store `{self._path}`: {error}", outcome_unknown=outcome_unknown)


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def _name(error: sqlite3.Error) -> str:
    return getattr(error, "sqlite_errorname", "")
