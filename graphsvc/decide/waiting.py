"""Waiting for a job until its deadline, whether or not somebody is still there to be answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["failed", "until"]

T = TypeVar("T")


def until(job: asyncio.Future[T], left_s: float, late: Callable[[], None]) -> asyncio.Future[T]:
    """Ends as `job` does or, `left_s` seconds from now, with TimeoutError; `late` has been called then.

    Cancelling it, because the caller went away, changes nothing else: the job goes on, and `late` is called in time.
    A future and a timer, because a task and a shield around each request cost more than most decisions.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def expire() -> None:
        if job.done():
            return
        late()
        if not answer.done():
            _fail(answer, TimeoutError())

    timer = loop.call_later(left_s, expire)

    def settle(done: asyncio.Future[T]) -> None:
        timer.cancel()
        if answer.done():
            return
        if done.cancelled():
            answer.cancel()
        elif (error := done.exception()) is not None:
            _fail(answer, error)
        else:
            answer.set_result(done.result())

    job.add_done_callback(settle)
    return answer


def failed(error: Exception) -> asyncio.Future[Any]:
    """A future that has ended with an error."""
    answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    _fail(answer, error)
    return answer


def _fail(answer: asyncio.Future[T], error: BaseException) -> None:
    answer.set_exception(error)
    # A caller that went away does not ask; do not log it as forgotten.
    answer.exception()
