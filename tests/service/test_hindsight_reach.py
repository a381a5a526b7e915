"""Without which edge a session would not have come near a tier: asked of the service, over GraphQL and on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from graphsvc.core.graph import Edge, Node
from graphsvc.decide.command import Answer
from graphsvc.explore.counterfactual import Counterfactual
from graphsvc.store.memory import open_memory
from tests.api.served import served
from tests.cli.command import graphsvc, request
from tests.service.harness import ADMIN, Harness, serving

PACK = """
graphsvc: 1
pack: {id: near, version: "1"}
actions:
  "s3:Get": {effects: [read]}
patterns:
  - id: near
    on_match: deny
    reach: {tier: crown-jewel, nearer_than: 3}
"""
Triple = tuple[str, str, str]
READ = ("GRANTED", "identity:bot", "permission:read")
KEYS = ("HOLDS_CREDENTIAL", "resource:file:keys", "identity:deployer")
# The deployer may become the keeper, as a member of a group that may; the keeper's role is for the ledger.
WAY = (
    ("MEMBER_OF", "identity:deployer", "group:ops"),
    ("CAN_ASSUME", "group:ops", "identity:keeper"),
    ("HAS_ROLE", "identity:keeper", "role:books"),
    ("GRANTED", "role:books", "permission:ledger"),
)
ANOTHER = ("GRANTED", "identity:deployer", "permission:ledger")
NODES = (
    *(Node(key=f"identity:{name}", fields={"kind": "service"}) for name in ("bot", "deployer", "keeper")),
    Node(key="group:ops"),
    Node(key="role:books"),
    Node(key="permission:read", fields={"actions": ["s3:Get"], "resources": ["file:*"]}),
    Node(key="permission:ledger", fields={"actions": ["db:Read"], "resources": ["db:ledger"]}),
    Node(key="resource:db:ledger", tier="crown-jewel"),
    Node(key="resource:file:keys"),
)
HUNG = """query($id: ID!) { decision(id: $id) { counterfactuals { pattern single { type from to } repair { to } earlier
  steps { step decision action party single { type from to } cut { to } } } } }"""


async def _read_keys(harness: Harness, *edges: Triple) -> Answer:
    """A note and then the deployer's credential are read by the bot, where these edges are."""
    await harness.service.publish_policy(ADMIN, [(PACK, "near.yaml")], "")
    links = [Edge(type=kind, start=start, end=end) for kind, start, end in (*edges, KEYS, READ)]
    await harness.service.load_graph(ADMIN, "test", list(NODES), links, replace=True)
    await harness.act("s3:Get", "file:notes")
    return await harness.act("s3:Get", "file:keys")


async def _completes(*edges: Triple) -> bool:
    async with serving(await open_memory()) as harness:
        return (await _read_keys(harness, *edges)).decision.completions != ()


async def _hung_on(*edges: Triple) -> Counterfactual:
    async with serving(await open_memory()) as harness:
        answer = await _read_keys(harness, *edges)
        await harness.service.load_graph(ADMIN, "test", [], [], replace=True)
        (found,) = await harness.service.hindsight.counterfactuals(answer.decision.request.id)
        return found


@pytest.mark.anyio
async def test_coming_near_names_the_edges_without_which_it_vanishes() -> None:
    """The action judged anew without an edge completes nothing exactly when that edge was named: M12."""
    found = await _hung_on(*WAY)
    assert set(found.single) == set(WAY)
    for edge in WAY:
        assert not await _completes(*(each for each in WAY if each != edge)), edge
    assert len(found.repair) == 1
    (step,) = found.steps
    assert (step.step, step.action_name, step.party) == ("holds deployer", "reach crown-jewel", "deployer")
    assert found.earlier == ()


@pytest.mark.anyio
async def test_where_two_ways_lead_there_the_smallest_repair_takes_both() -> None:
    """No edge alone is named; one of each way is what goes."""
    found = await _hung_on(*WAY, ANOTHER)
    assert found.single == ()
    assert ANOTHER in found.repair
    assert len(found.repair) == 2
    assert not await _completes(*(each for each in (*WAY, ANOTHER) if each not in found.repair))


@pytest.mark.anyio
async def test_over_graphql() -> None:
    """What it hung on, and who of the session is near by itself."""
    async with served(prepared=False) as service:
        answer = await _read_keys(service.harness, ANOTHER)
        name = f"decision:{answer.decision.request.id}"
        told = await service.post(HUNG, "auditor", variables={"id": name})
        edge = {"type": "GRANTED", "from": "identity:deployer", "to": "permission:ledger"}
        assert told["data"]["decision"]["counterfactuals"] == [
            {
                "pattern": "near",
                "single": [edge],
                "repair": [{"to": "permission:ledger"}],
                "earlier": [],
                "steps": [
                    {
                        "step": "holds deployer", "decision": name, "action": "reach crown-jewel",
                        "party": "identity:deployer", "single": [edge], "cut": [{"to": "permission:ledger"}],
                    }
                ],
            }
        ]  # fmt: skip


def test_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`explain --counterfactual` says it in a line for each edge."""
    monkeypatch.chdir(tmp_path)
    lines = [
        {"node": {"type": "identity", "id": name, "kind": "service"}}
        if kind == "identity"
        else {"node": {"type": "resource", "resource_type": "db", "id": "ledger", "tier": "crown-jewel"}}
        if name == "db:ledger"
        else {"node": {"type": "resource", "resource_type": "file", "id": "keys"}}
        if kind == "resource"
        else {"node": {"type": kind, "id": name, **node.fields}}
        for node in NODES
        for kind, _, name in (node.key.partition(":"),)
    ]
    edges = [{"edge": {"type": kind, "from": start, "to": end}} for kind, start, end in (*WAY, KEYS, READ)]
    Path("estate.jsonl").write_text("".join(json.dumps(each) + "\n" for each in (*lines, *edges)))
    Path("near.yaml").write_text(PACK)
    assert graphsvc("import", "jsonl", "estate.jsonl", "--source", "hr").code == 0
    assert graphsvc("policy", "publish", "near.yaml").code == 0
    Path("request.json").write_text(json.dumps(request("s3:Get", "file:keys")))
    ended = graphsvc("decide", "request.json", "--format", "json")
    assert ended.json()["verdict"] == "DENY"
    told = graphsvc("explain", ended.json()["id"], "--counterfactual")
    for kind, start, end in WAY:
        assert f"near: without {start} -{kind}-> {end} this path does not exist" in told.out
