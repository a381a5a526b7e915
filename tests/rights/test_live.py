"""Combinations of rights at run time: what one identity more lets a session do, and how near that is to harm."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace

from graphsvc.core.graph import Edge, Node
from graphsvc.core.policy.load import load_policy
from graphsvc.core.record import GraphCommitted, GraphStaged, PolicyPublished, Record
from graphsvc.core.request import AccessRequest, Entity
from graphsvc.core.snapshot import restore, snapshot
from graphsvc.core.verdict import Verdict
from graphsvc.core.world import World
from graphsvc.errors import PolicyError

POLICY = """
graphsvc: 1
pack: {id: esc, version: "1"}
actions:
  "s3:Get": {effects: [read]}
  "sts:AssumeRole": {effects: [assume]}
patterns:
  - id: passrole
    on_match: deny
    rights:
      all_of:
        - {right: "iam:PassRole", on: "$role"}
        - {right: "lambda:Create"}
        - {right: "lambda:Invoke"}
      where: 'service_can_assume("$role", "lambda.amazonaws.com")'
      gives: {assume: "$role"}
    unless: [{action: "review:Approve", within: 1h}]
  - id: near
    on_match: escalate
    reach: {tier: crown-jewel, nearer_than: 3}
"""


def _identity(name: str) -> Node:
    return Node(key=f"identity:{name}", fields={"kind": "service", "status": "active"})


def _may(name: str, actions: list[str], resources: list[str]) -> Node:
    return Node(key=f"permission:{name}", fields={"actions": [*actions], "resources": [*resources]})


NODES = [
    _identity("bot"),
    _identity("worker"),
    _identity("deployer"),
    _identity("admin"),
    _identity("lambda.amazonaws.com"),
    _may("create", ["lambda:Create", "s3:Get", "sts:AssumeRole"], ["*"]),
    _may("pass", ["iam:PassRole", "lambda:Invoke", "s3:Get"], ["*"]),
    _may("all", ["*"], ["db:*"]),
    Node(key="resource:db:ledger", tier="crown-jewel"),
    Node(key="resource:file:keys"),
]
EDGES = [
    Edge(type="GRANTED", start="identity:bot", end="permission:create"),
    Edge(type="GRANTED", start="identity:worker", end="permission:pass"),
    Edge(type="GRANTED", start="identity:deployer", end="permission:pass"),
    Edge(type="GRANTED", start="identity:admin", end="permission:all"),
    Edge(type="CAN_ASSUME", start="identity:lambda.amazonaws.com", end="identity:admin"),
    Edge(type="HOLDS_CREDENTIAL", start="resource:file:keys", end="identity:deployer"),
]


def _world(policy: str = POLICY) -> World:
    world = World()
    records: list[Record] = [
        GraphStaged(at_ms=0, load="l", nodes=tuple(NODES), edges=tuple(EDGES)),
        GraphCommitted(at_ms=0, load="l", source="s", replace=True),
        PolicyPublished(at_ms=0, pack="esc", version="1", file="esc.yaml", text=policy, sha256=""),
    ]
    for number, record in enumerate(records, 1):
        world.apply(record, number)
    return world


def _act(world: World, subject: str, action: str, resource: str, chain: str = "c", session: str = "c"):  # type: ignore[no-untyped-def]
    kind, _, name = resource.partition(":")
    seq = world.seq + 1
    request = AccessRequest(
        id=f"e{seq}",
        chain=chain,
        session=session,
        subject=Entity("service", subject),
        action=action,
        resource=Entity(kind, name),
    )
    from graphsvc.core.evaluate import decided

    evaluation = world.evaluate(request, seq * 1000, seq=seq)
    world.apply(decided(evaluation), seq, evaluation)
    return evaluation


def test_reading_a_credential_that_completes_the_combination_is_denied() -> None:
    world = _world()
    assert _act(world, "bot", "s3:Get", "file:notes").verdict is Verdict.PERMIT
    stopped = _act(world, "bot", "s3:Get", "file:keys")
    assert stopped.verdict is Verdict.DENY
    assert [each.pattern for each in stopped.completions] == ["near", "passrole"]
    told = stopped.completions[1]
    assert told.key == {"role": "admin"}
    assert told.explanation == (
        "holding `bot`, `deployer`: iam:PassRole on `admin` + lambda:Create + lambda:Invoke let it act as `admin`"
    )
    assert [step.step for step in told.path] == ["holds bot", "holds deployer"]
    # What was denied is not held: the next action is judged without it.
    assert _act(world, "bot", "s3:Get", "file:notes").verdict is Verdict.PERMIT


def test_two_agents_of_one_session_hold_together_what_neither_holds_alone() -> None:
    world = _world()
    assert _act(world, "bot", "s3:Get", "file:notes").verdict is Verdict.PERMIT
    assert _act(world, "worker", "s3:Get", "file:notes", chain="d", session="other").verdict is Verdict.PERMIT
    joined = _act(world, "worker", "s3:Get", "file:notes", chain="child", session="c")
    assert [each.pattern for each in joined.completions] == ["near", "passrole"]


def test_what_a_subject_holds_from_the_start_is_no_verdict() -> None:
    world = _world()
    edge = Edge(type="GRANTED", start="identity:bot", end="permission:pass")
    world.apply(GraphStaged(at_ms=0, load="m", nodes=(), edges=(edge,)), world.seq + 1)
    world.apply(GraphCommitted(at_ms=0, load="m", source="s", replace=False), world.seq + 1)
    assert _act(world, "bot", "s3:Get", "file:notes").verdict is Verdict.PERMIT
    # It could become admin already; assuming it outright brings nothing that was out of reach.
    assert _act(world, "bot", "s3:Get", "file:notes").completions == ()


def test_assuming_an_identity_counts_as_holding_it() -> None:
    world = _world()
    stopped = _act(world, "bot", "sts:AssumeRole", "role:deployer")
    assert [each.pattern for each in stopped.completions] == ["near", "passrole"]


def test_a_snapshot_keeps_what_sessions_hold() -> None:
    world = _world(POLICY.replace("on_match: deny", "on_match: monitor").replace("escalate", "monitor"))
    assert _act(world, "bot", "s3:Get", "file:keys").verdict is Verdict.PERMIT
    again = restore(snapshot(world))
    assert snapshot(again) == snapshot(world)
    held = [getattr(each.cells["s:c"], "held", None) for each in (world, again)]
    assert held[0] == held[1] == (("identity:bot", "e4"), ("identity:deployer", "e4"))


def test_a_cancelled_action_no_longer_holds() -> None:
    from graphsvc.core.record import Cancelled

    world = _world(POLICY.replace("on_match: deny", "on_match: monitor").replace("escalate", "monitor"))
    _act(world, "bot", "s3:Get", "file:notes")
    read = _act(world, "bot", "s3:Get", "file:keys")
    world.apply(Cancelled(at_ms=9000, action=read.request.id), world.seq + 1)
    assert getattr(world.cells["s:c"], "held", None) == (("identity:bot", "e4"),)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("service_can_assume", "service_can_asume"), "did you mean `service_can_assume`?"),
        ((', "lambda.amazonaws.com")', ")"), 'is used as service_can_assume("$role", "lambda.amazonaws.com")'),
        (('service_can_assume("$role", "lambda.amazonaws.com")', "1 + 1"), "functions joined by &&"),
        (('{assume: "$role"}', '{assume: "$rule"}'), "a variable of this pattern: `$role`"),
        (("rights:", "within: 1h\n    rights:"), "`within` has no meaning beside `rights`"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place_and_the_fix(change: tuple[str, str], told: str) -> None:
    with pytest.raises(PolicyError, match=re.escape(told)) as caught:
        load_policy(POLICY.replace(*change), "esc.yaml")
    assert caught.value.line > 8


def test_the_request_is_its_own_value() -> None:
    """Judging changes nothing: the same question gives the same answer."""
    world = _world()
    first = _act(world, "bot", "s3:Get", "file:notes")
    request = replace(first.request, id="x", resource=Entity("file", "keys"))
    one, two = (world.evaluate(request, 90_000) for _ in range(2))
    assert (one.verdict, one.completions) == (two.verdict, two.completions)
