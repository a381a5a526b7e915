"""The world as it was: the graph with its permissions, or everything, as of a number of the log.

The log is folded up to that number, from the newest snapshot before it if there is one; of what the graph says
nothing but its own records are folded. What was worked out is kept for the next question, and for every number
between two changes of the graph it is the same. The cost is bounded: records that are read, and time.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from graphsvc.core.record import (
    GraphCommitted,
    GraphStaged,
    Record,
    Relabelled,
    SourceRemoved,
)
from graphsvc.core.snapshot import restore
from graphsvc.core.world import World
from graphsvc.decide.base import world_of
from graphsvc.decide.command import LogEvent
from graphsvc.decide.keeper import unsealed
from graphsvc.decide.ports import Base, Snapshots
from graphsvc.errors import BadInput, Overloaded

__all__ = ["Past", "Read"]

_FACTS = (GraphStaged, GraphCommitted, SourceRemoved, Relabelled)
_CHANGES = (GraphCommitted, SourceRemoved, Relabelled)
_MOST_RECORDS = 2_000_000
_BUDGET_S = 60.0
_READ_AT_ONCE = 500
_SLICE_S = 0.004
_KEPT = 4
_log = logging.getLogger("graphsvc.snapshot")


class Read(Protocol):
    """Reads records from the log."""

    async def __call__(self, *, after: int, limit: int) -> list[LogEvent]:
        """Records after a number, oldest first; `limit` counts log entries."""


class _Store(Snapshots, Protocol):
    @property
    def incarnation(self) -> str:
        """Names this life of the store."""

    async def base(self) -> Base | None:
        """What was cut off from its log."""


class Past:
    """Worlds as of earlier numbers. read: from the log; now: the world that is in force.

    One is worked out at a time, in slices that let decisions through.
    """

    def __init__(
        self,
        store: _Store,
        now: World,
        read: Read,
        *,
        most_records: int = _MOST_RECORDS,
        budget_s: float = _BUDGET_S,
    ) -> None:
        self._store = store
        self._now = now
        self._read = read
        self._most_records = most_records
        self._budget_s = budget_s
        self._lock = asyncio.Lock()
        # Since when the graph is what it is now, as far as this process has seen it change.
        self._changed: int | None = None
        self._estate_version = now.estate.version
        self._facts: dict[tuple[int, int], World] = {}  # by the numbers from and up to which they hold
        self._whole: dict[int, World] = {}

    def saw(self, events: Sequence[LogEvent]) -> None:
        """Records have been folded."""
        for event in events:
            if isinstance(event.record, _CHANGES):
                self._changed = event.seq

    async def graph_at(self, seq: int) -> World:
        """A world whose graph and permissions are those of the number; nothing else of it means anything.

        BadInput for a number that is not in the log; Overloaded when it takes too long to say.
        """
        self._check(seq)
        if self._changed is not None and seq >= self._changed:
            return self._now
        async with self._lock:
            for (first, last), world in self._facts.items():
                if first <= seq <= last:
                    return world
            world, since, until = await self._folded(seq)
            if until is None:
                # Nothing of the graph has changed since: from now on this is known without reading.
                self._changed = self._changed if self._changed is not None else since
                return self._now
            _keep(self._facts, (since, until), world)
            return world

    async def world_at(self, seq: int) -> World:
        """Everything as of the number, chains and rules too. The same errors."""
        self._check(seq)
        if seq == self._now.seq:
            return self._now
        async with self._lock:
            found = self._whole.get(seq)
            if found is None:
                found = await self._started(seq)
                await self._fold(found, seq, lambda _: True)
                _keep(self._whole, seq, found)
            return found

    def _check(self, seq: int) -> None:
        if not 0 <= seq <= self._now.seq:
            raise BadInput(f"asOf: the log has no record {seq}; it ends at {self._now.seq}", field="asOf")

    async def _started(self, seq: int) -> World:
        """The world of the newest snapshot at or before a number; an empty one for want of any."""
        base = await self._store.base()
        cut = base.seq if base is not None else 0
        if seq < cut:
            raise BadInput(
                f"asOf: records up to {cut} were cut off; ask for a later number, or restore the archives",
                field="asOf",
            )
        before: int | None = seq + 1
        while before is not None:
            found = await self._store.load_snapshot(before=before)
            if found is None or found[0] < cut:
                break
            before = found[0]
            try:
                plain = await asyncio.to_thread(unsealed, found[1], self._store.incarnation)
                return await asyncio.to_thread(restore, plain)
            except Exception as error:  # noqa: BLE001  whatever is wrong with it, the log says the same
                _log.warning("snapshot_ignored", extra={"seq": before, "reason": str(error)})
        return World() if base is None else await asyncio.to_thread(world_of, base)

    async def _folded(self, seq: int) -> tuple[World, int, int | None]:
        """The graph's world, since which number it was so, and until which; None: until now."""
        world = await self._started(seq)
        since = await self._fold(world, seq, lambda record: isinstance(record, _FACTS))
        after, ends_s, seen = seq, time.monotonic() + self._budget_s, 0
        while events := await self._read(after=after, limit=_READ_AT_ONCE):
            for event in events:
                if isinstance(event.record, _CHANGES):
                    return world, since, event.seq - 1
            after, seen = events[-1].seq, seen + len(events)
            if seen > self._most_records or time.monotonic() > ends_s:
                return world, since, after
            await asyncio.sleep(0)
        return world, since, None

    async def _fold(self, world: World, seq: int, wanted: Callable[[Record], bool]) -> int:
        """Fold up to a number; returns that of the newest change of the graph, or where it began."""
        began = since = world.seq
        ends_s = time.monotonic() + self._budget_s
        while world.seq < seq:
            events = await self._read(after=world.seq, limit=_READ_AT_ONCE)
            if not events:
                break
            until_s = time.monotonic() + _SLICE_S
            for event in events:
                if event.seq > seq:
                    world.seq = seq
                    break
                record = event.record
                if wanted(record):
                    world.apply(record, event.seq)
                world.seq = event.seq
                if isinstance(record, _CHANGES):
                    since = event.seq
                if time.monotonic() > until_s:
                    await asyncio.sleep(0)
                    until_s = time.monotonic() + _SLICE_S
            if world.seq - began > self._most_records or time.monotonic() > ends_s:
                told = f"asOf: {world.seq - began:,} records were read and {seq - world.seq:,} are left; ask nearer to now"
                raise Overloaded(told)
        return since


def _keep(held: dict[tuple[int, int], World] | dict[int, World], name: object, world: World) -> None:
    if len(held) >= _KEPT:
        del held[next(iter(held))]  # type: ignore[arg-type]  # a key of its own
    held[name] = world  # type: ignore[index]  # as above
