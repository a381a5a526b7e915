"""What a call of the Python client costs its process, in CPU time, beside a raw socket that sends ready bytes.

The service is another process over the memory store; only the caller's own time is counted.
"""

from __future__ import annotations

import asyncio
import json
import socket
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.service import served
from graphsvc.client import AsyncTask, Client, SyncClient, Task, document
from graphsvc.client.pep.tool import SyncToolGuard, ToolCall, ToolGuard
from graphsvc.client.transport import encoded
from graphsvc.core.value import Json

__all__ = ["measure"]

_CONCURRENT = 32


def measure(count: int = 3_000) -> list[dict[str, Json]]:
    """Rows of `cpu_us` (of the caller, each call) and `x raw`; concurrent ones with 32 callers."""
    with tempfile.TemporaryDirectory(prefix="graphsvc-bench-") as folder:
        socket_path = Path(folder) / "pdp.sock"
        with served("memory:", Path(folder), 50, uds=socket_path) as facts:
            url, token = facts["url"], facts["token"]
            rows = [
                _row("raw socket, TCP", _raw(url, token, None, count)),
                _row("raw socket, Unix", _raw(url, token, socket_path, count)),
                _row("sync, TCP", _sync(SyncClient(url, token), count)),
                _row("sync, Unix", _sync(SyncClient(url, token, uds=socket_path), count)),
                _row("sync task and guard, Unix", _guarded(SyncClient(url, token, uds=socket_path), count)),
                _row("async, one caller, TCP", _async(Client(url, token), count, 1)),
                _row(
                    "async, 32 callers, each alone", _async(Client(url, token, lanes=0), count, _CONCURRENT)
                ),
                _row("async, 32 callers, together", _async(Client(url, token), count, _CONCURRENT)),
                _row(
                    "async, 32 callers, together, Unix",
                    _async(Client(url, token, uds=socket_path), count, _CONCURRENT),
                ),
                _row("async tool guard, 32 callers", _async_guarded(Client(url, token), count, _CONCURRENT)),
            ]
    raw = float(str(rows[0]["cpu_us"]))
    for row in rows:
        row["x raw"] = round(float(str(row["cpu_us"])) / raw, 2)
    return rows


def _row(name: str, cpu_us: float) -> dict[str, Json]:
    return {"call": name, "cpu_us": round(cpu_us, 1)}


def _request(number: int) -> dict[str, Any]:
    return {
        "chain": f"bench-{number % 500}",
        "subject": {"type": "agent", "id": f"bot-{number % 50}"},
        "action": {"name": "crm:Read"},
        "resource": {"type": "record", "id": str(number % 100)},
    }


def _timed(work: Callable[[], object], count: int) -> float:
    started = time.process_time_ns()
    work()
    return (time.process_time_ns() - started) / count / 1000


def _raw(url: str, token: str, uds: Path | None, count: int) -> float:
    parts = urlsplit(url)
    with socket.socket(socket.AF_UNIX if uds else socket.AF_INET) as line:
        line.connect(str(uds) if uds else (parts.hostname, parts.port))
        asked = []
        for number in range(count):
            body = encoded(
                document.DECIDE, {"v": {"idempotencyKey": f"raw-{uds}-{number}", **_request(number)}}
            )
            head = (
                f"POST /graphql HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {token}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            asked.append(head.encode() + body)

        def work() -> None:
            for each in asked:
                line.sendall(each)
                _answer(line)

        return _timed(work, count)


def _answer(line: socket.socket) -> bytes:
    """One whole answer of a connection that stays open."""
    got = line.recv(1 << 16)
    assert b" 200 " in got[:16], got[:200]
    head, _, body = got.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
    while len(body) < length:
        body += line.recv(1 << 16)
    return body


def _sync(client: SyncClient, count: int) -> float:
    with client:
        client.decide(_request(0))
        return _timed(lambda: [client.decide(_request(number)) for number in range(count)], count)


def _guarded(client: SyncClient, count: int) -> float:
    with client:
        guard = SyncToolGuard(
            Task(client, "bench-guard", subject="bot-1"),
            describe=lambda *_: ToolCall("crm:Read", "record:1"),
        )
        return _timed(lambda: [guard.run("read", {}, lambda: None) for _ in range(count)], count)


def _async(client: Client, count: int, callers: int) -> float:
    async def run() -> float:
        async with client:
            await client.decide(_request(0))

            async def call(first: int) -> None:
                for number in range(first, count, callers):
                    await client.decide(_request(number))

            started = time.process_time_ns()
            await asyncio.gather(*[call(first) for first in range(callers)])
            return (time.process_time_ns() - started) / count / 1000

    return asyncio.run(run())


def _async_guarded(client: Client, count: int, callers: int) -> float:
    async def run() -> float:
        async with client:

            async def nothing() -> None:
                return None

            async def call(first: int) -> None:
                guard = ToolGuard(
                    AsyncTask(client, f"bench-guard-{first}", subject="bot-1"),
                    describe=lambda *_: ToolCall("crm:Read", "record:1"),
                )
                for _ in range(first, count, callers):
                    await guard.run("read", {}, nothing)

            started = time.process_time_ns()
            await asyncio.gather(*[call(first) for first in range(callers)])
            return (time.process_time_ns() - started) / count / 1000

    return asyncio.run(run())


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
