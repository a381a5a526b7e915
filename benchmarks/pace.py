"""Decisions at a fixed rate, and many at once, by store."""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.peers.client import closed_loop, open_loop
from benchmarks.service import process
from benchmarks.workload import decide_input, traffic
from graphsvc.cli.checkup import quantile, sync_times_ms

__all__ = ["many", "steady"]

_DECIDE = (
    "mutation($v: DecideInput!) { decide(input: $v) { ... on Decision { id verdict reasons { code } } } }"
)
_MANY = "mutation($v: [DecideInput!]!) { decideMany(inputs: $v) { ... on Decision { id verdict reasons { code } } } }"


def steady(
    name: str, store: str, environment: dict[str, str], *, per_s: int, seconds: float, patterns: int
) -> dict[str, Any]:
    """An open loop: p50 and p99 count from when each decision was due; lost: asked and not answered."""
    with tempfile.TemporaryDirectory(prefix="graphsvc-bench-") as folder:
        url = store.replace("FOLDER", folder)
        fsync_ms = quantile(sync_times_ms(Path(folder), 200), 0.5)
        with process(url, Path(folder), patterns, environment) as (server, facts):
            count = int(per_s * seconds)
            messages = [
                _post(facts, _DECIDE, decide_input(each, f"s{number}"))
                for number, each in enumerate(traffic(count))
            ]
            host, port = urlsplit(facts["url"]).hostname or "", urlsplit(facts["url"]).port or 80
            asyncio.run(closed_loop(host, port, messages[: min(500, count)], _decided, 8, 10.0))
            result = asyncio.run(open_loop(host, port, messages, _decided, per_s, seconds))
            undecided = sum(not said for _, said in result.answers)
            out, _ = server.communicate("", timeout=60)
            metrics = json.loads(out.splitlines()[-1])["metrics"]
            return {
                "store": name,
                "asked": count,
                **result.row(),
                "lost": count - len(result.answers),
                "undecided": undecided,
                "fsync_p50_ms": round(fsync_ms, 3),
                "p50 to reach": round(1 + 1.5 * fsync_ms, 2),
                "drawn_p99_ms": metrics["drawn_p99_ms"],
            }


def many(
    name: str, store: str, environment: dict[str, str], *, seconds: float, patterns: int, size: int = 50
) -> dict[str, Any]:
    """Decisions a second by `decideMany` of `size`, and one by one, at 16 connections.

    Each asks a service of its own, so that neither pays for what of the other is still to be drawn.
    """
    inputs = [decide_input(each, f"m{number}") for number, each in enumerate(traffic(int(seconds * 4_000)))]
    batches = [inputs[place : place + size] for place in range(0, len(inputs), size)]
    rows = []
    for query, values in ((_DECIDE, inputs), (_MANY, batches)):
        with tempfile.TemporaryDirectory(prefix="graphsvc-bench-") as folder:
            url = store.replace("FOLDER", folder)
            with process(url, Path(folder), patterns, environment) as (_, facts):
                host, port = urlsplit(facts["url"]).hostname or "", urlsplit(facts["url"]).port or 80
                posts = [_post(facts, query, each) for each in values]
                rows.append(asyncio.run(closed_loop(host, port, posts, _decided, 16, seconds)).row())
    one, each = rows
    return {
        "store": name, "single per_s": one["per_s"], f"x{size} per_s": each["per_s"] * size,
        "ratio": round(each["per_s"] * size / max(1, one["per_s"]), 2), f"x{size} p50_ms": each["p50_ms"],
    }  # fmt: skip


def _decided(body: bytes) -> bool:
    return b'"verdict"' in body and b"store_unavailable" not in body and b"overloaded" not in body


def _post(facts: dict[str, str], query: str, value: Any) -> bytes:
    body = json.dumps({"query": query, "variables": {"v": value}}, separators=(",", ":")).encode()
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: {urlsplit(facts['url']).netloc}\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {facts['token']}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
