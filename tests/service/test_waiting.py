"""Waiting for decisions: the caller that goes away, the deadline, and being told early that there is too much."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Collection
from typing import Any

import pytest

from graphsvc.core.verdict import ReasonCode, Verdict
from graphsvc.decide.jobs import ChangeJob
from graphsvc.decide.ports import Accepted, Draft, Refused
from graphsvc.decide.proposal import Proposal, Reads
from graphsvc.store.memory import MemoryStore
from tests.service.harness import ADMIN, GATEWAY, serving

pytestmark = pytest.mark.anyio


class _SlowStore(MemoryStore):
    """Every commit takes delay_s."""

    delay_s = 0.0

    async def append(self, draft: Draft, *, seen: int, reads: Collection[str]) -> Accepted | Refused:
        await asyncio.sleep(self.delay_s)
        return await super().append(draft, seen=seen, reads=reads)


async def test_a_caller_that_goes_away_leaves_a_whole_decision() -> None:
    """The decision is made all the same, and the same key gives it back."""
    store = _SlowStore()
    async with serving(store) as harness:
        await harness.prepare()
        store.delay_s = 0.05
        asking = asyncio.create_task(harness.act("crm:Read", key="k"))
        await asyncio.sleep(0.01)
        asking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asking
        again = await harness.act("crm:Read", key="k")
        assert (again.verdict, again.replayed, again.recorded) == (Verdict.PERMIT, True, True)


async def test_the_deadline_counts_when_nobody_waits_any_more() -> None:
    """The caller went away and the commit came late: the key is DENY, as if it had waited."""
    store = _SlowStore()
    async with serving(store) as harness:
        await harness.prepare()
        store.delay_s = 0.2
        asking = asyncio.create_task(harness.act("crm:Read", key="k", deadline_ms=50))
        await asyncio.sleep(0.01)
        asking.cancel()
        await asyncio.sleep(0.6)
        again = await harness.act("crm:Read", key="k")
        assert again.verdict is Verdict.DENY
        assert [reason.code for reason in again.decision.reasons] == [ReasonCode.cancelled]


async def test_too_much_is_told_at_once() -> None:
    """What could not be answered in its time is `overloaded` before it waits; what has more time is answered."""
    store = _SlowStore()
    async with serving(store) as harness:
        await harness.prepare()
        service = harness.service
        store.delay_s = 0.2
        for _ in range(3):
            await harness.act("crm:Read")

        def ask(number: int, deadline_ms: int) -> asyncio.Task[object]:
            command = harness.command("crm:Read", "record:1", key=f"k{number}", deadline_ms=deadline_ms)
            return asyncio.create_task(service.decide(GATEWAY, command))

        waiting = [ask(number, 30_000) for number in range(1_200)]
        await asyncio.sleep(0)
        loop = asyncio.get_running_loop()
        began = loop.time()
        refused = await service.decide(
            GATEWAY, harness.command("crm:Read", "record:1", key="early", deadline_ms=100)
        )
        assert loop.time() - began < 0.1
        assert (refused.verdict, refused.recorded) == (Verdict.DENY, False)
        assert [reason.code for reason in refused.decision.reasons] == [ReasonCode.overloaded]
        assert refused.decision.reasons[0].code.retryable
        assert service.metrics()["overloads"] == 1
        store.delay_s = 0
        answers = await asyncio.gather(*waiting)
        assert {answer.verdict for answer in answers} == {Verdict.PERMIT}  # type: ignore[attr-defined]
        assert (await harness.act("crm:Read", key="early")).verdict is Verdict.PERMIT


async def test_the_queue_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit nobody waits, however much time there is."""
    store = _SlowStore()
    async with serving(store) as harness:
        await harness.prepare()
        monkeypatch.setattr(harness.service.sequencer._queue, "_limit", 10)
        store.delay_s = 0.05
        commands = [harness.command("crm:Read", "record:1") for _ in range(12)]
        answers = await asyncio.gather(*(harness.service.decide(GATEWAY, each) for each in commands))
        told = [answer.decision.reasons[0].code for answer in answers if answer.verdict is Verdict.DENY]
        assert told == [ReasonCode.overloaded] * 2


async def test_what_a_change_takes_says_nothing_of_decisions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rules that took long to publish do not make the decisions after them wait, or be refused for it."""
    async with serving(MemoryStore()) as harness:
        await harness.prepare()
        sequencer = harness.service.sequencer
        judged_s = sequencer._judge_s
        original = ChangeJob.propose

        def slow(self: ChangeJob, *rest: Any) -> Proposal | None:
            time.sleep(0.3)
            return original(self, *rest)

        monkeypatch.setattr(ChangeJob, "propose", slow)
        await harness.service.suspend(ADMIN, "alice", "", None)
        assert sequencer._judge_s == judged_s
        asked = (harness.service.decide(GATEWAY, harness.command("crm:Read", "record:1")) for _ in range(300))
        assert {answer.verdict for answer in await asyncio.gather(*asked)} == {Verdict.PERMIT}


def test_what_was_looked_at_is_named_when_a_store_asks() -> None:
    """Once, and of every judgement of the batch."""
    asked: list[str] = []

    def part(*names: str) -> Callable[[], Collection[str]]:
        def named() -> Collection[str]:
            asked.append("asked")
            return names

        return named

    reads = Reads([part("a", "b"), part("b")])
    assert asked == []
    assert sorted(reads) == ["a", "b"]
    assert (len(reads), "b" in reads, "c" in reads) == (2, True, False)
    assert asked == ["asked", "asked"]
