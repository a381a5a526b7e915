"""The load: plain sockets in a process of its own, bounded in count and time.

python -m benchmarks.load URL TOKEN CONNECTIONS COUNT SECONDS RUN
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import orjson

from benchmarks.workload import decide_input, traffic

_QUERY = (
    "mutation D($i: DecideInput!) { decide(input: $i) { __typename ... on Decision { id verdict "
    "reasons { code } risk { after } revision } } }"
)


async def main(url: str, token: str, connections: int, count: int, seconds: float, run: str) -> None:
    """Send decisions, one at a time a connection; print how fast they were answered."""
    parts = urlsplit(url)
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: "
    ).encode()
    requests = traffic(count + 200, chains=max(connections * 4, 16))
    bodies = [
        orjson.dumps(
            {
                "query": _QUERY,
                "operationName": "D",
                "variables": {"i": decide_input(request, f"{run}-{number}")},
            }
        )
        for number, request in enumerate(requests)
    ]
    messages = [head + str(len(body)).encode() + b"\r\n\r\n" + body for body in bodies]
    await asyncio.gather(*_senders(parts.hostname or "", parts.port or 80, 4, iter(messages[:200]), 30.0, []))
    took_ns: list[int] = []
    left = iter(messages[200:])
    started = time.perf_counter()
    await asyncio.gather(
        *_senders(parts.hostname or "", parts.port or 80, connections, left, seconds, took_ns)
    )
    elapsed = time.perf_counter() - started
    took_ns.sort()
    print(
        json.dumps(
            {
                "connections": connections,
                "decisions": len(took_ns),
                "per_s": round(len(took_ns) / elapsed),
                "p50_ms": round(took_ns[len(took_ns) // 2] / 1e6, 3),
                "p99_ms": round(took_ns[len(took_ns) * 99 // 100] / 1e6, 3),
            }
        )
    )


def _senders(
    host: str, port: int, connections: int, messages: Iterator[bytes], seconds: float, took_ns: list[int]
) -> list[asyncio.Task[None]]:
    until = time.perf_counter() + seconds
    return [asyncio.ensure_future(_sender(host, port, messages, until, took_ns)) for _ in range(connections)]


async def _sender(host: str, port: int, messages: Iterator[bytes], until: float, took_ns: list[int]) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        for message in messages:
            started = time.perf_counter_ns()
            if started / 1e9 >= until:
                return
            writer.write(message)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            body = await reader.readexactly(length)
            took_ns.append(time.perf_counter_ns() - started)
            if not head.startswith(b"HTTP/1.1 200") or b'"verdict"' not in body:
                raise SystemExit(f"no decision: {head[:40]!r} {body[:300]!r}")
    finally:
        writer.close()


if __name__ == "__main__":
    import uvloop

    uvloop.run(
        main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5]), sys.argv[6])
    )
