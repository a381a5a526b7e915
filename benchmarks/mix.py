"""The traffic and rules that the engine's figures are measured on; the same seed gives the same.

Rules: of every ten, six are trees within a session (two to four steps, along declared inputs, happened-before and the
log in turn, a fifth of them with a guard), one such a tree within a window, two separate duties of a principal by key over
a day, one counts distinct values within ten minutes. Estate: 10,000 identities in 1,500 nested groups, about 100,000
edges of membership and permission, 20,000 labelled resources in folders that permissions name. Traffic: 2,000 live sessions
at a time, of 120 actions in the mean and 1,000 at most, half of them an agent's on behalf of a person, with
spawned chains that are joined again and declared inputs in half of the actions.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from graphsvc.core.graph import Edge, Node
from graphsvc.core.request import AccessRequest, Entity
from graphsvc.core.value import Json

__all__ = ["ACTIONS", "STEP_MS", "estate", "policy", "requests"]

ACTIONS = 200
STEP_MS = 20  # between two decisions: windows of minutes slide over the traffic
_EFFECTS = ("read", "write", "send", "execute")
_LABELS = 40
_FOLDERS = 50
_GROUPS = 1_500
_SESSIONS = 2_000
_LONGEST = 1_000
_MEAN = 120


def _edge(kind: str, start: str, end: str) -> Edge:
    return Edge(type=kind, start=start, end=end)


def policy(patterns: int, seed: int = 1) -> str:
    """The pack of so many rules."""
    rng = random.Random(seed)
    lines = ["graphsvc: 1", 'pack: {id: mix, version: "1"}', "actions:"]
    lines += [f'  "app:Do{number}": {{effects: [{_EFFECTS[number % 4]}]}}' for number in range(ACTIONS)]
    lines.append("patterns:")
    for number in range(patterns):
        kind = number % 10
        severity = ("low", "medium", "high", "critical")[number % 4]
        match = ("deny", "escalate", "monitor")[number // 10 % 3]
        lines.append(f"  - id: p{number}\n    severity: {severity}\n    on_match: {match}")
        if kind < 7:
            lines += _tree(rng, number, "    within: 10m" if kind == 6 else None)
        elif kind < 9:
            lines += _duties(rng, number)
        else:
            lines.append(
                "    scope: principal\n    within: 10m\n"
                f"    count: {{step: {{action: {_names(rng, 2)}}}, distinct: resource.id, more_than: 20}}"
            )
    return "\n".join(lines)


def _names(rng: random.Random, count: int) -> str:
    return "[" + ", ".join(f'"app:Do{index}"' for index in rng.sample(range(ACTIONS), count)) + "]"


def _tree(rng: random.Random, number: int, window: str | None) -> list[str]:
    relation = ("flow", "causal", "log")[number // 2 % 3]
    lines = [f"    relation: {relation}", *([window] if window else []), "    steps:"]
    source = f"{{effects: [read], labels: {{any: [l{rng.randrange(_LABELS)}]}}, then: last}}"
    shape = rng.randrange(4)
    if shape == 0:
        lines.append(f"      a: {source}")
    elif shape == 1:
        lines += [
            f"      a: {{action: {_names(rng, 2)}, then: b}}",
            f"      b: {{action: {_names(rng, 2)}, then: last}}",
        ]
    elif shape == 2:
        lines += [f"      a: {source}", f"      b: {{action: {_names(rng, 2)}, then: last}}"]
    else:
        lines += [
            f"      a: {{action: {_names(rng, 2)}, then: b}}",
            f"      b: {{action: {_names(rng, 2)}, then: last}}",
            f"      c: {source}",
        ]
    lines.append(f"      last: {{action: {_names(rng, 2)}}}")
    if number % 5 == 0:
        lines.append(f"    unless: [{{action: {_names(rng, 2)}, within: 1h}}]")
    return lines


def _duties(rng: random.Random, number: int) -> list[str]:
    then = ", then: b" if number % 2 else ""
    lines = [
        "    scope: principal\n    within: 24h\n    steps:",
        f"      a: {{action: {_names(rng, 1)}, key: {{vendor: context.vendor}}{then}}}",
        f"      b: {{action: {_names(rng, 1)}, key: {{vendor: context.vendor}}}}",
    ]
    if number % 4 == 0:
        lines.append(
            f"    unless: [{{action: {_names(rng, 1)}, key: {{vendor: context.vendor}}, by: other}}]"
        )
    return lines


def estate(
    identities: int = 10_000, resources: int = 20_000, seed: int = 2
) -> tuple[tuple[Node, ...], tuple[Edge, ...]]:
    """Nodes and edges of the permission graph."""
    rng = random.Random(seed)
    nodes = [Node(key=f"group:g{number}") for number in range(_GROUPS)]
    edges: list[Edge] = []
    for number in range(_GROUPS):
        # Every folder has a group of its own; further groups nest in these and hold narrower rights.
        folder = number % _FOLDERS
        if number >= _FOLDERS:
            edges.append(_edge("MEMBER_OF", f"group:g{number}", f"group:g{rng.randrange(number)}"))
        for each in range(1 if number < _FOLDERS else 13):
            key = f"permission:p{number}.{each}"
            actions = ["app:*"] if number < _FOLDERS else [f"app:Do{rng.randrange(20)}*"]
            nodes.append(Node(key=key, fields={"effect": "allow", "actions": actions}))
            on = (
                f"resource:folder:f{folder}"
                if number < _FOLDERS
                else f"resource:record:r{rng.randrange(resources)}"
            )
            edges += [_edge("GRANTED", f"group:g{number}", key), _edge("ON", key, on)]
    for number in range(identities):
        kind = "agent" if number % 4 == 3 else "human"
        nodes.append(Node(key=f"identity:u{number}", fields={"kind": kind, "status": "active"}))
        groups = {number // 4 % _FOLDERS, *(rng.randrange(_FOLDERS, _GROUPS) for _ in range(5))}
        edges += [_edge("MEMBER_OF", f"identity:u{number}", f"group:g{each}") for each in sorted(groups)]
        if kind == "agent":
            edges.append(_edge("ACTS_FOR", f"identity:u{number}", f"identity:u{number - 1}"))
    nodes += [Node(key=f"resource:folder:f{number}") for number in range(_FOLDERS)]
    for number in range(resources):
        labels = (f"l{rng.randrange(_LABELS)}",) if rng.random() < 0.3 else ()
        nodes.append(Node(key=f"resource:record:r{number}", labels=labels))
        edges.append(_edge("CONTAINS", f"resource:folder:f{number % _FOLDERS}", f"resource:record:r{number}"))
    return tuple(nodes), tuple(edges)


@dataclass(slots=True)
class _Session:
    name: str
    left: int
    subject: Entity
    behind: tuple[Entity, ...]
    folder: int
    chains: list[str] = field(default_factory=list)
    recent: list[str] = field(default_factory=list)
    opened: int = 0


def requests(
    count: int, seed: int = 3, identities: int = 10_000, resources: int = 20_000
) -> Iterator[AccessRequest]:
    """So many requests, of sessions that begin and end."""
    rng = random.Random(seed)
    people = [Entity("human", f"u{number}") for number in range(identities)]
    records = [Entity("record", f"r{number}") for number in range(resources)]
    names = [f"app:Do{number}" for number in range(ACTIONS)]
    vendors: list[dict[str, Json]] = [{"vendor": f"v{number}"} for number in range(500)]
    live = [_begin(rng, number, people) for number in range(_SESSIONS)]
    # Those that are there at the start are somewhere on their way.
    for session in live:
        session.left = rng.randrange(1, session.left + 1)
    begun = len(live)
    for number in range(count):
        place = rng.randrange(len(live))
        session = live[place]
        parent = None
        joins: tuple[str, ...] = ()
        if not session.chains:
            chain = session.name
            session.chains.append(chain)
        elif rng.random() < 0.03 and len(session.chains) < 8:
            parent = rng.choice(session.chains)
            session.opened += 1
            chain = f"{session.name}.{session.opened}"
            session.chains.append(chain)
        else:
            chain = rng.choice(session.chains)
            if rng.random() < 0.02:
                joins = (rng.choice(session.chains),)
        parents = tuple(rng.sample(session.recent, min(2, len(session.recent)))) if number % 2 else None
        name = f"e{number}"
        yield AccessRequest(
            id=name,
            chain=chain,
            session=None,
            parent_chain=parent,
            subject=session.subject,
            on_behalf_of=session.behind,
            action=rng.choice(names),
            resource=records[rng.randrange(resources // _FOLDERS) * _FOLDERS + session.folder],
            context=rng.choice(vendors),
            joins=joins,
            parents=parents,
        )
        session.recent = [*session.recent[-3:], name]
        session.left -= 1
        if not session.left:
            live[place] = _begin(rng, begun, people)
            begun += 1


def _begin(rng: random.Random, number: int, people: list[Entity]) -> _Session:
    first = rng.randrange(len(people) // 4) * 4
    left = min(_LONGEST, 1 + int(rng.expovariate(1 / _MEAN)))
    if number % 2:
        agent = Entity("agent", f"u{first + 3}")
        return _Session(f"s{number}", left, agent, (people[first + 2],), first // 4 % _FOLDERS)
    return _Session(f"s{number}", left, people[first], (), first // 4 % _FOLDERS)
