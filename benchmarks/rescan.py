"""The engine against two plain ways to answer the same question: reading the session again for every decision.

Patterns are broad: a quarter of all actions fits each of their steps. The re-scan keeps the session as a list and
runs over it once for each pattern that the action can complete; the naive baseline keeps a networkx graph and asks for
ancestors. All three must complete the same patterns.
"""

from __future__ import annotations

import random
import time

import networkx as nx

from benchmarks.engine import Driver, world_of
from graphsvc.core.request import AccessRequest, Entity
from graphsvc.core.value import Json

__all__ = ["lengths", "measure"]

_PATTERNS = 100
_EFFECTS = ("read", "write", "send", "execute")
_ACTIONS = 40

# Effects of the first, second and last step, and the label that the last one asks for.
Broad = tuple[str, str, str, str]


def measure(sizes: tuple[int, ...] = (39, 231, 458)) -> list[dict[str, Json]]:
    """CPU microseconds of a decision by each way, at the end of sessions of these lengths."""
    return [_at(size, naive=True) for size in sizes]


def lengths(sizes: tuple[int, ...] = (10, 1_000, 100_000)) -> list[dict[str, Json]]:
    """The same where the graph would take too long; the engine's cost should not depend on the length."""
    return [_at(size, naive=False, probes=300 if size < 10_000 else 30) for size in sizes]


def _patterns() -> list[Broad]:
    rng = random.Random(5)
    return [
        (rng.choice(_EFFECTS), rng.choice(_EFFECTS), rng.choice(_EFFECTS), f"l{rng.randrange(12)}")
        for _ in range(_PATTERNS)
    ]


def _policy(patterns: list[Broad]) -> str:
    lines = ["graphsvc: 1", 'pack: {id: broad, version: "1"}', "settings: {entitlement: off}", "actions:"]
    lines += [f'  "app:Do{number}": {{effects: [{_EFFECTS[number % 4]}]}}' for number in range(_ACTIONS)]
    lines.append("patterns:")
    for number, (first, second, last, label) in enumerate(patterns):
        lines.append(
            f"  - {{id: p{number}, on_match: monitor, steps: {{a: {{effects: [{first}], then: b}}, "
            f"b: {{effects: [{second}], then: c}}, c: {{effects: [{last}], labels: {{any: [{label}]}}}}}}}}"
        )
    return "\n".join(lines)


def _at(length: int, *, naive: bool, probes: int = 300) -> dict[str, Json]:
    patterns = _patterns()
    driver = Driver(world_of(_policy(patterns), 1))
    rng = random.Random(6)
    ways: dict[str, _Rescan | _Naive] = {"rescan": _Rescan(patterns)}
    if naive:
        ways["networkx"] = _Naive(patterns)
    for number in range(length):
        request = _request(rng, number)
        for way in ways.values():
            way.keep(request)
        driver.decide(request)
    requests = [_request(rng, length + number) for number in range(probes)]
    for request in requests:
        driver.judge(request)
    # Each way on its own, so that none finds the memory that another one left behind.
    started = time.process_time_ns()
    found = [driver.judge(request).completions for request in requests]
    took = {"engine": time.process_time_ns() - started}
    wanted = [{each.pattern for each in completions} for completions in found]
    for name, way in ways.items():
        started = time.process_time_ns()
        same = [way.completed(request) for request in requests]
        took[name] = time.process_time_ns() - started
        assert same == wanted, "the ways must agree"
    row: dict[str, Json] = {"history": length, "patterns": _PATTERNS, "completions": sum(map(len, wanted))}
    row |= {f"{name}_us": round(each / probes / 1000, 1) for name, each in took.items()}
    row |= {f"x {name}": round(took[name] / took["engine"], 1) for name in ways}
    return row


def _request(rng: random.Random, number: int) -> AccessRequest:
    # The label that completes something is rare, as harm is.
    labels = (f"l{rng.randrange(12)}",) if rng.random() < 0.02 else ()
    return AccessRequest(
        id=f"e{number}",
        chain="c",
        subject=Entity("human", "u0"),
        action=f"app:Do{rng.randrange(_ACTIONS)}",
        resource=Entity("record", f"r{rng.randrange(50)}"),
        labels=labels,
    )


def _effect(request: AccessRequest) -> str:
    return _EFFECTS[int(request.action.removeprefix("app:Do")) % 4]


class _Rescan:
    """The session as a list of effects; one pass for each pattern that the action may complete."""

    def __init__(self, patterns: list[Broad]) -> None:
        self.patterns = patterns
        self.session: list[str] = []

    def keep(self, request: AccessRequest) -> None:
        self.session.append(_effect(request))

    def completed(self, request: AccessRequest) -> set[str]:
        effect, found = _effect(request), set()
        for number, (first, second, last, label) in enumerate(self.patterns):
            if last == effect and self._matches(first, second) and label in request.labels:
                found.add(f"p{number}")
        return found

    def _matches(self, first: str, second: str) -> bool:
        # All of the session is looked at: a window would have to be checked against the newest start.
        begun = both = False
        for effect in self.session:
            both = both or (begun and effect == second)
            begun = begun or effect == first
        return both


class _Naive:
    """The session as a graph: a step's event must be among the ancestors of the one it leads to."""

    def __init__(self, patterns: list[Broad]) -> None:
        self.patterns = patterns
        self.graph: nx.DiGraph[int] = nx.DiGraph()
        self.effects: list[str] = []

    def keep(self, request: AccessRequest) -> None:
        number = len(self.effects)
        self.graph.add_node(number)
        if number:
            self.graph.add_edge(number - 1, number)
        self.effects.append(_effect(request))

    def completed(self, request: AccessRequest) -> set[str]:
        effect, found = _effect(request), set()
        before = nx.ancestors(self.graph, len(self.effects) - 1) | {len(self.effects) - 1}
        for number, (first, second, last, label) in enumerate(self.patterns):
            if last != effect or label not in request.labels:
                continue
            for event in before:
                if self.effects[event] == second and any(
                    self.effects[earlier] == first for earlier in nx.ancestors(self.graph, event)
                ):
                    found.add(f"p{number}")
                    break
        return found
