"""A generated estate for static questions, and packs of rules about rights to ask it with; the same seed gives the same.

Per 100,000 identities about a million edges: memberships in three groups, groups within groups, roles of groups, permissions of
roles, groups and people, what permissions are about, what lies within what, service roles that some may assume and machines run as.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from graphsvc.core.graph import Edge, Node

__all__ = ["edges", "identities", "nodes", "pack"]

_ACTIONS = 2_000
_SERVICES = 20


def _sizes(people: int) -> dict[str, int]:
    return {
        "group": people // 20,
        "role": people // 50,
        "permission": people // 5,
        "thing": people * 2,
        "service": people // 100,
    }


def identities(people: int) -> list[str]:
    """Keys of all who act."""
    return [f"identity:p{number}" for number in range(people)]


def nodes(people: int, seed: int = 3) -> Iterator[Node]:
    """People, service roles, groups, roles, permissions, things; one thing in a thousand is a crown jewel."""
    rng, sizes = random.Random(seed), _sizes(people)
    for key in identities(people):
        yield Node(key=key, fields={"kind": "human", "status": "active"})
    for number in range(sizes["service"]):
        yield Node(key=f"identity:s{number}", fields={"kind": "service", "status": "active"})
    for kind in ("group", "role"):
        for number in range(sizes[kind]):
            yield Node(key=f"{kind}:{number}")
    for number in range(sizes["permission"]):
        listed = rng.sample(range(_ACTIONS), 2)
        yield Node(
            key=f"permission:{number}",
            fields={"actions": [_action(each) for each in listed], "effect": "allow"},
        )
    for number in range(sizes["thing"]):
        yield Node(key=f"resource:thing:{number}", tier="crown-jewel" if number % 1_000 == 0 else None)


def edges(people: int, seed: int = 4) -> Iterator[Edge]:
    """Ten for each of the people, nearly."""
    rng, sizes = random.Random(seed), _sizes(people)

    def some(kind: str, prefix: str = "") -> str:
        return f"{prefix or kind + ':'}{rng.randrange(sizes[kind])}"

    def given(holder: str, many: int) -> Iterator[Edge]:
        return (Edge(type="GRANTED", start=holder, end=some("permission")) for _ in range(many))

    for key in identities(people):
        yield from (Edge(type="MEMBER_OF", start=key, end=some("group")) for _ in range(3))
        yield from given(key, 1)
        if rng.random() < 0.05:
            yield Edge(type="CAN_ASSUME", start=key, end=some("service", "identity:s"))
    for number in range(sizes["group"]):
        if number % 5 == 0 and number:
            yield Edge(type="MEMBER_OF", start=f"group:{number}", end=f"group:{rng.randrange(number)}")
        yield Edge(type="HAS_ROLE", start=f"group:{number}", end=some("role"))
        yield from given(f"group:{number}", 4)
    for number in range(sizes["role"]):
        yield from given(f"role:{number}", 6)
    for number in range(sizes["permission"]):
        things = (some("thing", "resource:thing:") for _ in range(12))
        yield from (Edge(type="ON", start=f"permission:{number}", end=thing) for thing in things)
    for number in range(1, sizes["thing"]):
        yield Edge(type="CONTAINS", start=f"resource:thing:{number // 20}", end=f"resource:thing:{number}")
    yield from _services(sizes["service"], given, lambda: some("thing", "resource:thing:"))


def _services(
    many: int, given: Callable[[str, int], Iterator[Edge]], thing: Callable[[], str]
) -> Iterator[Edge]:
    for number in range(many):
        service = f"identity:s{number}"
        yield Edge(type="CAN_ASSUME", start=f"identity:platform{number % _SERVICES}", end=service)
        yield from given(service, 4)
        yield from (Edge(type="RUNS_AS", start=thing(), end=service) for _ in range(5))


def pack(patterns: int, seed: int = 6) -> str:
    """Rules in three parts: two rights that are a harm together; a right on what runs as a service; a role handed to a platform."""
    rng = random.Random(seed)
    lines = ["graphsvc: 1", 'pack: {id: bench-rights, version: "1"}', "patterns:"]
    for number in range(patterns):
        first, second = (_action(each) for each in rng.sample(range(_ACTIONS), 2))
        head = f"  - id: r{number}\n    title: Rule {number}\n    severity: high\n    on_match: escalate\n    rights:\n      all_of:\n"
        if number % 4 < 2:
            body = f'        - {{right: "{first}"}}\n        - {{right: "{second}"}}\n'
        elif number % 4 == 2:
            body = (
                f'        - {{right: "{first}", on: "$thing"}}\n'
                '      where: \'runs_as("$thing", "$role")\'\n      gives: {assume: "$role"}\n'
            )
        else:
            body = (
                f'        - {{right: "{first}"}}\n        - {{right: "{second}"}}\n'
                f'      where: \'service_can_assume("$role", "platform{number % _SERVICES}")\'\n'
                '      gives: {assume: "$role"}\n'
            )
        lines.append(head + body)
    return "\n".join(lines)


def _action(number: int) -> str:
    return f"app{number // 20}:Do{number}"
