"""Who says what a key was answered, when the process that decided is not the one that is asked again."""

import asyncio

import pytest
from msgspec.structs import replace

from graphsvc.core.record import Cancelled, Reported
from graphsvc.core.verdict import ReasonCode, Verdict
from graphsvc.decide.jobs import REPLAY, ReportJob
from graphsvc.store.memory import MemoryStore
from tests.race.faulty import SLOW_S, FaultyStore, without_waiting
from tests.service.harness import GATEWAY, Clock, serving

pytestmark = pytest.mark.anyio


async def test_an_answer_given_again_by_another_process_is_in_the_log_first() -> None:
    """After a restart the PERMIT of a key is given again, once the log says that it was; only once."""
    store, clock = MemoryStore(), Clock()
    async with serving(store, name="a", clock=clock) as harness:
        await harness.prepare()
        command = harness.command("mail:Read", "mailbox:alice", key="k")
        first = await harness.service.decide(GATEWAY, command)
        again = await harness.service.decide(GATEWAY, command)
        assert again.replayed
        # The process that gave the answer needs no such record.
        assert not harness.service.world.reported
    async with serving(store, name="b", clock=clock) as harness:
        for _ in range(2):
            later = await harness.service.decide(GATEWAY, command)
            assert (later.verdict, later.replayed) == (Verdict.PERMIT, True)
            assert later.decision.request.id == first.decision.request.id
        (told,) = harness.service.world.reported.values()
        assert (told.outcome, told.by) == ("UNKNOWN", REPLAY)
        # The first process, had it told DENY, would come too late with its CANCEL.
        late = ReportJob(GATEWAY, Cancelled(at_ms=0, action=first.decision.request.id), late=True)
        assert await harness.service.sequencer.submit(late) is None
        assert not harness.service.world.cancelled


async def test_a_late_cancel_comes_first_and_the_key_stays_deny() -> None:
    """Where the CANCEL is in the log before the key is asked for again, every process says DENY."""
    store, clock = MemoryStore(), Clock()
    async with serving(store, name="a", clock=clock) as harness:
        await harness.prepare()
        command = harness.command("mail:Read", "mailbox:alice", key="k")
        first = await harness.service.decide(GATEWAY, command)
        caller = replace(GATEWAY, subject="deadline", scopes=frozenset({"chain:any"}))
        late = ReportJob(caller, Cancelled(at_ms=0, action=first.decision.request.id), late=True)
        assert await harness.service.sequencer.submit(late) is not None
    async with serving(store, name="b", clock=clock) as harness:
        later = await harness.service.decide(GATEWAY, command)
        # Not `deadline_exceeded`, which asks to be asked again: nothing else will ever be said of this key.
        assert [reason.code for reason in later.decision.reasons] == [ReasonCode.cancelled]
        assert not later.decision.reasons[0].code.retryable
        assert later.decision.request.id == first.decision.request.id
        assert not any(isinstance(each, Reported) for each in harness.service.world.reported.values())


def test_a_refusal_that_was_written_late_is_the_answer() -> None:
    """There is nothing to take back: whoever asks again gets the recorded DENY, and is not told to ask once more."""

    async def story() -> None:
        way = FaultyStore(MemoryStore())
        async with serving(way) as harness:
            await harness.prepare()
            way.faults.append("slow")
            command = harness.command(
                "mail:Read", "mailbox:alice", subject="nobody", key="k", deadline_ms=2_000
            )
            refused = await harness.service.decide(GATEWAY, command)
            assert refused.decision.reasons[0].code.retryable
            await asyncio.sleep(SLOW_S + 5)
            again = await harness.service.decide(GATEWAY, command)
            assert (again.verdict, again.recorded, again.replayed) == (Verdict.DENY, True, True)
            assert [reason.code for reason in again.decision.reasons] == [ReasonCode.subject_unknown]

    without_waiting(story())


def test_a_late_cancel_waits_for_room() -> None:
    """A queue that is full when a late decision turns out to be written does not make a PERMIT of what was told DENY."""

    async def story() -> None:
        disk = MemoryStore()
        way = FaultyStore(disk)
        async with serving(way) as harness:
            await harness.prepare()
            way.faults.append("slow")
            command = harness.command("mail:Read", "mailbox:alice", key="k", deadline_ms=2_000)
            refused = await harness.service.decide(GATEWAY, command)
            assert refused.verdict is Verdict.DENY
            sequencer = harness.service.sequencer
            sequencer._queue._limit = 0
            await asyncio.sleep(SLOW_S + 5)
            assert not harness.service.world.cancelled
            sequencer._queue._limit = 10_000
            await asyncio.sleep(5)
            assert [each.by for each in harness.service.world.cancelled.values()] == ["deadline"]

    without_waiting(story())


def test_a_store_that_is_silent_is_named() -> None:
    """A decision that waits for the store until its deadline is DENY with the store as the cause, then cancelled."""

    async def story() -> None:
        disk = MemoryStore()
        way = FaultyStore(disk)
        async with serving(way) as harness:
            await harness.prepare()
            way.faults.append("slow")
            command = harness.command("mail:Read", "mailbox:alice", key="k", deadline_ms=2_000)
            refused = await harness.service.decide(GATEWAY, command)
            assert [reason.code for reason in refused.decision.reasons] == [ReasonCode.store_unavailable]
            await asyncio.sleep(SLOW_S + 5)
            assert [each.by for each in harness.service.world.cancelled.values()] == ["deadline"]
            again = await harness.service.decide(GATEWAY, command)
            assert again.verdict is Verdict.DENY

    without_waiting(story())
