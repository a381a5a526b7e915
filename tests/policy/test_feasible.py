"""Steps that nobody in a graph may do are found, and no others."""

from __future__ import annotations

import pytest

from graphsvc.core.estate import Estate
from graphsvc.core.graph import edge_from_record, node_from_record
from graphsvc.core.policy.feasible import impossible_steps
from graphsvc.core.policy.load import load_policy
from graphsvc.core.rights import Rights
from graphsvc.core.value import Json
from tests.policy.example import with_pattern

ACTIONS = (
    'actions: {"mail:*": {effects: [read]}, "mail:Send": {effects: [send]}, "bank:Pay": {effects: [pay]}}\n'
)
NODES: list[dict[str, Json]] = [
    {"type": "identity", "id": "bot", "kind": "agent"},
    {"type": "identity", "id": "ann", "kind": "human"},
    {"type": "group", "id": "staff"},
    {"type": "resource", "resource_type": "vault", "id": "gold", "tier": "crown"},
    {"type": "resource", "resource_type": "mailbox", "id": "ann"},
    {"type": "permission", "id": "mails", "actions": ["mail:Read*", "mail:Send"], "resources": ["mailbox:*"]},
    {"type": "permission", "id": "all", "actions": ["vault:*"], "resources": ["vault:gold"]},
    {"type": "permission", "id": "never", "effect": "deny", "actions": ["mail:Send"], "resources": ["*"]},
]
EDGES: list[dict[str, Json]] = [
    {"type": "GRANTED", "from": "identity:bot", "to": "permission:mails"},
    {"type": "GRANTED", "from": "identity:bot", "to": "permission:never"},
    {"type": "GRANTED", "from": "group:staff", "to": "permission:all"},
    {"type": "MEMBER_OF", "from": "identity:ann", "to": "group:staff"},
]


def found(body: str, *, before: str = ACTIONS) -> list[str]:
    estate = Estate()
    estate.load(
        "test", [node_from_record(each) for each in NODES], [edge_from_record(each) for each in EDGES], replace=True
    )  # fmt: skip
    policy = load_policy(with_pattern(body, before=before), "p.yaml")
    return [str(finding) for finding in impossible_steps([policy], estate, Rights(estate))]


POSSIBLE = [
    "steps: {a: {action: 'mail:Read'}}",
    "steps: {a: {action: 'mail:R*', subject: {kind: agent}}}",
    "steps: {a: {effects: [read], resource: {type: mailbox}}}",
    "steps: {a: {action: 'vault:Open', subject: {group: staff}, resource: {tier: crown}}}",
    "steps: {a: {action: 'review:Approve'}}",
    "steps: {a: {resource: {type: [mailbox, nothing], id: 'a*'}}}",
    "count: {step: {effects: [read]}, more_than: 3}",
    "steps: {a: {action: 'mail:R*', effects: [read]}}",
    "steps: {a: {action: ['bank:Pay', 'mail:*'], effects: [read]}}",
]
IMPOSSIBLE = [
    ("steps: {a: {action: 'bank:Pay'}}", "allows `bank:Pay`"),
    ("steps: {a: {effects: [pay]}}", "allows `bank:Pay`"),
    ("steps: {a: {action: 'bank:*', effects: [pay, read]}}", "allows `bank:Pay`"),
    ("steps: {a: {action: 'mail:*', effects: [send]}}", "allows `mail:Send`"),
    ("steps: {a: {effects: [destroy]}}", "has the effect `destroy`"),
    (
        "steps: {a: {action: 'mail:Read', subject: {kind: workload}}}",
        "no identity of the graph is such a subject",
    ),
    ("steps: {a: {action: 'mail:Read', subject: {group: staff}}}", "allows `mail:Read`"),
    ("steps: {a: {action: 'vault:Open', resource: {tier: silver}}}", "is of the tier `silver`"),
    ("steps: {a: {action: 'mail:Read', resource: {type: vault}}}", "on such a resource"),
    ("steps: {a: {action: 'mail:Send'}}", "allows `mail:Send`"),
    ("count: {step: {action: 'bank:Pay'}, more_than: 3}", "what is counted"),
]


@pytest.mark.parametrize("body", POSSIBLE)
def test_what_somebody_may_do_is_passed_over(body: str) -> None:
    """A step that some identity holds a permission for gives no finding."""
    assert found(body) == []


@pytest.mark.parametrize(("body", "part"), IMPOSSIBLE)
def test_what_nobody_may_do_is_found(body: str, part: str) -> None:
    """A step without anybody who could do it is told at its place, with what is missing."""
    (told,) = found(body)
    assert part in told
    assert told.startswith("p.yaml:6:")
    assert told.endswith("[impossible_step]")


def test_without_entitlement_everybody_may_do_everything() -> None:
    """Where packs do not ask for permissions there is nothing to find."""
    before = ACTIONS + "settings: {entitlement: 'off'}\n"
    assert found("steps: {a: {action: 'bank:Pay'}}", before=before) == []
