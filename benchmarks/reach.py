"""Distances to a tier kept up to date: edges that come and go in a large capability graph."""

from __future__ import annotations

import random
import time
from typing import Any

from benchmarks.rights import estate
from graphsvc.core.gain.distance import Network
from graphsvc.core.gain.gains import Gains
from graphsvc.core.graph import Edge, Node
from graphsvc.core.rights import Rights
from graphsvc.core.ruleset import compile_ruleset

__all__ = ["followed", "measure"]


def measure(
    nodes: int = 100_000, edges: int = 1_000_000, changes: int = 20_000, seed: int = 9
) -> dict[str, Any]:
    """Microseconds of CPU time for one edge more and one less, 50 targets; `wrong` against a full computation."""
    rng = random.Random(seed)
    network = Network()
    held: list[tuple[int, int]] = []
    while len(held) < edges:
        start, end = rng.randrange(nodes), rng.randrange(nodes)
        if start != end and end not in network.out.get(start, {}):
            network.insert(start, end, 1)
            held.append((start, end))
    targets = rng.sample(range(nodes), 50)
    began = time.thread_time_ns()
    distances = network.distances(targets)
    built = (time.thread_time_ns() - began) / 1e9
    inserts: list[float] = []
    deletes: list[float] = []
    for _ in range(changes // 2):
        place = rng.randrange(len(held))
        start, end = held[place]
        held[place] = held[-1]
        held.pop()
        began = time.thread_time_ns()
        network.delete(start, end)
        deletes.append((time.thread_time_ns() - began) / 1_000)
        start, end = rng.randrange(nodes), rng.randrange(nodes)
        while start == end or end in network.out.get(start, {}):
            start, end = rng.randrange(nodes), rng.randrange(nodes)
        held.append((start, end))
        began = time.thread_time_ns()
        network.insert(start, end, 1)
        inserts.append((time.thread_time_ns() - began) / 1_000)
    full = network.distances(targets)
    wrong = sum(full.least.get(node) != distances.least.get(node) for node in range(nodes))
    return {
        "nodes": nodes,
        "edges": edges,
        "full s": round(built, 2),
        "insert p50": _at(inserts, 0.5),
        "insert p99": _at(inserts, 0.99),
        "insert max": round(max(inserts)),
        "delete p50": _at(deletes, 0.5),
        "delete p99": _at(deletes, 0.99),
        "delete max": round(max(deletes)),
        "wrong": wrong,
    }


def followed(edges: int = 100_000, seed: int = 10) -> dict[str, Any]:
    """One fact more in a permission graph, and how far an identity is from a tier then; microseconds of CPU time."""
    rng = random.Random(seed)
    identities = [f"identity:i{number}" for number in range(edges // 10)]
    groups = [f"group:g{number}" for number in range(len(identities) // 7)]
    resources = [f"resource:doc:r{number}" for number in range(len(identities) * 2)]
    facts = estate(rng, edges, identities, groups, resources)
    jewels = [Node(key=key, tier="crown-jewel") for key in rng.sample(resources, 50)]
    facts.load("tiers", jewels, [], replace=True)
    gains = Gains(compile_ruleset(()), facts, Rights(facts))
    began = time.thread_time_ns()
    gains.reach.distance(frozenset((identities[0],)), "crown-jewel", 4)
    built = (time.thread_time_ns() - began) / 1e9
    kinds = {
        "assume": lambda: ("CAN_ASSUME", rng.choice(identities), rng.choice(identities)),
        "grant": lambda: ("GRANTED", rng.choice(identities), f"permission:p{rng.randrange(edges // 20)}"),
        "credential": lambda: ("HOLDS_CREDENTIAL", rng.choice(resources), rng.choice(identities)),
        "member": lambda: ("MEMBER_OF", rng.choice(identities), rng.choice(groups)),
    }
    row: dict[str, Any] = {"edges": edges, "built s": round(built, 2)}
    for name, some in kinds.items():
        times = []
        for _ in range(300):
            kind, start, end = some()
            facts.load("bench", (), (Edge(type=kind, start=start, end=end),), replace=False)
            asked = start if start.startswith("identity:") else end
            began = time.thread_time_ns()
            gains.reach.distance(frozenset((asked,)), "crown-jewel", 4)
            times.append((time.thread_time_ns() - began) / 1_000)
        row[f"{name} p50"], row[f"{name} p99"] = _at(times, 0.5), _at(times, 0.99)
    return row


def _at(times: list[float], share: float) -> float:
    return round(sorted(times)[int(len(times) * share)], 1)
