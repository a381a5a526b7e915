"""A limit of time that holds whatever a command is doing: reading, indexing, or looking."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from graphsvc.errors import OutOfTime

__all__ = ["Budget"]


class Budget:
    """Time from now on. seconds: None for as long as it takes."""

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds
        self._ends_s = None if seconds is None else time.monotonic() + seconds

    def is_over(self) -> bool:
        """Whether the time is up."""
        return self.left_s() <= 0

    def left_s(self) -> float:
        """Seconds that are left; negative when the time is up."""
        return float("inf") if self._ends_s is None else self._ends_s - time.monotonic()

    @contextmanager
    def holds(self, doing: str, *, grace_s: float = 0.0) -> Iterator[None]:
        """End the block by OutOfTime when the time is up, between any two steps of Python.

        doing: what the error says could not be finished. grace_s: so much later, where the block itself asks `is_over`.
        """
        if self._ends_s is None or threading.current_thread() is not threading.main_thread():
            yield
            return
        ended = OutOfTime(
            f"the time of {self._seconds:g} s was up while {doing}: there is no answer; raise --time"
        )
        if (left_s := self.left_s() + grace_s) <= 0:
            raise ended
        known, reported = signal.signal(signal.SIGALRM, _ring), sys.unraisablehook

        def again(lost: sys.UnraisableHookArgs) -> None:
            """What rings within a destructor is lost there, so it rings again."""
            if lost.exc_type is _TimeIsUp:
                signal.setitimer(signal.ITIMER_REAL, 1e-3)
            else:
                reported(lost)

        sys.unraisablehook = again
        began_s, (other_s, _) = time.monotonic(), signal.setitimer(signal.ITIMER_REAL, left_s)
        try:
            yield
        except _TimeIsUp:
            raise ended from None
        finally:
            # An alarm that was set before us rings when it would have, or at once.
            rest_s = max(1e-6, other_s - (time.monotonic() - began_s)) if other_s else 0.0
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, known)
            sys.unraisablehook = reported
            signal.setitimer(signal.ITIMER_REAL, rest_s)


class _TimeIsUp(KeyboardInterrupt):
    """Ends what runs as Ctrl-C does: event loops close what is open instead of taking it for a task's error."""


def _ring(_number: int, _frame: FrameType | None) -> None:
    raise _TimeIsUp
