"""A transport that sends the head and the body of an answer at once: one system call, and one packet, instead of two."""

from __future__ import annotations

from asyncio import AbstractEventLoop, Transport
from typing import Any

__all__ = ["JoinedTransport"]


class JoinedTransport:
    """Holds the first write until the next, or to the end of this turn of the loop: no event stream waits for long."""

    __slots__ = ("_held", "_loop", "inner")

    def __init__(self, inner: Transport, loop: AbstractEventLoop) -> None:
        self.inner = inner
        self._loop = loop
        self._held: bytes | None = None

    def write(self, data: bytes) -> None:
        """Send it soon, in order."""
        held = self._held
        if held is None:
            self._held = data
            self._loop.call_soon(self._flush)
        else:
            self._held = None
            self.inner.write(held + data)

    def write_whole(self, data: bytes) -> None:
        """Send an answer that is in one piece, behind what is held."""
        self._flush()
        self.inner.write(data)

    def close(self) -> None:
        """Send what is held, then close."""
        self._flush()
        self.inner.close()

    def is_closing(self) -> bool:
        """Whether it is closed or about to be."""
        return self.inner.is_closing()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def _flush(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            self.inner.write(held)
