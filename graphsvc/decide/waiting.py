"""Who waits for the writer: until records are durable, or until a deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from graphsvc.decide.jobs import DecideJob
from graphsvc.decide.proposal import Job, Outcome

__all__ = ["Patient", "Timed", "Told", "Waiting", "failed"]

# Ends when a job's records are durable, None when it had nothing to add.
Told = asyncio.Future[Outcome | None]


class Waiting(Protocol):
    """A job, and who is told what comes of it: once, the first time."""

    @property
    def job(self) -> Job:
        """What is to be done."""

    @property
    def is_over(self) -> bool:
        """True when who waits has been told, or gave up before the job was begun: then it must not become history."""

    def finish(self, outcome: Outcome | None) -> None:
        """Tell who waits that the records are durable."""

    def fail(self, error: Exception) -> None:
        """Tell who waits that nothing came of it."""


class Patient:
    """Waits for as long as it takes. Cancelling `told` gives up."""

    __slots__ = ("job", "told")

    def __init__(self, job: Job) -> None:
        self.job = job
        self.told: Told = asyncio.get_running_loop().create_future()

    @property
    def is_over(self) -> bool:
        """See `Waiting`."""
        return self.told.done()

    def finish(self, outcome: Outcome | None) -> None:
        """See `Waiting`."""
        if not self.told.done():
            self.told.set_result(outcome)

    def fail(self, error: Exception) -> None:
        """See `Waiting`."""
        if not self.told.done():
            _fail(self.told, error)


class Timed:
    """Waits for a decision until its deadline; the decision is made whether or not somebody is still there to be answered.

    told: ends as the job does or, `left_s` seconds from now, with TimeoutError; `late` has been called then, with the job
    and a future that ends when the job does. Cancelling `told`, because the caller went away, changes nothing else: the job
    goes on, and `late` is called in time.
    A future and a timer, because a task and a shield around each request cost more than most decisions.
    """

    __slots__ = ("_ending", "_late", "_timer", "is_over", "job", "told")

    def __init__(self, job: DecideJob, left_s: float, late: Callable[[DecideJob, Told], None]) -> None:
        loop = asyncio.get_running_loop()
        self.job = job
        self.is_over = False
        self.told: Told = loop.create_future()
        self._ending = self.told
        self._late = late
        self._timer = loop.call_later(left_s, self._expire)

    def finish(self, outcome: Outcome | None) -> None:
        """See `Waiting`."""
        if self._end():
            self._ending.set_result(outcome)

    def fail(self, error: Exception) -> None:
        """See `Waiting`."""
        if self._end():
            _fail(self._ending, error)

    def _end(self) -> bool:
        """Whether somebody is there to be told."""
        if self.is_over:
            return False
        self.is_over = True
        self._timer.cancel()
        return not self._ending.done()

    def _expire(self) -> None:
        if self.is_over:
            return
        self._ending = asyncio.get_running_loop().create_future()
        self._late(self.job, self._ending)
        if not self.told.done():
            _fail(self.told, TimeoutError())


def failed(error: Exception) -> asyncio.Future[Any]:
    """A future that has ended with an error."""
    told: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    _fail(told, error)
    return told


def _fail(told: asyncio.Future[Any], error: BaseException) -> None:
    told.set_exception(error)
    # A caller that went away does not ask; do not log it as forgotten.
    told.exception()
