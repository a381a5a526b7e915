"""The store's salt in Neo4j: a property of the `Store` node, set by the first replica that asks."""

from __future__ import annotations

import asyncio
import secrets

from graphsvc.store.neo4j.connection import GRACE_S, Connection, as_query
from graphsvc.store.neo4j.failure import writing
from graphsvc.store.neo4j.query import named

__all__ = ["salt"]

_TIMEOUT_S = 5.0


async def salt(connection: Connection) -> bytes:
    """32 random bytes, the same for all replicas."""
    query = as_query(named("store/salt"), timeout_s=_TIMEOUT_S)
    with writing(connection.address):
        async with asyncio.timeout(_TIMEOUT_S + GRACE_S), connection.session() as session:
            result = await session.run(query, {"salt": secrets.token_bytes(32)})
            return bytes((await result.single(strict=True))["salt"])
