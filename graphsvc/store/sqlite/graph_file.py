"""The file of the drawing, beside the log's: whose it is, when it has to be drawn anew, and how an older store's is moved there.

Nothing but the log is the truth, so a drawing that is not certainly of this log is thrown away and drawn from it again. What
cannot be drawn again is history before a log was cut off; hence a drawing that is there is moved, whole or not at all.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from graphsvc.errors import StoreError
from graphsvc.store.sqlite import drawing, log
from graphsvc.store.sqlite.file import Damaged, connect_writer, known_migrations, migrate

__all__ = ["graph_path", "move_drawing", "open_graph", "reopen_graph"]

_log = logging.getLogger("graphsvc.drawing")

# A drawing that power loss takes away is drawn again, for its place in the log went with it. Whatever relies on what was drawn
# brings it to the disk first: a commit that is synced makes sure of all before it.
_UNSYNCED = "PRAGMA synchronous = NORMAL"
_TABLES = {
    "node": "key, label, properties",
    "edge": 'start, type, "end", properties',
    "decision_pattern": "pattern, key",
}


def graph_path(path: Path) -> Path:
    """Where the drawing of the store in this file lies."""
    return path.with_name(f"{path.name}-graph")


def open_graph(path: Path, log_connection: sqlite3.Connection) -> sqlite3.Connection:
    """The connection that draws for the store at `path`, whose log is open and of the newest schema.

    A drawing that is missing, damaged, of another life of the store, or not of this state of it begins anew; that is logged.
    StoreError for a file that cannot be written or is another program's, StoreTooNew.
    """
    graph = graph_path(path)
    incarnation, at_least = _owner(log_connection)
    reason = "it is missing"
    if graph.exists():
        try:
            connection = connect_writer(graph)
        except Damaged:
            reason = "it is damaged"
        else:
            try:
                migrate(graph, connection, known_migrations("graph"))
                found = _unfit(connection, incarnation, at_least, log.head(log_connection))
            except BaseException:
                connection.close()
                raise
            if found is None:
                connection.execute(_UNSYNCED)
                return connection
            connection.close()
            reason = found
    if log.head(log_connection):
        _log.warning("drawn_anew", extra={"file": str(graph), "reason": reason})
    connection = _begin(graph)
    try:
        drawing.begin(connection, incarnation, 0)
        log_connection.execute("UPDATE store SET drawn = 0")
    except BaseException:
        connection.close()
        raise
    connection.execute(_UNSYNCED)
    return connection


def reopen_graph(path: Path) -> tuple[Path, sqlite3.Connection]:
    """Another connection that draws, for a process beside the one that has opened the store; and its file.

    StoreError when that is gone.
    """
    graph = graph_path(path.resolve())
    if not graph.exists():
        raise StoreError(f"store `{graph}`: is gone; restart graphsvc, which draws it anew")
    connection = connect_writer(graph, known=True)
    connection.execute(_UNSYNCED)
    return graph, connection


def move_drawing(path: Path, log_connection: sqlite3.Connection) -> None:
    """Copy the drawing of an older store, which lies in the file of the log, to a file of its own; there durable, or not there.

    The caller removes it from the log's file afterwards. Until that is done the older one counts, and this is done again.
    """
    (tables,) = log_connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'node'").fetchone()
    if not tables or not log_connection.execute("SELECT 1 FROM node LIMIT 1").fetchone():
        return
    incarnation, drawn = _owner(log_connection)
    with closing(_begin(graph_path(path))) as connection:
        connection.execute("ATTACH ? AS old", (str(path),))
        connection.execute("BEGIN IMMEDIATE")
        for table, columns in _TABLES.items():
            connection.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM old.{table}")  # noqa: S608
        drawing.begin(connection, incarnation, drawn)
        connection.execute("COMMIT")
        connection.execute("DETACH old")
    _sync_folder(path.parent)


def _owner(log_connection: sqlite3.Connection) -> tuple[str, int]:
    row: tuple[str, int] = log_connection.execute("SELECT incarnation, drawn FROM store").fetchone()
    return row


def _unfit(connection: sqlite3.Connection, incarnation: str, at_least: int, head: int) -> str | None:
    """Why it is not the drawing of this store; None when it is."""
    whose = drawing.owner(connection)
    if whose is None:
        return "it was never finished"
    if whose != incarnation:
        return "it is of another store"
    drawn = drawing.drawn(connection)
    # Either file may have been put back from a copy without the other.
    if drawn < at_least:
        return f"it ends at record {drawn}, and was at {at_least}"
    if drawn > head:
        return f"it ends at record {drawn}, and the log at {head}"
    return None


def _begin(graph: Path) -> sqlite3.Connection:
    """An empty one in place of what is there."""
    for name in (graph.name, f"{graph.name}-wal", f"{graph.name}-shm"):
        graph.with_name(name).unlink(missing_ok=True)
    connection = connect_writer(graph)
    try:
        migrate(graph, connection, known_migrations("graph"))
    except BaseException:
        connection.close()
        raise
    return connection


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
