"""How long decisions wait while a pack is published over a long history: rules rebuilt at once, or warmed beside them."""

from __future__ import annotations

import asyncio
import itertools
import time
from typing import Any

from benchmarks.workload import estate_lines, policy_text, traffic
from graphsvc.decide.command import Caller, DecideCommand
from graphsvc.decide.service import GraphsvcService
from graphsvc.decide.warming import LEAST
from graphsvc.importers import graph_jsonl
from graphsvc.store.memory import open_memory

__all__ = ["measure"]

_ADMIN = Caller(subject="bench", roles=frozenset({"admin"}))
_PEP = Caller(subject="bench", roles=frozenset({"pep"}))
_ALSO = """
graphsvc: 1
pack: {id: also, version: "1"}
patterns:
  - {id: also, on_match: monitor, steps: {a: {effects: [read], then: b}, b: {effects: [send]}}}
"""


def measure(*, warmed: bool, history: int = 20_000, patterns: int = 50) -> dict[str, Any]:
    """Milliseconds of wall time that single decisions, asked one after the other, waited during the publication."""
    return asyncio.run(_measure(warmed=warmed, history=history, patterns=patterns))


async def _measure(*, warmed: bool, history: int, patterns: int) -> dict[str, Any]:
    numbers = itertools.count(1)
    store = await open_memory()
    service = GraphsvcService(
        store, clock=lambda: time.time_ns() // 1_000_000, ids=lambda: f"i{next(numbers)}"
    )
    service.warming.least = LEAST if warmed else history * 10
    await service.start()
    await service.publish_policy(_ADMIN, [(policy_text(patterns), "bench.yaml")], "")
    estate = graph_jsonl.read("\n".join(estate_lines(100)), "estate")
    await service.load_graph(_ADMIN, "bench", estate.nodes, estate.edges, replace=True)
    commands = (DecideCommand(key=each.id, request=each) for each in traffic(history * 20))
    for _ in range(history // 100):
        await asyncio.gather(*[service.decide(_PEP, next(commands)) for _ in range(100)])
    publication = asyncio.create_task(service.publish_policy(_ADMIN, [(_ALSO, "also.yaml")], ""))
    await asyncio.sleep(0)
    began, waits = time.perf_counter(), list[float]()
    while not publication.done():
        asked = time.perf_counter()
        await service.decide(_PEP, next(commands))
        waits.append((time.perf_counter() - asked) * 1000)
    took_s = time.perf_counter() - began
    await publication
    await service.close()
    await store.close()
    waits.sort()
    return {
        "history": history,
        "rules": "warmed" if warmed else "rebuilt at once",
        "publication s": round(took_s, 2),
        "decisions meanwhile": len(waits),
        "p50 ms": round(waits[len(waits) // 2], 2),
        "p99 ms": round(waits[len(waits) * 99 // 100], 1),
        "longest ms": round(waits[-1], 1),
    }
