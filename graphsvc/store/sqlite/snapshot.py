"""Snapshots in SQLite: what the writer thread does to keep one, and what a start asks."""

from __future__ import annotations

import sqlite3

__all__ = ["load", "newest", "save"]

_KEPT = 2


def save(connection: sqlite3.Connection, seq: int, body: bytes) -> None:
    """Inside an open write transaction: keep this one and the one before it."""
    connection.execute("INSERT OR REPLACE INTO snapshot (seq, body) VALUES (?, ?)", (seq, body))
    connection.execute(
        "DELETE FROM snapshot WHERE seq NOT IN (SELECT seq FROM snapshot ORDER BY seq DESC LIMIT ?)", (_KEPT,)
    )


def load(connection: sqlite3.Connection, before: int | None) -> tuple[int, bytes] | None:
    """The newest one with its number; before: only one with a lower number."""
    row: tuple[int, bytes] | None = connection.execute(
        "SELECT seq, body FROM snapshot WHERE ? IS NULL OR seq < ? ORDER BY seq DESC LIMIT 1",
        (before, before),
    ).fetchone()
    return row


def newest(connection: sqlite3.Connection) -> int:
    """The number of the newest one, 0 when there is none."""
    number: int | None = connection.execute("SELECT max(seq) FROM snapshot").fetchone()[0]
    return number or 0
