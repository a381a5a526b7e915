"""Coroutines that run without a task, for what is answered thousands of times a second.

A task begins in the next turn of the loop; this begins at once, goes on when the future that it waits for has ended, and is
not seen by `asyncio.current_task`. So what runs here waits for futures only; whatever else it calls (time limits,
other libraries) it runs in a task of its own and waits for that.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

__all__ = ["drive"]

T = TypeVar("T")
_log = logging.getLogger("graphsvc.api")


def drive(coroutine: Coroutine[asyncio.Future[Any], None, T], told: Callable[[T | None], None]) -> None:
    """Run it to its end. told: is given what it returns, or None after an error, which is logged."""

    def go_on(_ended: asyncio.Future[Any] | None = None) -> None:
        result = None
        try:
            waits_for = coroutine.send(None)
        except StopIteration as end:
            result = end.value
        except (Exception, asyncio.CancelledError):  # noqa: BLE001  somebody waits to be told, whatever it was
            _log.exception("driven_failed")
        else:
            waits_for.add_done_callback(go_on)
            return
        told(result)

    go_on()
