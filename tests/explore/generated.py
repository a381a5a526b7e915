"""Small estates at random, without denials, caps and conditions, and a pack of rules to ask them with."""

from __future__ import annotations

import random

from graphsvc.core.graph import Edge, Node
from graphsvc.core.policy.load import load_policy
from graphsvc.core.value import Json

__all__ = ["ACTIONS", "PACK", "estate", "grant"]

ACTIONS = ("app:A", "app:B", "app:C", "app:D")
_RULE = "  - {{id: {id}, title: T, severity: high, on_match: escalate, rights: {{all_of: [{all}]{more}}}}}"
PACK = load_policy(
    "\n".join(
        (
            "graphsvc: 1",
            'pack: {id: generated, version: "1"}',
            "patterns:",
            _RULE.format(id="two", all='{right: "app:A"}, {right: "app:B"}', more=""),
            _RULE.format(
                id="same",
                all='{right: "app:B", on: "$x"}, {right: "app:C", on: "$x"}',
                more=", where: 'exists(\"$x\")'",
            ),
            _RULE.format(
                id="machine",
                all='{right: "app:D", on: "$x"}',
                more=', where: \'runs_as("$x", "$r")\', gives: {assume: "$r"}',
            ),
            _RULE.format(
                id="all",
                all='{right: "app:A"}, {right: "app:C"}, {right: "app:D"}',
                more=", gives: {admin: true}",
            ),
        )
    ),
    "generated.yaml",
)
_PEOPLE, _GROUPS, _ROLES, _PERMISSIONS, _THINGS = 6, 3, 2, 6, 7


def estate(seed: int) -> tuple[list[Node], list[Edge]]:
    """People in groups with roles, permissions on things within things, trusts, credentials, machines."""
    rng = random.Random(seed)
    people = [f"identity:p{number}" for number in range(_PEOPLE)]
    holders = [f"group:g{number}" for number in range(_GROUPS)]
    roles = [f"role:r{number}" for number in range(_ROLES)]
    things = [f"resource:thing:t{number}" for number in range(_THINGS)]
    permissions = [f"permission:x{number}" for number in range(_PERMISSIONS)]
    nodes = [Node(key=key, fields={"kind": "human", "status": "active"}) for key in people]
    nodes += [Node(key=key) for key in (*holders, *roles)]
    nodes += [Node(key=key, tier="crown-jewel" if number < 2 else None) for number, key in enumerate(things)]
    for key in permissions:
        listed = list[Json](rng.sample(ACTIONS, rng.choice((1, 1, 2))))
        nodes.append(Node(key=key, fields={"actions": listed, "effect": "allow"}))
    found = {
        ("GRANTED", rng.choice((*people, *holders, *roles)), key) for key in permissions for _ in range(2)
    }
    found |= {("ON", key, rng.choice(things)) for key in permissions for _ in range(2)}
    found |= {("MEMBER_OF", rng.choice(people), rng.choice(holders)) for _ in range(5)}
    found |= {("MEMBER_OF", holders[0], holders[1]), ("HAS_ROLE", rng.choice(holders), rng.choice(roles))}
    found |= {("CONTAINS", things[rng.randrange(number)], things[number]) for number in range(1, 4)}
    found |= {("CAN_ASSUME", rng.choice((*people, *holders)), rng.choice(people)) for _ in range(3)}
    found |= {("RUNS_AS", rng.choice(things), rng.choice(people)) for _ in range(2)}
    found |= {("HOLDS_CREDENTIAL", rng.choice(things), rng.choice(people))}
    edges = [Edge(type=kind, start=start, end=end) for kind, start, end in sorted(found) if start != end]
    return nodes, edges


def grant(seed: int) -> Edge:
    """One more grant, to somebody."""
    rng = random.Random(seed)
    holder = rng.choice((f"identity:p{rng.randrange(_PEOPLE)}", f"group:g{rng.randrange(_GROUPS)}"))
    return Edge(type="GRANTED", start=holder, end=f"permission:x{rng.randrange(_PERMISSIONS)}")
