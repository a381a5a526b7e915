"""The log in SQLite: what the writer thread does for an append, and what readers ask."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection

import msgspec

from graphsvc.decide.ports import Accepted, Draft, Entry, Refused
from graphsvc.errors import Conflict, StoreSwapped

__all__ = ["append", "find", "head", "read"]

_COLUMNS = "seq, first, id, cells, body"
_cells = msgspec.json.Decoder(tuple[str, ...])


def append(
    connection: sqlite3.Connection, draft: Draft, seen: int, reads: Collection[str]
) -> Accepted | Refused:
    """Inside an open write transaction: the entry written, or the tail that forbids it.

    Conflict when the draft's id is there already.
    """
    newest = head(connection)
    if seen > newest:
        raise StoreSwapped(f"the log ends at {newest}, before {seen}, which was seen: another store")
    tail: tuple[Entry, ...] = ()
    if seen < newest:
        tail = tuple(read(connection, after=seen, limit=-1))
        wanted = frozenset(reads)
        if any(not wanted.isdisjoint(entry.cells) for entry in tail):
            return Refused(tail)
    entry = Entry(seq=newest + draft.count, first=newest + 1, id=draft.id, cells=draft.cells, body=draft.body)
    row = (entry.seq, entry.first, entry.id, msgspec.json.encode(entry.cells).decode(), entry.body)
    try:
        connection.execute(f"INSERT INTO entry ({_COLUMNS}) VALUES (?, ?, ?, ?, ?)", row)  # noqa: S608
    except sqlite3.IntegrityError as error:
        raise Conflict(f"an entry with the id `{draft.id}` exists already") from error
    return Accepted(entry, tail)


def head(connection: sqlite3.Connection) -> int:
    """The newest number, 0 in an empty log."""
    number: int | None = connection.execute("SELECT max(seq) FROM entry").fetchone()[0]
    return number or 0


def read(connection: sqlite3.Connection, *, after: int, limit: int) -> list[Entry]:
    """Entries with seq > `after`, oldest first; a negative limit means all."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM entry WHERE seq > ? ORDER BY seq LIMIT ?",  # noqa: S608
        (after, limit),
    )
    return [_entry(row) for row in rows]


def find(connection: sqlite3.Connection, entry_id: str) -> Entry | None:
    """The entry of a draft's id."""
    row = connection.execute(f"SELECT {_COLUMNS} FROM entry WHERE id = ?", (entry_id,)).fetchone()  # noqa: S608
    return None if row is None else _entry(row)


def _entry(row: tuple[int, int, str, str, bytes]) -> Entry:
    seq, first, entry_id, cells, body = row
    return Entry(seq=seq, first=first, id=entry_id, cells=_cells.decode(cells), body=body)
