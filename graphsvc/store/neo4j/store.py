"""The Neo4j store: opened only when server, clock and schema are right, and warm before it is handed out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Coroutine, Sequence
from typing import Any, TypeVar

from graphsvc.decide.ports import (
    Accepted,
    Base,
    ChainQuery,
    ChainRow,
    DecisionQuery,
    DecisionRow,
    Draft,
    Entry,
    Refused,
    Strokes,
)
from graphsvc.errors import ClocksDiffer, StoreError, StoreUnavailable
from graphsvc.store.address import Neo4jAddress
from graphsvc.store.neo4j import base as log_base
from graphsvc.store.neo4j import drawing, history, lease, log, secret, snapshot
from graphsvc.store.neo4j.connection import READ_TIMEOUT_S, Connection, connect
from graphsvc.store.neo4j.migration import migrate
from graphsvc.store.neo4j.warm_up import warm_up
from graphsvc.store.stroke import check_strokes

__all__ = ["MAX_SKEW_MS", "Neo4jStore", "open_neo4j"]

T = TypeVar("T")

MAX_SKEW_MS = 500


class Neo4jStore:
    """A Store in a Neo4j database, shared with any number of replicas."""

    def __init__(self, connection: Connection, incarnation: str, now_ms: Callable[[], int]) -> None:
        self._connection = connection
        self._incarnation = incarnation
        self._now_ms = now_ms
        # Commits that their callers stopped waiting for.
        self._under_way: set[asyncio.Task[Any]] = set()
        self._is_open = True

    @property
    def incarnation(self) -> str:
        """Names this life of the store."""
        return self._incarnation

    async def salt(self) -> bytes:
        """32 random bytes of this store, the same for all replicas."""
        return await self._to_its_end(secret.salt(self._open()))

    async def append(self, draft: Draft, *, seen: int, reads: Collection[str]) -> Accepted | Refused:
        """Write the draft as the next entry unless the tail after `seen` touches a cell in `reads`."""
        return await self._to_its_end(
            log.append(self._open(), draft, seen=seen, reads=reads, incarnation=self._incarnation)
        )

    async def read(self, *, after: int, limit: int) -> Sequence[Entry]:
        """Entries with seq > `after`, oldest first, at most `limit`."""
        return await log.read(self._open(), after=after, limit=limit)

    async def find(self, entry_id: str) -> Entry | None:
        """The entry of a draft's id."""
        return await log.find(self._open(), entry_id)

    async def head(self) -> int:
        """The newest number, 0 in an empty store; StoreSwapped for another store than the one opened."""
        return await log.head(self._open(), self._incarnation)

    async def base(self) -> Base | None:
        """What was cut off."""
        return await log_base.load(self._open())

    async def set_base(self, base: Base) -> None:
        """The log begins behind `base.seq` from now on."""
        await self._to_its_end(log_base.save(self._open(), base, incarnation=self._incarnation))

    async def prune(self, limit: int) -> int:
        """Remove entries that the base covers."""
        return await self._to_its_end(log_base.prune(self._open(), limit))

    async def rewrite(self, entry: Entry, body: bytes) -> None:
        """Give an entry another body."""
        await self._to_its_end(log_base.rewrite(self._open(), entry, body))

    async def drop_snapshots(self) -> None:
        """Remove all snapshots."""
        await self._to_its_end(log_base.drop_snapshots(self._open()))

    async def drawn(self) -> int:
        """The number up to which the graph is drawn."""
        return await drawing.drawn(self._open())

    async def draw(self, strokes: Strokes, *, expected: int, drawn: int) -> bool:
        """Draw and move the cursor, both or neither; False when the cursor is not at `expected`."""
        check_strokes(strokes)
        return await self._to_its_end(drawing.draw(self._open(), strokes, expected=expected, target=drawn))

    async def count(self) -> dict[str, int]:
        """How many nodes there are by label and edges by type; nothing is listed with 0."""
        return await drawing.count(self._open())

    async def decision(self, decision_id: str) -> DecisionRow | None:
        """One decision by id."""
        return await history.decision(self._open(), decision_id)

    async def decisions(self, query: DecisionQuery) -> Sequence[DecisionRow]:
        """A page of decisions."""
        return await history.decisions(self._open(), query)

    async def chain(self, chain_id: str) -> ChainRow | None:
        """One chain by id."""
        return await history.chain(self._open(), chain_id)

    async def chains(self, query: ChainQuery) -> Sequence[ChainRow]:
        """A page of chains, newest first."""
        return await history.chains(self._open(), query)

    async def save_snapshot(self, seq: int, body: bytes) -> None:
        """Keep it and the one before it; whole or not at all."""
        await self._to_its_end(snapshot.save(self._open(), seq, body, incarnation=self._incarnation))

    async def load_snapshot(self, *, before: int | None = None) -> tuple[int, bytes] | None:
        """The newest one, or the newest one before a number."""
        return await snapshot.load(self._open(), before)

    async def snapshot_seq(self) -> int:
        """The number of the newest one, 0 when there is none."""
        return await snapshot.newest(self._open())

    async def lease(self, name: str, holder: str, ttl_ms: int) -> bool:
        """Take, renew or give back a lease, by the server's clock."""
        return await self._to_its_end(lease.take(self._open(), name, holder, ttl_ms))

    async def ping(self) -> None:
        """Return when the server answers and its clock agrees with ours."""
        await check_clock(self._open(), self._now_ms)

    async def close(self) -> None:
        """Finish the commits under way, then close the connections; safe to call twice."""
        self._is_open = False
        if self._under_way:
            await asyncio.wait(self._under_way)
        await self._connection.close()

    def _open(self) -> Connection:
        if not self._is_open:
            raise StoreUnavailable("the store is closed")
        return self._connection

    async def _to_its_end(self, write: Coroutine[Any, Any, T]) -> T:
        # A commit that is cancelled half way has an unknown outcome; the caller may stop waiting instead.
        task = asyncio.create_task(write)
        self._under_way.add(task)
        task.add_done_callback(self._forget)
        return await asyncio.shield(task)

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # seen, should the caller be gone


