"""The longest a decision takes in a process that holds a graph of a million edges, by how the collector is set."""

from __future__ import annotations

import gc
import random
import time
from typing import Any

from benchmarks.engine import world_of
from benchmarks.rights import estate
from benchmarks.workload import policy_text, traffic
from graphsvc.cli.serve import settle_memory
from graphsvc.config import load_settings
from graphsvc.core.evaluate import decided

__all__ = ["measure"]

_WARM_UP = 5_000


def measure(
    *, settled: bool, edges: int = 1_000_000, decisions: int = 100_000, patterns: int = 50
) -> dict[str, Any]:
    """Milliseconds of CPU of a decision, judged and folded; settled: as `graphsvc serve` sets the collector.

    What is longer than a collection is a dict of all actions that grows.
    """
    rng = random.Random(4)
    identities = [f"identity:i{number}" for number in range(edges // 10)]
    groups = [f"group:g{number}" for number in range(len(identities) // 7)]
    resources = [f"resource:doc:r{number}" for number in range(len(identities) * 2)]
    world = world_of(policy_text(patterns), 100)
    nodes, groups_of_edges = estate(rng, edges, identities, groups, resources).loose()
    world.estate.load(
        "large", nodes, [edge for group in groups_of_edges for edge in group.values()], replace=True
    )
    requests = traffic(_WARM_UP + decisions)
    times: list[float] = []
    collected, began_at = [0.0], [0]

    def collecting(phase: str, _: dict[str, int]) -> None:
        if phase == "start":
            began_at[0] = time.thread_time_ns()
        else:
            collected[0] = max(collected[0], (time.thread_time_ns() - began_at[0]) / 1e6)

    kept = gc.get_threshold()
    for number, request in enumerate(requests):
        if number == _WARM_UP:
            if settled:
                settle_memory(load_settings(environ={}))
            times.clear()
            gc.callbacks.append(collecting)
        began = time.thread_time_ns()
        seq = world.seq + 1
        evaluation = world.evaluate(request, seq, seq=seq)
        world.apply(decided(evaluation), seq, evaluation)
        times.append((time.thread_time_ns() - began) / 1e6)
    gc.callbacks.remove(collecting)
    gc.unfreeze()
    gc.set_threshold(*kept)
    times.sort()
    return {
        "edges": edges,
        "collector": "settled" if settled else "default",
        "decisions": len(times),
        "per s": round(len(times) / sum(times) * 1000),
        "p99 ms": round(times[len(times) * 99 // 100], 3),
        "p99.99 ms": round(times[len(times) * 9_999 // 10_000], 2),
        "longest ms": round(times[-1], 1),
        "longest collection ms": round(collected[0], 1),
        "over 10 ms": sum(each > 10 for each in times),
    }
