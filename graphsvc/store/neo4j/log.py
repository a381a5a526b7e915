"""The log in Neo4j: one node per entry, numbered by a counter whose lock makes log order a serial order.

INVARIANT: the commit is one auto-commit statement that is never sent twice. A lost connection leaves
its outcome unknown, and only looking the id up tells.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from neo4j.exceptions import ConstraintError

from graphsvc.decide.ports import Accepted, Draft, Entry, Refused
from graphsvc.errors import Conflict, StoreError, StoreSwapped
from graphsvc.store.neo4j.connection import COMMIT_TIMEOUT_S, GRACE_S, Connection, as_query
from graphsvc.store.neo4j.failure import writing
from graphsvc.store.neo4j.query import named

__all__ = ["append", "find", "head", "parameters_of", "read", "swapped"]


def parameters_of(draft: Draft, *, seen: int, reads: Collection[str], incarnation: str) -> dict[str, object]:
    """The parameters of `log/append`."""
    return {
        "seen": seen,
        "reads": sorted(reads),
        "incarnation": incarnation,
        "id": draft.id,
        "count": draft.count,
        "cells": list(draft.cells),
        "body": draft.body,
    }


async def append(
    connection: Connection, draft: Draft, *, seen: int, reads: Collection[str], incarnation: str
) -> Accepted | Refused:
    """The entry written, or the tail that forbids it.

    StoreUnavailable with `outcome_unknown` when the connection was lost; Conflict when the id is there
    already; StoreError when the store is not the one that was opened.
    """
    parameters = parameters_of(draft, seen=seen, reads=reads, incarnation=incarnation)
    try:
        with writing(connection.address):
            row = await _commit(connection, parameters)
    except ConstraintError as error:
        raise Conflict(f"an entry with the id `{draft.id}` exists already") from error
    if row is None or not row["same"]:
        raise swapped(connection)
    # The list is collected in the order of an index scan, which no rule promises.
    tail = tuple(sorted((_entry(item) for item in row["tail"]), key=lambda entry: entry.seq))
    if row["moved"]:
        return Refused(tail)
    first = row["head"] + 1
    entry = Entry(seq=row["head"] + draft.count, first=first, id=draft.id, cells=draft.cells, body=draft.body)
    return Accepted(entry, tail)


async def _commit(connection: Connection, parameters: Mapping[str, object]) -> Mapping[str, Any] | None:
    query = as_query(named("log/append"), timeout_s=COMMIT_TIMEOUT_S)
    async with asyncio.timeout(COMMIT_TIMEOUT_S + GRACE_S), connection.session() as session:
        result = await session.run(query, dict(parameters))
        # The answer arrives after the commit.
        record = await result.single()
        await result.consume()
        # Not `data()`, which walks through the bytes of the tail one by one.
        return None if record is None else dict(record)


async def read(connection: Connection, *, after: int, limit: int) -> Sequence[Entry]:
    """Entries with seq > `after`, oldest first, at most `limit`."""
    rows = await connection.rows("log/read", {"after": after, "limit": limit}, leader=True)
    return [_entry(row) for row in rows]


async def find(connection: Connection, entry_id: str) -> Entry | None:
    """The entry of a draft's id; waits for a commit that the server is still busy with."""
    rows = await connection.rows("log/find", {"id": entry_id}, leader=True)
    return _entry(rows[0]) if rows else None


async def head(connection: Connection, incarnation: str | None = None) -> int:
    """The newest number, 0 in an empty log. incarnation: of the store that was opened; StoreSwapped for another."""
    rows = await connection.rows("log/head", leader=True)
    if not rows:
        raise StoreError(f"store `{connection.address.url}`: has lost its counter; restore it from a backup")
    if incarnation is not None and rows[0]["incarnation"] != incarnation:
        raise swapped(connection)
    number: int = rows[0]["head"]
    return number


def swapped(connection: Connection) -> StoreSwapped:
    """What to say of a store that is another than the one that was opened."""
    return StoreSwapped(
        f"store `{connection.address.url}`: is not the store that was opened (it was restored or swapped)"
    )


def _entry(row: Mapping[str, Any]) -> Entry:
    return Entry(
        seq=row["seq"], first=row["first"], id=row["id"], cells=tuple(row["cells"]), body=bytes(row["body"])
    )
