"""Chains that nothing happens in come to an end; those that are in use do not."""

import asyncio

import pytest

from graphsvc.core.record import ChainClosed
from graphsvc.core.state import ChainState
from graphsvc.core.verdict import ReasonCode, Verdict
from graphsvc.decide.retention import RETENTION, Retention
from graphsvc.store.memory import MemoryStore
from tests.race.story import told_again
from tests.service.harness import Clock, Harness, serving

pytestmark = pytest.mark.anyio
_DAY_MS = 86_400_000


def _is_closed(harness: Harness, chain: str) -> bool:
    state = harness.service.world.cells["c", chain]
    assert isinstance(state, ChainState)
    return state.closed


async def test_an_idle_chain_ends_after_a_day() -> None:
    """The next action in it is DENY `chain_closed`; a chain that was used meanwhile goes on; history replays."""
    store, clock = MemoryStore(), Clock()
    async with serving(store, clock=clock) as harness:
        await harness.prepare()
        for chain in ("idle", "busy"):
            assert (await harness.act("mail:Read", chain=chain)).verdict is Verdict.PERMIT
        clock.now_ms += _DAY_MS - 60_000
        await harness.act("mail:Read", chain="busy")
        assert await harness.service.retention.end_idle() == 0
        clock.now_ms += 120_000
        assert await harness.service.retention.end_idle() == 1
        assert _is_closed(harness, "idle")
        late = await harness.act("mail:Read", chain="idle")
        assert [reason.code for reason in late.decision.reasons] == [ReasonCode.chain_closed]
        assert (await harness.act("mail:Read", chain="busy")).verdict is Verdict.PERMIT
        await told_again(store)


async def test_chains_of_before_a_restart_end_too() -> None:
    """A service that starts knows how long each open chain has been idle."""
    store, clock = MemoryStore(), Clock()
    async with serving(store, name="a", clock=clock) as harness:
        await harness.prepare()
        await harness.act("mail:Read", chain="old")
    clock.now_ms += _DAY_MS + 1
    async with serving(store, name="b", clock=clock) as harness:
        assert await harness.service.retention.end_idle() == 1
        assert _is_closed(harness, "old")


async def test_two_replicas_end_a_chain_once() -> None:
    """Asked at the same time, both end what is idle, and the log holds one end for each chain."""
    store, clock = MemoryStore(), Clock()
    async with (
        serving(store, name="a", clock=clock) as first,
        serving(store, name="b", clock=clock) as second,
    ):
        await first.prepare()
        for number in range(250):
            await first.act("mail:Read", chain=f"c{number}")
        await second.service.sequencer.catch_up()
        clock.now_ms += _DAY_MS + 1
        await asyncio.gather(first.service.retention.end_idle(), second.service.retention.end_idle())
        events = await first.service.records(after=0, limit=10_000)
        ends = [event.record.chain for event in events if isinstance(event.record, ChainClosed)]
        assert sorted(ends) == sorted(f"c{number}" for number in range(250))
        assert {event.record.by for event in events if isinstance(event.record, ChainClosed)} == {RETENTION}


async def test_the_task_looks_by_itself() -> None:
    """Between start and close it ends idle chains without being asked."""
    clock = Clock()
    async with serving(MemoryStore(), clock=clock) as harness:
        await harness.prepare()
        await harness.act("mail:Read", chain="idle")
        service = harness.service
        retention = Retention(service.store, service.world, service.sequencer, every_s=0.02)
        retention.start()
        try:
            clock.now_ms += _DAY_MS + 1
            async with asyncio.timeout(10):
                while not _is_closed(harness, "idle"):  # noqa: ASYNC110  the world tells nobody
                    await asyncio.sleep(0.01)
        finally:
            await retention.close()