async def open_neo4j(
    address: Neo4jAddress,
    password: str,
    *,
    now_ms: Callable[[], int] | None = None,
    strict: bool = False,
) -> Neo4jStore:
    """The store in this database, migrated, verified and warm.

    now_ms: this process's clock, for the comparison with the server's. strict: what the server notifies
    of becomes a Python warning. Raises StoreError (user refused, no such database, a schema that is not
    ours), StoreTooNew, and StoreUnavailable (nothing answers, clocks differ).
    """
    clock = now_ms or _system_now_ms
    connection = connect(address, password, strict=strict)
    try:
        await check_clock(connection, clock)
        await migrate(connection)
        rows = await connection.rows("store/incarnation", leader=True)
        if not rows:
            raise StoreError(f"store `{address.url}`: has lost its `Store` node; restore it from a backup")
        incarnation: str = rows[0]["incarnation"]
        await warm_up(connection, incarnation)
        connection.patience_s = READ_TIMEOUT_S
    except BaseException:
        await connection.close()
        raise
    return Neo4jStore(connection, incarnation, clock)


async def check_clock(connection: Connection, now_ms: Callable[[], int]) -> None:
    """StoreUnavailable when the server's clock differs from ours by more than 500 ms.

    A slow answer is not held against the clock: the skew counts only beyond the time it took.
    """
    before = now_ms()
    server: int = (await connection.rows("store/clock"))[0]["now_ms"]
    after = now_ms()
    skew = max(before - server, server - after, 0)
    if skew > MAX_SKEW_MS:
        raise ClocksDiffer(
            f"store `{connection.address.url}`: its clock and ours differ by {skew} ms, more than {MAX_SKEW_MS}; "
            "synchronise both (NTP)"
        )


def _system_now_ms() -> int:
    return time.time_ns() // 1_000_000
