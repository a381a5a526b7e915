"""One driver and how statements run through it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from neo4j import READ_ACCESS, WRITE_ACCESS, AsyncDriver, AsyncGraphDatabase, AsyncSession, Query

from graphsvc.store.address import Neo4jAddress
from graphsvc.store.neo4j.failure import reading
from graphsvc.store.neo4j.query import NamedQuery, named

__all__ = ["Connection", "as_query", "connect"]

READ_TIMEOUT_S = 10.0
# A server that has just started compiles each statement first, on a busy machine for many seconds.
OPEN_TIMEOUT_S = 60.0
COMMIT_TIMEOUT_S = 10.0
# The server ends a statement by itself; when even that does not arrive, the connection is given up.
GRACE_S = 5.0


class Connection:
    """A driver bound to one database. patience_s: how long a named query may read; long until the store is open."""

    def __init__(self, address: Neo4jAddress, driver: AsyncDriver) -> None:
        self.address = address
        self.driver = driver
        self.patience_s = OPEN_TIMEOUT_S

    def session(self, *, access: str = WRITE_ACCESS) -> AsyncSession:
        """A session of the store's database; one task uses it."""
        return self.driver.session(database=self.address.database, default_access_mode=access)

    async def rows(
        self, name: str, parameters: Mapping[str, object] | None = None, *, leader: bool = False
    ) -> list[dict[str, Any]]:
        """The rows of a named query that only reads.

        leader: read what was committed last, which in a cluster only the leader knows.
        """
        return await self.rows_of(as_query(named(name), timeout_s=self.patience_s), parameters, leader=leader)

    async def rows_of(
        self, query: Query, parameters: Mapping[str, object] | None = None, *, leader: bool = False
    ) -> list[dict[str, Any]]:
        """The rows of a query that only reads; a connection that broke while idle is tried once more."""
        with reading(self.address):
            try:
                return await self._rows(query, parameters, leader=leader)
            except TimeoutError:
                raise
            except Exception as error:
                if not getattr(error, "is_retryable", bool)():
                    raise
            return await self._rows(query, parameters, leader=leader)

    async def _rows(
        self, query: Query, parameters: Mapping[str, object] | None, *, leader: bool
    ) -> list[dict[str, Any]]:
        async with asyncio.timeout(self.patience_s + GRACE_S):
            async with self.session(access=WRITE_ACCESS if leader else READ_ACCESS) as session:
                result = await session.run(query, dict(parameters or {}))
                # Not `data()`, which walks through bytes one by one.
                return [dict(record) async for record in result]

    async def close(self) -> None:
        """Close all connections; safe to call twice."""
        await self.driver.close()


def as_query(query: NamedQuery, *, timeout_s: float = READ_TIMEOUT_S) -> Query:
    """The driver's form of a named query, ended by the server after `timeout_s`."""
    # The text is ours: it comes from a shipped file, never from input.
    return Query(query.text, timeout=timeout_s)


def connect(address: Neo4jAddress, password: str, *, strict: bool = False) -> Connection:
    """A connection that nothing was sent through yet. strict: a notification is a Python warning."""
    notifications: dict[str, Any] = (
        {"warn_notification_severity": "WARNING"} if strict else {"notifications_min_severity": "OFF"}
    )
    with reading(address):
        driver = AsyncGraphDatabase.driver(
            address.url,
            auth=(address.user, password),
            connection_timeout=2.0,
            connection_acquisition_timeout=5.0,
            max_connection_pool_size=20,
            max_transaction_retry_time=2.0,
            initial_retry_delay=0.02,
            liveness_check_timeout=30.0,
            # A commit that is sent twice must be a decision, never a convenience.
            disable_auto_commit_retries=True,
            telemetry_disabled=True,
            user_agent="graphsvc",
            **notifications,
        )
    return Connection(address, driver)
