"""Drawing in a Neo4j store beside the process that has opened it: nothing is migrated, compared or warmed up again."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from graphsvc.errors import StoreSwapped
from graphsvc.store.address import Neo4jAddress
from graphsvc.store.neo4j.connection import connect
from graphsvc.store.neo4j.store import Neo4jStore

__all__ = ["draw_beside"]


@asynccontextmanager
async def draw_beside(address: Neo4jAddress, password: str, incarnation: str) -> AsyncIterator[Neo4jStore]:
    """The store, to read its log and draw; StoreSwapped when it is not the one that was opened."""
    store = Neo4jStore(
        connection := connect(address, password), incarnation, lambda: time.time_ns() // 1_000_000
    )
    try:
        rows = await connection.rows("store/incarnation", leader=True)
        if [row["incarnation"] for row in rows] != [incarnation]:
            raise StoreSwapped(f"store `{address.url}`: is not the store that was opened")
        yield store
    finally:
        await store.close()
