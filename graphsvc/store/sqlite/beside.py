"""Working on a SQLite store that another process owns: SQLite lets readers of its log look on, and its drawing is a file of its own."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

from graphsvc.decide.ports import Base, Entry, Strokes
from graphsvc.errors import StoreAbsent, StoreError, StoreSwapped, StoreTooNew, StoreUnavailable
from graphsvc.store.sqlite import drawing, log
from graphsvc.store.sqlite.file import APPLICATION_ID, known_migrations
from graphsvc.store.sqlite.graph_file import reopen_graph
from graphsvc.store.sqlite.writer import Writer
from graphsvc.store.stroke import check_strokes

__all__ = ["SqliteCanvas", "SqliteLogReader", "draw_beside", "read_beside"]


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


class SqliteCanvas:
    """A log that can only be read, and its drawing."""

    def __init__(self, path: Path, connection: sqlite3.Connection, graph: Writer) -> None:
        self._path = path
        self._log = connection
        self._graph = graph

    async def read(self, *, after: int, limit: int) -> list[Entry]:
        """Entries with seq > `after`, oldest first; StoreUnavailable."""
        try:
            return log.read(self._log, after=after, limit=limit)
        except sqlite3.Error as error:
            raise StoreUnavailable(f"store `{self._path}`: {error}") from error

    async def drawn(self) -> int:
        """The number up to which the graph is drawn."""
        return await self._graph.write(drawing.drawn)

    async def draw(self, strokes: Strokes, *, expected: int, drawn: int) -> bool:
        """Draw and move the cursor, both or neither; False when the cursor is not at `expected`."""
        check_strokes(strokes)
        return await self._graph.write(lambda connection: drawing.draw(connection, strokes, expected, drawn))


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
        yield SqliteLogReader(connection, _incarnation(connection))
    except sqlite3.DatabaseError as error:
        raise StoreError(f"store `{path}`: {error}") from error
    finally:
        connection.close()


@asynccontextmanager
async def draw_beside(path: Path, incarnation: str) -> AsyncIterator[SqliteCanvas]:
    """Log and drawing of a store that this version has opened. StoreError when the drawing is gone since, StoreSwapped."""
    with closing(_open(path)) as connection:
        graph, writer = reopen_graph(path)
        if {_incarnation(connection), drawing.owner(writer)} != {incarnation}:
            writer.close()
            raise StoreSwapped(f"store `{path}`: is not the store that was opened")
        drawer = Writer("graphsvc-sqlite-drawer", graph, writer)
        try:
            yield SqliteCanvas(path, connection, drawer)
        finally:
            drawer.stop()


def _incarnation(connection: sqlite3.Connection) -> str:
    (incarnation,) = connection.execute("SELECT incarnation FROM store").fetchone()
    return str(incarnation)


def _open(path: Path) -> sqlite3.Connection:
    if not path.exists():
        raise StoreAbsent(f"store `{path}` does not exist; name another with --store")
    address = f"file:{path.resolve()}?mode=ro"
    return sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)
