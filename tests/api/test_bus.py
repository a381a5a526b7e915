"""The fan-out: no gaps, nothing twice, and nobody waits for a slow reader."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphsvc.core.record import ChainClosed
from graphsvc.decide.command import LogEvent
from graphsvc.events.bus import Bus

pytestmark = pytest.mark.anyio


class _Log:
    """A log in memory that publishes what is written."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.events: list[LogEvent] = []

    def write(self, count: int) -> None:
        start = len(self.events) + 1
        fresh = [LogEvent(seq, ChainClosed(at_ms=0, chain="c")) for seq in range(start, start + count)]
        self.events += fresh
        self.bus.publish(fresh)

    async def read(self, *, after: int, limit: int) -> Sequence[LogEvent]:
        await asyncio.sleep(0)
        return self.events[after : after + min(limit, 3)]


@given(
    before=st.integers(0, 12),
    after=st.none() | st.integers(0, 12),
    bound=st.integers(1, 6),
    steps=st.lists(st.tuples(st.integers(0, 8), st.booleans()), max_size=12),
)
def test_every_reader_sees_each_record_once_in_order(
    before: int, after: int | None, bound: int, steps: list[tuple[int, bool]]
) -> None:
    """However fast or slow a reader is, it sees all records after its place, once, in order."""

    async def run() -> None:
        bus = Bus(bound=bound)
        log = _Log(bus)
        log.write(before)
        start = before if after is None else min(after, before)
        stream = bus.subscribe(after=None if after is None else start, head=before, read=log.read)
        seen: list[int] = []
        for count, takes in steps:
            log.write(count)
            if takes and (seen[-1] if seen else start) < len(log.events):
                seen += [event.seq for event in await anext(stream)]
        while (seen[-1] if seen else start) < len(log.events):
            seen += [event.seq for event in await anext(stream)]
        assert seen == list(range(start + 1, len(log.events) + 1))
        await stream.aclose()
        assert bus.subscribers == 0

    asyncio.run(run())


async def test_a_reader_that_never_reads_costs_nobody_anything() -> None:
    """A queue is bounded, and another reader goes on."""
    bus = Bus(bound=10)
    log = _Log(bus)
    idle = bus.subscribe(after=None, head=0, read=log.read)
    busy = bus.subscribe(after=None, head=0, read=log.read)
    for _ in range(100):
        log.write(5)
        assert len(await anext(busy)) == 5
    assert all(subscriber.queued <= 10 for subscriber in bus._subscribers)
    assert (await anext(idle))[0].seq == 1
    await idle.aclose()
    await busy.aclose()
