"""Rights: a check by size of the graph, grants and groups that change, and the closure of one identity more."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from graphsvc.core.estate import Estate
from graphsvc.core.gain.gains import Gains
from graphsvc.core.grants import Grants
from graphsvc.core.graph import Edge, Node
from graphsvc.core.policy.load import load_policy
from graphsvc.core.record import Granted
from graphsvc.core.rights import Rights
from graphsvc.core.ruleset import compile_ruleset

__all__ = ["checks", "closures", "estate"]

_ACTIONS = tuple(f"app{number // 10}:Do{number}" for number in range(200))
_MIB = 1 << 20


def checks(edges: int, seed: int = 5) -> dict[str, Any]:
    """Microseconds of CPU time; `index mb` beside the facts, with every identity and resource asked for.

    first: a question nobody asked before. near: questions about 1,000 identities, as a busy hour asks them.
    """
    rng = random.Random(seed)
    identities = [f"identity:i{number}" for number in range(max(1_000, edges // 10))]
    groups = [f"group:g{number}" for number in range(len(identities) // 7)]
    resources = [f"resource:doc:r{number}" for number in range(len(identities) * 2)]
    facts = estate(rng, edges, identities, groups, resources)
    filling = _asked_of_everything(facts, identities, resources)
    # A second one beside the first finds no holes to fill: what it adds is what it takes.
    before = _resident_mb()
    rights = _asked_of_everything(facts, identities, resources)
    resident = _resident_mb() - before
    del filling
    asked = [(rng.choice(identities), rng.choice(_ACTIONS), rng.choice(resources)) for _ in range(50_000)]
    near = [
        (identities[rng.randrange(1_000)], action, resources[rng.randrange(2_000)]) for _, action, _ in asked
    ]
    first = _mean(rights, asked)
    mean = min(_mean(rights, asked) for _ in range(3))
    _mean(rights, near)
    busy = min(_mean(rights, near) for _ in range(3))
    warm = [_micros(partial(rights.check, *question)) for question in asked[:20_000]]
    grants = Grants()
    situational = [_micros(partial(_grant_and_revoke, grants, number, identities)) for number in range(2_000)]
    regrant = [_micros(lambda: _granted(facts, rights, rng, identities)) for _ in range(300)]
    nest = [_micros(lambda: _nested(facts, rights, rng, groups, identities)) for _ in range(300)]
    return {
        "edges": edges,
        "first": round(first, 2),
        "check mean": round(mean, 2),
        "near mean": round(busy, 2),
        "check p50": _at(warm, 0.5),
        "check p99": _at(warm, 0.99),
        "grant + revoke p50": _at(situational, 0.5),
        "grant + revoke p99": _at(situational, 0.99),
        "permission given, asked p99": _at(regrant, 0.99),
        "group nested, asked p50": _at(nest, 0.5),
        "group nested, asked p99": _at(nest, 0.99),
        "index mb": round(resident, 1),
        "bytes/edge": round(resident * _MIB / edges),
    }


def _asked_of_everything(estate: Estate, identities: list[str], resources: list[str]) -> Rights:
    rights, rng = Rights(estate), random.Random(7)
    for number, resource in enumerate(resources):
        rights.check(identities[number // 2], rng.choice(_ACTIONS), resource)
    return rights


def _mean(rights: Rights, asked: list[tuple[str, str, str]]) -> float:
    began = time.thread_time_ns()
    for identity, action, resource in asked:
        rights.check(identity, action, resource)
    return (time.thread_time_ns() - began) / 1_000 / len(asked)


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / _MIB


def closures(rules: int = 1_500, seed: int = 6) -> dict[str, Any]:
    """The closure of one identity more, of three rights each, in microseconds of CPU time."""
    rng = random.Random(seed)
    names = [f"svc:Right{number}" for number in range(400)]
    patterns = [
        {
            "id": f"r{number}",
            "rights": {
                "all_of": [{"right": name} for name in rng.sample(names, 3)],
                "gives": {"right": rng.choice(names), "on": "*"},
            },
        }
        for number in range(rules)
    ]
    text = json.dumps({"graphsvc": 1, "pack": {"id": "p", "version": "1"}, "patterns": patterns})
    identities = [f"identity:i{number}" for number in range(600)]
    nodes = [Node(key=key) for key in identities]
    edges = []
    for number, identity in enumerate(identities):
        actions: list[Any] = rng.sample(names, 3)
        nodes.append(Node(key=f"permission:p{number}", fields={"actions": actions, "resources": ["*"]}))
        edges.append(Edge(type="GRANTED", start=identity, end=f"permission:p{number}"))
    estate = Estate()
    estate.load("bench", nodes, edges, replace=True)
    gains = Gains(compile_ruleset([load_policy(text, "p.yaml")]), estate, Rights(estate))
    for identity in identities:
        gains.closures.of(frozenset((identity,)))
    times = []
    for _ in range(150):
        held: frozenset[str] = frozenset()
        for identity in rng.sample(identities, 4):
            times.append(_micros(lambda h=held, i=identity: gains.closures.with_one(h, i)))  # type: ignore[misc]
            held |= {identity}
    return {"rules": rules, "p50": _at(times, 0.5), "p99": _at(times, 0.99), "max": round(max(times), 1)}


def estate(
    rng: random.Random, edges: int, identities: list[str], groups: list[str], resources: list[str]
) -> Estate:
    """Nested groups, permissions on folders, and grants of them, as many as asked for."""
    found: dict[tuple[str, str, str], Edge] = {}

    def link(kind: str, start: str, end: str) -> None:
        found[kind, start, end] = Edge(type=kind, start=start, end=end)

    nodes = [Node(key=key) for key in (*identities, *groups)]
    permissions = [f"permission:p{number}" for number in range(edges // 20)]
    for key in permissions:
        fields: dict[str, Any] = {"actions": rng.sample(_ACTIONS, 3)}
        nodes.append(Node(key=key, fields=fields))
        link("ON", key, f"resource:folder:f{rng.randrange(500)}")
    for number, key in enumerate(resources):
        nodes.append(Node(key=key))
        link("CONTAINS", f"resource:folder:f{number % 500}", key)
    aside = len(found)
    for number, group in enumerate(groups[10:], 10):
        link("MEMBER_OF", group, groups[number // 5])
    for identity in identities:
        for _ in range(2):
            link("MEMBER_OF", identity, rng.choice(groups))
    while len(found) - aside < edges:
        holder = rng.choice(identities) if rng.random() < 0.7 else rng.choice(groups)
        link("GRANTED", holder, rng.choice(permissions))
    facts = Estate()
    facts.load("bench", nodes, found.values(), replace=True)
    return facts


def _grant_and_revoke(grants: Grants, number: int, identities: list[str]) -> None:
    holder = identities[number % len(identities)].removeprefix("identity:")
    name = f"g{number}"
    grants.add(
        Granted(at_ms=0, id=name, identity=holder, actions=("a",), resources=("r",), from_ms=0, to_ms=9)
    )
    grants.revoke(name, 1)


def _granted(estate: Estate, rights: Rights, rng: random.Random, identities: list[str]) -> None:
    holder = rng.choice(identities)
    edge = Edge(type="GRANTED", start=holder, end=f"permission:p{rng.randrange(50)}")
    estate.load("bench", (), (edge,), replace=False)
    rights.check(holder, "app1:Do11", "resource:doc:r1")


def _nested(
    estate: Estate, rights: Rights, rng: random.Random, groups: list[str], identities: list[str]
) -> None:
    start, end = rng.sample(groups, 2)
    estate.load("bench", (), (Edge(type="MEMBER_OF", start=start, end=end),), replace=False)
    rights.check(rng.choice(identities), "app1:Do11", "resource:doc:r1")


def _micros(run: Callable[[], object]) -> float:
    began = time.thread_time_ns()
    run()
    return (time.thread_time_ns() - began) / 1_000


def _at(times: list[float], share: float) -> float:
    return round(sorted(times)[int(len(times) * share)], 1)
