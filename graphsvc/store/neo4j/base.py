"""Behind what the log in Neo4j begins: a number and a statement of the store's node, the state in parts as snapshots are."""

from __future__ import annotations

import asyncio

from graphsvc.decide.ports import Base, Entry
from graphsvc.errors import Conflict
from graphsvc.store.base import check_base
from graphsvc.store.neo4j.connection import Connection
from graphsvc.store.neo4j.failure import writing
from graphsvc.store.neo4j.log import swapped
from graphsvc.store.neo4j.query import named
from graphsvc.store.neo4j.snapshot import PART_BYTES

__all__ = ["drop_snapshots", "load", "prune", "rewrite", "save"]

_TIMEOUT_S = 120.0


async def load(connection: Connection) -> Base | None:
    """What was cut off."""
    rows = await connection.rows("log/base", leader=True)
    if not rows or not rows[0]["seq"]:
        return None
    seq, found = rows[0]["seq"], list[bytes]()
    for part in range(rows[0]["parts"]):
        body = await connection.rows("snapshot/part", {"id": f"{-seq}/{part}"}, leader=True)
        found += [bytes(row["body"]) for row in body]
    return Base(seq=seq, state=b"".join(found), statement=rows[0]["statement"])


async def save(connection: Connection, base: Base, *, incarnation: str) -> None:
    """The log begins behind `base.seq` from now on: one transaction, which the counter's lock puts between appends."""
    parts = [base.state[at : at + PART_BYTES] for at in range(0, len(base.state), PART_BYTES)] or [b""]
    values: dict[str, object] = {
        "seq": base.seq, "statement": base.statement, "parts": len(parts), "incarnation": incarnation,
    }  # fmt: skip
    with writing(connection.address):
        async with (
            asyncio.timeout(_TIMEOUT_S + 5),
            connection.session() as session,
            await session.begin_transaction(timeout=_TIMEOUT_S) as transaction,
        ):
            row = await (await transaction.run(named("log/set_base").text, values)).single()
            if row is None or not row["same"]:
                raise swapped(connection)
            check_base(base.seq, cut=row["cut"], head=row["head"], ends_there=row["ends_there"])
            for part, body in enumerate(parts):
                piece = {
                    "id": f"{-base.seq}/{part}",
                    "seq": -base.seq,
                    "part": part,
                    "parts": len(parts),
                    "body": body,
                }
                await (await transaction.run(named("snapshot/save").text, piece)).consume()
            await (await transaction.run(named("log/forget_states").text, kept=-base.seq)).consume()
            await transaction.commit()


async def prune(connection: Connection, limit: int) -> int:
    """Remove entries that the base covers; how many."""
    with writing(connection.address):
        async with asyncio.timeout(_TIMEOUT_S), connection.session() as session:
            row = await (await session.run(named("log/prune").text, limit=limit)).single()
            return 0 if row is None else int(row["removed"])


async def rewrite(connection: Connection, entry: Entry, body: bytes) -> None:
    """Give an entry another body."""
    values: dict[str, object] = {"seq": entry.seq, "id": entry.id, "before": entry.body, "body": body}
    with writing(connection.address):
        async with asyncio.timeout(_TIMEOUT_S), connection.session() as session:
            row = await (await session.run(named("log/rewrite").text, values)).single()
    if row is None:
        raise Conflict(f"entry `{entry.id}` is not there as it was read")


async def drop_snapshots(connection: Connection) -> None:
    """Remove all snapshots; the state of the base stays."""
    with writing(connection.address):
        async with asyncio.timeout(_TIMEOUT_S), connection.session() as session:
            await (await session.run(named("snapshot/drop").text)).consume()
