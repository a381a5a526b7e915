"""The one load client: plain sockets, requests made beforehand, closed loop or open loop.

In the open loop a request is due at a fixed time whatever became of those before it, and its time counts from when it
was due: an engine that stops for a moment is charged for all who would have asked meanwhile (no coordinated omission).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

__all__ = ["Line", "Result", "closed_loop", "open_loop"]


@dataclass
class Result:
    """took_ns: of each answer, in no order. answers: (number of the question, whether it was permitted)."""

    took_ns: list[int] = field(default_factory=list)
    answers: list[tuple[int, bool]] = field(default_factory=list)
    seconds: float = 0.0

    def row(self) -> dict[str, float | int]:
        """What is printed."""
        took = sorted(self.took_ns) or [0]
        return {
            "answers": len(self.took_ns),
            "per_s": round(len(self.took_ns) / self.seconds) if self.seconds else 0,
            "p50_ms": round(took[len(took) // 2] / 1e6, 3),
            "p99_ms": round(took[len(took) * 99 // 100] / 1e6, 3),
            "max_ms": round(took[-1] / 1e6, 1),
        }


class Line:
    """One kept connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def ask(self, message: bytes) -> bytes:
        """The body of the answer; RuntimeError when it is no success."""
        self.writer.write(message)
        head = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        if head.startswith(b"http/1.1 204"):
            # No content, and so nothing that tells its length.
            body = b""
        elif b"content-length:" in head:
            body = await self.reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r\n")[0]))
        else:
            # In chunks, as some engines answer.
            parts = []
            while size := int((await self.reader.readuntil(b"\r\n")).strip(), 16):
                parts.append((await self.reader.readexactly(size + 2))[:-2])
            await self.reader.readuntil(b"\r\n")
            body = b"".join(parts)
        if not head.startswith((b"http/1.1 200", b"http/1.1 204")):
            raise RuntimeError(f"{head[:40]!r} {body[:200]!r}")
        return body


async def closed_loop(
    host: str,
    port: int,
    messages: Sequence[bytes],
    means: Callable[[bytes], bool],
    connections: int,
    seconds: float,
) -> Result:
    """Each connection asks again as soon as it was answered, until time or questions are over."""
    result, numbers = Result(), iter(range(len(messages)))
    lines = [Line(*await asyncio.open_connection(host, port)) for _ in range(connections)]
    started = time.perf_counter()

    async def run(line: Line) -> None:
        for number in numbers:
            began = time.perf_counter_ns()
            if began / 1e9 - started >= seconds:
                return
            body = await line.ask(messages[number])
            result.took_ns.append(time.perf_counter_ns() - began)
            result.answers.append((number, means(body)))

    await asyncio.gather(*map(run, lines))
    result.seconds = time.perf_counter() - started
    for line in lines:
        line.writer.close()
    return result


async def open_loop(
    host: str, port: int, messages: Sequence[bytes], means: Callable[[bytes], bool], per_s: int, seconds: float,
    connections: int = 64,
) -> Result:  # fmt: skip
    """`per_s` questions a second, evenly; those that find no free connection wait, and their time runs."""
    result = Result()
    free: asyncio.Queue[Line] = asyncio.Queue()
    lines = [Line(*await asyncio.open_connection(host, port)) for _ in range(connections)]
    for line in lines:
        free.put_nowait(line)
    count = min(len(messages), int(per_s * seconds))
    started = time.perf_counter()
    running: set[asyncio.Task[None]] = set()

    async def one(number: int, due_s: float) -> None:
        line = await free.get()
        try:
            body = await line.ask(messages[number])
            result.took_ns.append(int((time.perf_counter() - due_s) * 1e9))
            result.answers.append((number, means(body)))
        finally:
            free.put_nowait(line)

    for number in range(count):
        due_s = started + number / per_s
        left_s = due_s - time.perf_counter()
        if left_s > 0:
            await asyncio.sleep(left_s)
        task = asyncio.create_task(one(number, due_s))
        running.add(task)
        task.add_done_callback(running.discard)
    while running:
        await asyncio.wait(running)
    result.seconds = time.perf_counter() - started
    for line in lines:
        line.writer.close()
    return result
