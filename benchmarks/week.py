"""Memory over a simulated week of chains that open, act and end, on SQLite, in one process."""

from __future__ import annotations

import asyncio
import gc
import itertools
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from graphsvc.decide.service import GraphsvcService
from graphsvc.store.sqlite import open_sqlite
from tests.service.harness import GATEWAY, Clock, Harness

__all__ = ["measure"]

_ACTIONS = (("mail:Read", "mailbox:alice"), ("crm:Read", "record:7"), ("erp:Note", "ledger:1"))
_WEEK_MS = 7 * 86_400_000
_PARTS = 7


def measure(decisions: int) -> list[dict[str, Any]]:
    """A row for each day: `rss_mb`, `bytes_each` since the day before, decisions so far, open chains.

    An idle chain ends after a day, is known for the longest window of the rules, and by name for another day: the first
    three or four days are the warm-up, however many decisions they are.
    """
    with tempfile.TemporaryDirectory(prefix="graphsvc-bench-") as folder:
        return asyncio.run(_week(Path(folder), decisions))


async def _week(folder: Path, decisions: int) -> list[dict[str, Any]]:
    store, clock = await open_sqlite(folder / "week.db"), Clock()
    numbers = itertools.count()
    service = GraphsvcService(store, clock=clock, ids=lambda: f"w{next(numbers):09d}")
    await service.start()
    rows: list[dict[str, Any]] = []
    try:
        harness = Harness(service, clock)
        await harness.prepare()
        each_ms = _WEEK_MS // decisions
        done, chains, began = 0, itertools.count(), time.process_time()
        for day in range(1, _PARTS + 1):
            while done < decisions * day // _PARTS:
                # Forty chains at once, each of three actions; then half of them are closed, the others left alone.
                names = [f"c{next(chains)}" for _ in range(40)]
                for action, resource in _ACTIONS:
                    clock.now_ms += each_ms * len(names)
                    commands = [harness.command(action, resource, chain=name) for name in names]
                    await service.decide_many(GATEWAY, commands)
                    done += len(commands)
                for name in names[::2]:
                    await service.close_chain(GATEWAY, name)
            await service.retention.end_idle()
            await service.wait_drawn()
            gc.collect()
            rows.append({
                "day": day,
                "decisions": done,
                "rss_mb": round(_rss() / 1e6, 1),
                "us_each": round((time.process_time() - began) / done * 1e6),
                "open_chains": service.retention.open_chains,
            })  # fmt: skip
            print(rows[-1], file=sys.stderr, flush=True)  # a million take a while
        for before, row in itertools.pairwise(rows):
            more = row["decisions"] - before["decisions"]
            row["bytes_each"] = round((row["rss_mb"] - before["rss_mb"]) * 1e6 / more)
        return rows
    finally:
        await service.close()
        await store.close()


def _rss() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
