"""A thread that owns one SQLite connection and does one job after the other."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, NamedTuple, TypeVar

from graphsvc.errors import StoreUnavailable

__all__ = ["Worker"]

T = TypeVar("T")


class _Job(NamedTuple):
    work: Callable[[sqlite3.Connection], Any]
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[Any]


class Worker:
    """Runs jobs on a connection, in its own thread, urgent ones first.

    A caller that is cancelled stops waiting; its job runs to its end all the same, so that a write is
    never half done.
    """

    def __init__(self, name: str, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._urgent: deque[_Job] = deque()
        self._others: deque[_Job] = deque()
        # One token a job, False for the end: waiting for it wakes the thread with the fewest turns of the interpreter.
        self._tokens: SimpleQueue[bool] = SimpleQueue()
        self._lock = threading.Lock()
        self._is_open = True
        # A daemon: a program that forgets to close the store must still be able to end.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    async def do(self, work: Callable[[sqlite3.Connection], T], *, urgent: bool = False) -> T:
        """What `work` returns or raises; StoreUnavailable once the worker is stopped."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        with self._lock:
            if not self._is_open:
                raise StoreUnavailable("the store is closed")
            (self._urgent if urgent else self._others).append(_Job(work, loop, answer))
            self._tokens.put(True)
        return await answer

    def stop(self) -> None:
        """Do what was asked for until now, close the connection, end the thread. Blocks; safe twice."""
        with self._lock:
            if self._is_open:
                self._is_open = False
                self._tokens.put(False)
        self._thread.join()

    def _run(self) -> None:
        while self._tokens.get():
            job = self._urgent.popleft() if self._urgent else self._others.popleft()
            result: Any = None
            error: BaseException | None = None
            try:
                result = job.work(self._connection)
            except BaseException as raised:  # noqa: BLE001 - the caller gets it, whatever it is
                error = raised
            # RuntimeError: the caller's loop is gone, and the caller with it.
            with contextlib.suppress(RuntimeError):
                job.loop.call_soon_threadsafe(_resolve, job.answer, result, error)
            del job, result, error
        self._connection.close()


def _resolve(answer: asyncio.Future[Any], result: object, error: BaseException | None) -> None:
    if answer.done():
        return  # the caller was cancelled
    if error is not None:
        answer.set_exception(error)
    else:
        answer.set_result(result)
