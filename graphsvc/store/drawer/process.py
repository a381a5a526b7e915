"""The service's side of the drawing process: started beforehand or when there is something to draw, and anew after anything went wrong."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import subprocess
import sys
from typing import NamedTuple

from graphsvc.errors import StoreError, StoreUnavailable
from graphsvc.store.drawer.frame import ANSWER, Failed, Order, Painted, Start, receive, send

__all__ = ["ProcessPainter"]

_log = logging.getLogger("graphsvc.drawing")
# Without `-P` a folder named graphsvc in the working folder would be run instead.
_COMMAND = (sys.executable, "-P", "-m", "graphsvc.store.drawer")
_ENDS_WITHIN_S = 5.0


class _Child(NamedTuple):
    process: subprocess.Popen[bytes]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


class ProcessPainter:
    """A Painter in a process of its own.

    It ends when its standard input does, which is when this process ends, however that happens. What it was told to draw and did
    not is drawn again: the place of the drawing moves with what was drawn or not at all.
    """

    def __init__(self, start: Start) -> None:
        self._start = start
        self._child: _Child | None = None

    async def start(self) -> None:
        """Start the process, which gets ready by itself; `paint` tells what is wrong with it."""
        with contextlib.suppress(StoreUnavailable):
            await self._begin()

    async def paint(self, *, after: int, upto: int, most: int) -> int:
        """As the port says. StoreUnavailable when the process or the store is gone, StoreError for what somebody has to mend."""
        told: Painted | Failed | None = None
        child = self._child or await self._begin()
        try:
            with contextlib.suppress(OSError):  # it is gone; what it ended with says more
                await send(child.writer, Order(after, upto, most))
                told = await receive(child.reader, ANSWER)
        finally:
            # Whoever did not hear the answer must not take it for that to the next order.
            if not isinstance(told, Painted):
                code = await self._end()
        match told:
            case Painted(drawn=drawn):
                return drawn
            case Failed(told=text, is_defect=True):
                _log.error("drawing_failed", extra={"traceback": text})
                raise StoreError(f"a defect: {text.rstrip().rpartition(chr(10))[2]}")
            case Failed(told=text, is_unavailable=is_unavailable):
                raise (StoreUnavailable if is_unavailable else StoreError)(text)
        _log.warning("drawing_process_ended", extra={"exit_code": code})
        raise StoreUnavailable(f"the process that draws the graph ended with {code}; it is started again")

    async def close(self) -> None:
        """End the process; safe to call twice."""
        await self._end()

    async def _begin(self) -> _Child:
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                process = subprocess.Popen(  # noqa: ASYNC220  it is not waited for
                    _COMMAND, stdin=theirs.fileno(), stdout=subprocess.DEVNULL
                )
            except OSError as error:
                ours.close()
                raise StoreUnavailable(
                    f"the process that draws the graph cannot be started: {error}"
                ) from error
        ours.setblocking(False)
        self._child = child = _Child(process, *await asyncio.open_connection(sock=ours))
        with contextlib.suppress(OSError):
            await send(child.writer, self._start)
        return child

    async def _end(self) -> int | None:
        """Tell it to end, and see that it does; its exit code."""
        child, self._child = self._child, None
        if child is None:
            return None
        child.writer.close()
        return await asyncio.shield(asyncio.to_thread(_ended, child.process))


def _ended(process: subprocess.Popen[bytes]) -> int:
    try:
        return process.wait(_ENDS_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
