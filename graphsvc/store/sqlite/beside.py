"""Reading the log of a SQLite store that another process owns: SQLite lets readers look on, and so do we."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from graphsvc.decide.ports import Base, Entry
from graphsvc.errors import StoreAbsent, StoreError, StoreTooNew
from graphsvc.store.sqlite import log
from graphsvc.store.sqlite.file import APPLICATION_ID, known_migrations

__all__ = ["SqliteLogReader", "read_beside"]


class SqliteLogReader:
    """A log that can only be read."""

    def __init__(self, connection: sqlite3.Connection, incarnation: str) -> None:
        self._connection = connection
        self.incarnation = incarnation

    async def read(self, *, after: int, limit: int) -> list[Entry]:
        """Entries with seq > `after`, oldest first."""
        return await asyncio.to_thread(log.read, self._connection, after=after, limit=limit)

    async def base(self) -> Base | None:
        """What was cut off."""
        return await asyncio.to_thread(log.base, self._connection)


@asynccontextmanager
async def read_beside(path: Path) -> AsyncIterator[SqliteLogReader]:
    """The log in that file as of now, whoever writes to it meanwhile; StoreError and StoreTooNew as of `open_sqlite`."""
    connection = _open(path)
    try:
        (owner,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if owner != APPLICATION_ID:
            raise StoreError(f"store `{path}`: is a database of another program; choose another file")
        if version > len(known_migrations()):
            raise StoreTooNew(f"store `{path}`: the store was written by a newer version: upgrade graphsvc")
        # One transaction: the log as it is at this moment, to the end.
        connection.execute("BEGIN")
        (incarnation,) = connection.execute("SELECT incarnation FROM store").fetchone()
        yield SqliteLogReader(connection, incarnation)
    except sqlite3.DatabaseError as error:
        raise StoreError(f"store `{path}`: {error}") from error
    finally:
        connection.close()


def _open(path: Path) -> sqlite3.Connection:
    if not path.exists():
        raise StoreAbsent(f"store `{path}` does not exist; name another with --store")
    address = f"file:{path.resolve()}?mode=ro"
    return sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)
