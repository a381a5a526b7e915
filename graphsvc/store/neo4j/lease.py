"""Leases in Neo4j: one node each, timed by the server's clock."""

from __future__ import annotations

import asyncio

from graphsvc.store.neo4j.connection import GRACE_S, Connection, as_query
from graphsvc.store.neo4j.failure import writing
from graphsvc.store.neo4j.query import named

__all__ = ["take"]

_TIMEOUT_S = 5.0


async def take(connection: Connection, name: str, holder: str, ttl_ms: int) -> bool:
    """Take, renew or give back a lease; False while another holds it."""
    query = as_query(named("lease/take"), timeout_s=_TIMEOUT_S)
    with writing(connection.address):
        async with asyncio.timeout(_TIMEOUT_S + GRACE_S), connection.session() as session:
            result = await session.run(query, {"id": name, "holder": holder, "ttl_ms": ttl_ms})
            record = await result.single(strict=True)
            held: bool = record["held"]
            return held
