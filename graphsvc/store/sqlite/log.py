"""The log in SQLite: what the writer thread does for an append, and what readers ask."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection

import msgspec

from graphsvc.decide.ports import Accepted, Base, Draft, Entry, Refused
from graphsvc.errors import Conflict, StoreSwapped
from graphsvc.store.base import check_base

__all__ = ["append", "append_next", "base", "find", "head", "prune", "read", "rewrite", "set_base"]

_COLUMNS = "seq, first, id, cells, body"
_cells = msgspec.json.Decoder(tuple[str, ...])


# A commit of its own. Taking the turn of the interpreter back after each statement is what an append waits for most
# while the service is busy, so the usual one is a single statement.
_APPEND = f"""
INSERT INTO entry ({_COLUMNS}) SELECT ?1, ?2, ?3, ?4, ?5
WHERE ?2 = 1 + coalesce((SELECT max(seq) FROM entry), (SELECT seq FROM base), 0)
"""  # noqa: S608  texts of this module only


def append_next(connection: sqlite3.Connection, draft: Draft, seen: int) -> Accepted | None:
    """Outside of a transaction: the entry written and committed; None when the log does not end at `seen`.

    Conflict when the draft's id is there already.
    """
    entry = _next(draft, seen)
    try:
        # Of many rows, of which there is one: else the driver asks for the number of the row, another turn.
        found = connection.executemany(_APPEND, (_row(entry),))
    except sqlite3.IntegrityError as error:
        raise _twice(draft) from error
    return Accepted(entry, ()) if found.rowcount else None


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
    entry = _next(draft, newest)
    try:
        connection.execute(f"INSERT INTO entry ({_COLUMNS}) VALUES (?, ?, ?, ?, ?)", _row(entry))  # noqa: S608
    except sqlite3.IntegrityError as error:
        raise _twice(draft) from error
    return Accepted(entry, tail)


def _next(draft: Draft, newest: int) -> Entry:
    return Entry(seq=newest + draft.count, first=newest + 1, id=draft.id, cells=draft.cells, body=draft.body)


def _row(entry: Entry) -> tuple[int, int, str, str, bytes]:
    return entry.seq, entry.first, entry.id, msgspec.json.encode(entry.cells).decode(), entry.body


def _twice(draft: Draft) -> Conflict:
    return Conflict(f"an entry with the id `{draft.id}` exists already")


def head(connection: sqlite3.Connection) -> int:
    """The newest number, 0 in an empty log."""
    number: int | None = connection.execute("SELECT max(seq) FROM entry").fetchone()[0]
    return number or _cut(connection)


def base(connection: sqlite3.Connection) -> Base | None:
    """What was cut off."""
    row = connection.execute("SELECT seq, state, statement FROM base").fetchone()
    return None if row is None else Base(seq=row[0], state=row[1], statement=row[2])


def set_base(connection: sqlite3.Connection, base: Base) -> None:
    """Inside an open write transaction: the log begins behind `base.seq` from now on."""
    (there,) = connection.execute("SELECT count(*) FROM entry WHERE seq = ?", (base.seq,)).fetchone()
    check_base(base.seq, cut=_cut(connection), head=head(connection), ends_there=bool(there))
    row = (base.seq, base.state, base.statement)
    connection.execute("INSERT OR REPLACE INTO base (one, seq, state, statement) VALUES (1, ?, ?, ?)", row)


def prune(connection: sqlite3.Connection, limit: int) -> int:
    """Inside an open write transaction: remove entries that the base covers; how many."""
    return connection.execute(
        "DELETE FROM entry WHERE seq IN (SELECT seq FROM entry WHERE seq <= ? ORDER BY seq LIMIT ?)",
        (_cut(connection), limit),
    ).rowcount


def rewrite(connection: sqlite3.Connection, entry: Entry, body: bytes) -> None:
    """Inside an open write transaction: give an entry another body."""
    told = connection.execute(
        "UPDATE entry SET body = ? WHERE seq = ? AND id = ? AND body = ?",
        (body, entry.seq, entry.id, entry.body),
    )
    if not told.rowcount:
        raise Conflict(f"entry `{entry.id}` is not there as it was read")


def _cut(connection: sqlite3.Connection) -> int:
    row = connection.execute("SELECT seq FROM base").fetchone()
    return 0 if row is None else int(row[0])


def read(connection: sqlite3.Connection, *, after: int, limit: int) -> list[Entry]:
    """Entries with seq > `after`, oldest first; a negative limit means all."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM entry WHERE seq > ? ORDER BY seq LIMIT ?",  # noqa: S608
        (max(after, _cut(connection)), limit),
    )
    return [_entry(row) for row in rows]


def find(connection: sqlite3.Connection, entry_id: str) -> Entry | None:
    """The entry of a draft's id."""
    row = connection.execute(f"SELECT {_COLUMNS} FROM entry WHERE id = ?", (entry_id,)).fetchone()  # noqa: S608
    return None if row is None else _entry(row)


def _entry(row: tuple[int, int, str, str, bytes]) -> Entry:
    seq, first, entry_id, cells, body = row
    return Entry(seq=seq, first=first, id=entry_id, cells=_cells.decode(cells), body=body)
