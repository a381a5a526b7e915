"""Waiting for a person at a terminal, or for a signal, without holding up the service of the same process."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Keyboard", "stop_signal"]


class Keyboard:
    """Lines typed at standard input. A thread that reads would outlive Ctrl-C; the event loop does not."""

    def __init__(self) -> None:
        self._typed = b""
        self._ended = False

    async def line(self) -> str | None:
        """The next line without its end; None once the input has ended."""
        loop, fd = asyncio.get_running_loop(), sys.stdin.fileno()
        while b"\n" not in self._typed and not self._ended:
            ready = asyncio.Event()
            loop.add_reader(fd, ready.set)
            try:
                await ready.wait()
            finally:
                loop.remove_reader(fd)
            part = os.read(fd, 4096)
            self._ended = not part
            self._typed += part
        if not self._typed:
            return None
        line, _, self._typed = self._typed.partition(b"\n")
        return line.decode("utf-8", "replace").strip()


@contextmanager
def stop_signal() -> Iterator[asyncio.Event]:
    """An event that SIGINT and SIGTERM set instead of ending the process."""
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    try:
        yield stopped
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
