"""Concurrent questions travel together, and nobody notices."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from graphsvc.client import Client
from graphsvc.client.batch import MAX_BATCH, Batcher
from graphsvc.client.result import Decision
from graphsvc.core.verdict import Verdict
from graphsvc.errors import BadInput, GraphsvcError, NotAllowed
from tests.api.served import request, served

pytestmark = pytest.mark.anyio


class Line:
    """A service that answers when it is told to, and remembers how it was asked."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.open = asyncio.Event()

    async def one(self, wanted: dict[str, Any]) -> Decision:
        self.calls.append([wanted["k"]])
        await self.open.wait()
        if wanted["k"] == "bad":
            raise NotAllowed("no")
        return Decision(verdict=Verdict.PERMIT, reasons=[], id=wanted["k"])

    async def many(self, wanted: Sequence[dict[str, Any]]) -> list[Decision | GraphsvcError]:
        self.calls.append([one["k"] for one in wanted])
        await self.open.wait()
        if any(one["k"] == "broken" for one in wanted):
            raise TypeError("a defect")
        if any(one["k"] == "huge" for one in wanted):
            raise BadInput("more than one call takes")
        return [
            NotAllowed("no")
            if one["k"] == "bad"
            else Decision(verdict=Verdict.PERMIT, reasons=[], id=one["k"])
            for one in wanted
        ]


async def _asked(line: Line, names: Sequence[str], lanes: int = 1) -> list[Any]:
    batcher = Batcher(line.one, line.many, lanes=lanes)
    asking = [asyncio.create_task(batcher.ask({"k": name})) for name in names]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    line.open.set()
    answers = await asyncio.gather(*asking, return_exceptions=True)
    await batcher.close()
    return answers


async def test_the_first_leaves_alone_and_the_rest_together() -> None:
    """One call for the first, one for all that gathered behind it, in order."""
    line = Line()
    answers = await _asked(line, ["a", "b", "c", "d"])
    assert line.calls == [["a"], ["b", "c", "d"]]
    assert [each.id for each in answers] == ["a", "b", "c", "d"]


async def test_lanes_run_beside_each_other() -> None:
    """As many calls are on their way as there are lanes."""
    line = Line()
    await _asked(line, ["a", "b", "c", "d"], lanes=2)
    assert line.calls == [["a"], ["b"], ["c", "d"]]


async def test_no_call_is_larger_than_the_service_takes() -> None:
    """What is over goes with the next."""
    line = Line()
    await _asked(line, [str(number) for number in range(MAX_BATCH + 50)])
    assert [len(call) for call in line.calls] == [1, MAX_BATCH, 49]


async def test_an_error_is_its_own_callers_alone() -> None:
    """Whoever travelled with a refused one gets an answer."""
    line = Line()
    answers = await _asked(line, ["a", "bad", "c"])
    assert [type(each) for each in answers] == [Decision, NotAllowed, Decision]


async def test_what_is_too_much_together_goes_singly() -> None:
    """A batch that cannot be sent is no reason for anybody to fail."""
    line = Line()
    answers = await _asked(line, ["a", "huge", "c"])
    assert [each.id for each in answers] == ["a", "huge", "c"]
    assert line.calls == [["a"], ["huge", "c"], ["huge"], ["c"]]


async def test_a_defect_reaches_whoever_waits() -> None:
    """An error that nobody foresaw is raised, not waited for."""
    answers = await _asked(Line(), ["a", "broken", "c"])
    assert [type(each) for each in answers] == [Decision, TypeError, TypeError]


async def test_whoever_goes_away_keeps_nobody_waiting() -> None:
    """A cancelled question is not sent, or its answer dropped; the lane is free again."""
    line = Line()
    batcher = Batcher(line.one, line.many, lanes=1)
    first, second, third = (asyncio.create_task(batcher.ask({"k": name})) for name in "abc")
    await asyncio.sleep(0)
    first.cancel()
    second.cancel()
    await asyncio.sleep(0)
    line.open.set()
    assert (await third).id == "c"
    assert line.calls == [["a"], ["c"]]


async def test_many_at_once_are_answered_as_one_by_one() -> None:
    """Against the real service: as many answers as questions, each its own, in far fewer calls."""
    async with served() as service, service.client("pep") as client:
        answers = await asyncio.gather(*[client.decide(request(chain=f"c{n}")) for n in range(100)])
        assert len({each.id for each in answers}) == 100
        assert {each.verdict for each in answers} == {Verdict.PERMIT}
        assert service.harness.service.metrics()["committed"] >= 100


async def test_a_service_that_is_gone_denies_them_all() -> None:
    """Nobody hangs, nobody is permitted."""
    async with Client("http://127.0.0.1:9", deadline_ms=300, retries=0) as client:
        answers = await asyncio.gather(*[client.decide(request()) for _ in range(20)])
    assert {each.verdict for each in answers} == {Verdict.DENY}
