"""Concurrent questions travel together: what gathers while others are on their way goes in one call.

There is no timer. A question with nothing before it leaves at once and alone; once `lanes` calls are on their way, the
next ones wait, and leave in one `decideMany` when a call comes back. So a quiet client is as fast as one that never
batches, and a busy one pays for one call in many.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias

from graphsvc.client.result import Decision
from graphsvc.errors import BadInput, GraphsvcError

__all__ = ["MAX_BATCH", "Batcher"]

# What `decideMany` takes.
MAX_BATCH = 200
Wanted: TypeAlias = dict[str, Any]
One: TypeAlias = Callable[[Wanted], Awaitable[Decision]]
Many: TypeAlias = Callable[[Sequence[Wanted]], Awaitable[list[Decision | GraphsvcError]]]


class Batcher:
    """Asks by `one` or by `many`; both answer DENY, and never raise, when the service is not to be reached."""

    def __init__(self, one: One, many: Many, *, lanes: int) -> None:
        self._one = one
        self._many = many
        self._lanes = lanes
        self._running: set[asyncio.Task[None]] = set()
        self._waiting: deque[tuple[Wanted, asyncio.Future[Decision]]] = deque()

    async def ask(self, wanted: Wanted) -> Decision:
        """One decision; errors are the caller's own, whatever they travelled with."""
        if len(self._running) < self._lanes and not self._waiting:
            return await self._alone(wanted)
        answer: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()
        self._waiting.append((wanted, answer))
        return await answer

    async def close(self) -> None:
        """Whatever is still waiting is asked before this returns."""
        while self._running:
            await asyncio.wait(self._running)

    async def _alone(self, wanted: Wanted) -> Decision:
        # In a task of its own: the lane stays taken, and is given on, even if whoever asked goes away.
        asked = asyncio.ensure_future(self._one(wanted))
        self._start(self._finished(asked))
        return await asyncio.shield(asked)

    async def _finished(self, asked: asyncio.Future[Decision]) -> None:
        await asyncio.wait([asked])

    def _start(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._next)

    def _next(self, done: asyncio.Task[None]) -> None:
        self._running.discard(done)
        while self._waiting and self._waiting[0][1].done():
            self._waiting.popleft()  # whoever asked has gone away
        if not self._waiting:
            return
        gathered = [self._waiting.popleft() for _ in range(min(len(self._waiting), MAX_BATCH))]
        self._start(self._together([each for each in gathered if not each[1].done()]))

    async def _together(self, gathered: list[tuple[Wanted, asyncio.Future[Decision]]]) -> None:
        try:
            if len(gathered) > 1:
                await self._at_once(gathered)
            else:
                await self._singly(gathered)
        except Exception as error:  # noqa: BLE001  # whatever it is, nobody may wait for ever
            for _, answer in gathered:
                _tell(answer, error)

    async def _at_once(self, gathered: list[tuple[Wanted, asyncio.Future[Decision]]]) -> None:
        try:
            answers = await self._many([wanted for wanted, _ in gathered])
        except BadInput:
            # Together they are more than one call takes; one after the other each speaks for itself.
            await self._singly(gathered)
            return
        for (_, answer), told in zip(gathered, answers, strict=True):
            _tell(answer, told)

    async def _singly(self, gathered: list[tuple[Wanted, asyncio.Future[Decision]]]) -> None:
        for wanted, answer in gathered:
            try:
                told: Decision | GraphsvcError = await self._one(wanted)
            except GraphsvcError as error:
                told = error
            _tell(answer, told)


def _tell(answer: asyncio.Future[Decision], told: Decision | Exception) -> None:
    if answer.done():
        return
    if isinstance(told, Decision):
        answer.set_result(told)
    else:
        answer.set_exception(told)
