"""Snapshots in Neo4j: nodes of at most 1 MB each, written in one transaction, read one by one."""

from __future__ import annotations

import asyncio

from neo4j import AsyncTransaction
from neo4j.exceptions import ConstraintError

from graphsvc.errors import StoreError
from graphsvc.store.neo4j.connection import Connection
from graphsvc.store.neo4j.failure import writing
from graphsvc.store.neo4j.log import swapped
from graphsvc.store.neo4j.query import named

__all__ = ["PART_BYTES", "load", "newest", "save"]

PART_BYTES = 1_000_000
_KEPT = 2
_TIMEOUT_S = 120.0
_ANY = 2**62  # more than any number of the log


async def save(connection: Connection, seq: int, body: bytes, *, incarnation: str) -> None:
    """Keep this one and the one before it; StoreError when the store is not the one that was opened."""
    parts = [body[start : start + PART_BYTES] for start in range(0, len(body), PART_BYTES)] or [b""]
    try:
        with writing(connection.address):
            async with (
                asyncio.timeout(_TIMEOUT_S + 5),
                connection.session() as session,
                await session.begin_transaction(timeout=_TIMEOUT_S) as transaction,
            ):
                lock = await transaction.run(named("snapshot/lock").text, incarnation=incarnation)
                row = await lock.single()
                if row is None or not row["same"]:
                    raise swapped(connection)
                await _write(transaction, seq, parts)
                await transaction.commit()
    except ConstraintError as error:
        raise StoreError(f"store `{connection.address.url}`: {error.message}") from error


async def _write(transaction: AsyncTransaction, seq: int, parts: list[bytes]) -> None:
    count = len(parts)
    for part, body in enumerate(parts):
        values = {"id": f"{seq}/{part}", "seq": seq, "part": part, "parts": count, "body": body}
        await (await transaction.run(named("snapshot/save").text, values)).consume()
    values = {"seq": seq, "parts": count, "kept": _KEPT}
    await (await transaction.run(named("snapshot/remove").text, values)).consume()


async def load(connection: Connection, before: int | None) -> tuple[int, bytes] | None:
    """The newest one with its number. A part that another replica removed meanwhile is simply not there."""
    limit = _ANY if before is None else before
    rows = await connection.rows("snapshot/newest", {"before": limit}, leader=True)
    if not rows:
        return None
    seq: int = rows[0]["seq"]
    found: list[bytes] = []
    for part in range(rows[0]["parts"]):
        body = await connection.rows("snapshot/part", {"id": f"{seq}/{part}"}, leader=True)
        found += [bytes(row["body"]) for row in body]
    return seq, b"".join(found)


async def newest(connection: Connection) -> int:
    """The number of the newest one, 0 when there is none."""
    rows = await connection.rows("snapshot/newest", {"before": _ANY}, leader=True)
    number: int = rows[0]["seq"] if rows else 0
    return number
