"""Subscribers: how long one event takes to the last of a thousand, and whether memory stays flat beside a stalled one."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.peers.client import Line
from benchmarks.service import process
from benchmarks.watcher import Watcher
from benchmarks.workload import decide_input, traffic

__all__ = ["fan_out", "flat"]

_WATCH = (
    "subscription { decisions { __typename ... on DecisionEvent { cursor decision { id verdict action chain "
    "reasons { code message } risk { after } subject { id } resource { id } } } ... on Gap { cursor missed } } }"
)
_DECIDE = "mutation($v: DecideInput!) { decide(input: $v) { ... on Decision { id verdict } } }"
_MANY = "mutation($v: [DecideInput!]!) { decideMany(inputs: $v) { ... on Decision { id verdict } } }"


def fan_out(subscribers: int = 1_000, events: int = 20) -> dict[str, Any]:
    """From sending a decision to the last subscriber's having it; the server's CPU time for each delivery."""
    with (
        tempfile.TemporaryDirectory(prefix="graphsvc-bench-") as folder,
        process("memory:", Path(folder), 1, {}) as (server, facts),
    ):
        return asyncio.run(_fan_out(server.pid, facts, subscribers, events))


def flat(subscribers: int = 200, events: int = 100_000) -> dict[str, Any]:
    """The server's memory over the run, one subscriber reading nothing; what the others missed untold.

    Beside it that of a server whose only subscriber is the stalled one: what decisions themselves take.
    """
    alone, row = (_measured(each, events) for each in (1, subscribers))
    return {**row, "memory mb, stalled one alone": alone["memory mb"]}


def _measured(subscribers: int, events: int) -> dict[str, Any]:
    with (
        tempfile.TemporaryDirectory(prefix="graphsvc-bench-") as folder,
        process("memory:", Path(folder), 1, {}) as (server, facts),
    ):
        return asyncio.run(_flat(server.pid, facts, subscribers, events))


async def _fan_out(pid: int, facts: dict[str, str], subscribers: int, events: int) -> dict[str, Any]:
    _allow_files(subscribers + 100)
    readers = [await Watcher.subscribe(facts["url"], facts["token"], _WATCH) for _ in range(subscribers)]
    await asyncio.sleep(1 + subscribers / 40)
    # Opened when it is used: the service closes connections that send nothing.
    line = await _line(facts)
    last_ms, cpu = [], 0.0
    for number, message in enumerate(_decisions(facts, events + 2)):
        before, began = _cpu_s(pid), time.perf_counter()
        reading = asyncio.gather(*(reader.next() for reader in readers))
        await line.ask(message)
        await reading
        if number >= 2:
            last_ms.append((time.perf_counter() - began) * 1000)
            cpu += _cpu_s(pid) - before
        await asyncio.sleep(0.1)
    last_ms.sort()
    return {
        "subscribers": subscribers, "events": events, "last served p50 ms": round(last_ms[len(last_ms) // 2], 1),
        "last served max ms": round(last_ms[-1], 1), "cpu us/delivery": round(cpu / events / subscribers * 1e6, 1),
    }  # fmt: skip


async def _flat(pid: int, facts: dict[str, str], subscribers: int, events: int) -> dict[str, Any]:
    _allow_files(subscribers + 100)
    # Never read; held, for a socket that nobody holds is closed.
    stalled = await Watcher.subscribe(facts["url"], facts["token"], _WATCH)
    readers = [await Watcher.subscribe(facts["url"], facts["token"], _WATCH) for _ in range(subscribers - 1)]
    # Until all are subscribed: whoever comes later has missed nothing, but would be waited for in vain.
    await asyncio.sleep(1 + subscribers / 40)
    line = await _line(facts)
    counts = [0] * len(readers)
    missed = [0] * len(readers)

    async def read(place: int) -> None:
        while counts[place] + missed[place] < events:
            told = json.loads(await readers[place].next())["payload"]["data"]["decisions"]
            if told["__typename"] == "Gap":
                missed[place] += told["missed"]
            else:
                counts[place] += 1

    reading = asyncio.gather(*map(read, range(len(readers))))
    memory = [_memory_mb(pid)]
    inputs = [
        decide_input(request, f"f{number}") for number, request in enumerate(traffic(events, chains=2_000))
    ]
    for start in range(0, events, 100):
        body = json.dumps({"query": _MANY, "variables": {"v": inputs[start : start + 100]}}).encode()
        await line.ask(_post(facts, body))
        if start % (events // 10) == 0:
            memory.append(_memory_mb(pid))
    await asyncio.wait_for(reading, max(600, events / 10))
    memory.append(_memory_mb(pid))
    return {
        "subscribers": subscribers, "events": events, "memory mb": [round(each) for each in memory],
        "stalled one cut off": await stalled.is_cut_off(), "delivered": sum(counts), "told as missed": sum(missed),
        "neither": len(readers) * events - sum(counts) - sum(missed),
    }  # fmt: skip


async def _line(facts: dict[str, str]) -> Line:
    parts = urlsplit(facts["url"])
    return Line(*await asyncio.open_connection(parts.hostname, parts.port))


def _post(facts: dict[str, str], body: bytes) -> bytes:
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: {urlsplit(facts['url']).netloc}\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {facts['token']}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _decisions(facts: dict[str, str], count: int) -> list[bytes]:
    return [
        _post(
            facts,
            json.dumps({"query": _DECIDE, "variables": {"v": decide_input(request, f"l{number}")}}).encode(),
        )
        for number, request in enumerate(traffic(count))
    ]


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def _allow_files(wanted: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
