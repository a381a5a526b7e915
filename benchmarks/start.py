"""Starts: folding the whole log against reading a snapshot, and how long writing one keeps decisions waiting."""

from __future__ import annotations

import asyncio
import gc
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.history import request_of
from benchmarks.workload import estate_lines, policy_text
from graphsvc.cli.direct import OPERATOR
from graphsvc.config import Settings, load_settings
from graphsvc.core.snapshot import in_steps
from graphsvc.core.world import World
from graphsvc.decide.command import DecideCommand
from graphsvc.importers import graph_jsonl
from graphsvc.wiring import open_service

__all__ = ["measure"]

_BATCH = 200


def measure(records: int, patterns: int) -> dict[str, Any]:
    """Seconds to start a SQLite store with so many decisions, and milliseconds of the longest pause of a save."""
    with tempfile.TemporaryDirectory(prefix="graphsvc-bench-") as folder:
        return asyncio.run(_measure(Path(folder), records, patterns))


async def _measure(folder: Path, records: int, patterns: int) -> dict[str, Any]:
    settings = load_settings(store=f"sqlite:///{folder / 'bench.db'}", state_dir=folder / "state")
    async with open_service(settings) as service:
        estate = graph_jsonl.read("\n".join(estate_lines(100)), "estate")
        await service.load_graph(OPERATOR, "bench", estate.nodes, estate.edges, replace=True)
        await service.publish_policy(OPERATOR, [(policy_text(patterns), "bench.yaml")], "bench")
        for start in range(0, records, _BATCH):
            commands = [
                DecideCommand(key=str(number), request=request_of(number, chains=records // 20))
                for number in range(start, min(start + _BATCH, records))
            ]
            await service.decide_many(OPERATOR, commands)
        pauses = _pauses(service.world)
        await service.wait_drawn()
        closing = time.perf_counter()
    stopped_s = time.perf_counter() - closing
    started_s = await _start(settings)
    # Without a snapshot, as a start was before there were any.
    async with open_service(settings) as service:
        seq, body = await service.store.load_snapshot() or (0, b"")
        await service.store.save_snapshot(seq, b"")
    whole_s = await _start(settings)
    return {
        "records": seq,
        "whole_s": round(whole_s, 2),
        "snapshot_s": round(started_s, 2),
        "stop_s": round(stopped_s, 2),
        "encode_s": round(sum(pauses), 2),
        "pause_ms": round(max(pauses) * 1_000, 1),
        "mb": round(len(body) / 1e6, 1),
    }


async def _start(settings: Settings) -> float:
    gc.collect()
    started = time.perf_counter()
    async with open_service(settings):
        return time.perf_counter() - started


def _pauses(world: World) -> list[float]:
    """Seconds of each step of writing a snapshot: between two of them decisions go on."""
    took: list[float] = []
    steps = in_steps(world)
    is_done = False
    while not is_done:
        started = time.perf_counter()
        # A step yields None.
        is_done = next(steps, started) is not None
        took.append(time.perf_counter() - started)
    return took
