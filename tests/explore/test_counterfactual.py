"""Law M12: without a counterfactual grant the path does not exist; and the repair is the smallest there is."""

from __future__ import annotations

import json
import random
from itertools import combinations
from pathlib import Path

import pytest
from typer.testing import CliRunner

from graphsvc.cli.main import app
from graphsvc.core.estate import Estate
from graphsvc.core.rights import Rights
from graphsvc.explore.counterfactual import EdgeTriple, _ways, hangs_on, smallest_cut
from tests.rights import estate_cases as cases
from tests.rights.definition import World, may


def _without(world: World, edges: tuple[EdgeTriple, ...]) -> World:
    gone = set(edges)
    return World(world.statements, {link: level for link, level in world.links.items() if link not in gone})


@pytest.mark.parametrize("seed", range(60))
def test_m12_counterfactual_edges_and_the_smallest_cut(seed: int) -> None:
    """M12: without an edge that it hung on alone, or without the repair, it is not permitted; one edge fewer is not enough."""
    rng = random.Random(seed)
    world = cases.some_world(rng)
    world.links = {link: level for link, level in world.links.items() if link[0] != "CAPPED_BY"}
    world.statements = {name: each for name, each in world.statements.items() if not each.deny}
    estate = Estate()
    estate.load("s", *cases.facts_of(world), replace=True)
    rights = Rights(estate)
    for identity in cases.IDENTITIES:
        for action in cases.ACTIONS:
            resource = rng.choice(cases.RESOURCES)
            # A condition counts as met here: the path was permitted.
            context = {"mfa": True, "level": 3}
            if may(world, identity, action, resource, context) != "yes":
                continue
            plain = World(
                {n: each for n, each in world.statements.items() if each.condition is None}, world.links
            )
            if may(plain, identity, action, resource, None) != "yes" or len(plain.statements) < len(
                world.statements
            ):
                continue
            ways = _ways(identity, action, resource, estate, rights)
            single = hangs_on(ways, identity)
            for edge in world.links:
                still = may(_without(world, (edge,)), identity, action, resource, context) == "yes"
                if edge[0] in ("GRANTED", "MEMBER_OF", "HAS_ROLE", "INHERITS"):
                    assert still is (edge not in single), (edge, single)
            cut = smallest_cut(ways, identity)
            assert may(_without(world, cut), identity, action, resource, context) == "no"
            edges = [edge for edge in ways if edge[2] != "*"]
            for smaller in combinations(edges, len(cut) - 1):
                assert may(_without(world, smaller), identity, action, resource, context) == "yes"


POLICY = """
graphsvc: 1
pack: {id: p, version: "1"}
patterns:
  - id: pair
    on_match: deny
    steps:
      one: {action: "crm:Read", then: two}
      two: {action: "mail:Send"}
"""


def test_explain_names_the_grants_a_path_hangs_on(tmp_path: Path) -> None:
    """Two groups give the first right, one permission the second: only that one is counterfactual."""
    lines = [
        {"node": {"type": "identity", "id": "ann", "kind": "human", "status": "active"}},
        {"node": {"type": "group", "id": "a"}},
        {"node": {"type": "group", "id": "b"}},
        {"node": {"type": "permission", "id": "read", "actions": ["crm:Read"], "resources": ["*"]}},
        {"node": {"type": "permission", "id": "send", "actions": ["mail:Send"], "resources": ["*"]}},
    ]
    for kind, start, end in (
        ("MEMBER_OF", "identity:ann", "group:a"), ("MEMBER_OF", "identity:ann", "group:b"),
        ("GRANTED", "group:a", "permission:read"), ("GRANTED", "group:b", "permission:read"),
        ("GRANTED", "identity:ann", "permission:send"),
    ):  # fmt: skip
        lines.append({"edge": {"type": kind, "from": start, "to": end}})
    (tmp_path / "g.jsonl").write_text("\n".join(map(json.dumps, lines)))
    (tmp_path / "p.yaml").write_text(POLICY)
    store = ("--store", f"sqlite:///{tmp_path / 'g.db'}")

    def run(*arguments: str, code: int = 0, given: str | None = None) -> str:
        result = CliRunner().invoke(app, [*arguments, *store], input=given)
        assert result.exit_code == code, result.output
        return result.stdout

    run("import", "jsonl", str(tmp_path / "g.jsonl"), "--source", "s")
    run("policy", "publish", str(tmp_path / "p.yaml"))
    ask = {"chain": "c", "subject": {"type": "human", "id": "ann"}, "resource": {"type": "doc", "id": "1"}}
    run("decide", "-", given=json.dumps({**ask, "action": {"name": "crm:Read"}, "idempotencyKey": "1"}))
    send = json.dumps({**ask, "action": {"name": "mail:Send"}, "idempotencyKey": "2"})
    denied = json.loads(run("decide", "-", "--format", "json", given=send, code=1))
    told = json.loads(run("explain", denied["id"], "--counterfactual", "--format", "json"))
    (found,) = told["counterfactual"]
    only = {"type": "GRANTED", "from": "identity:ann", "to": "permission:send"}
    assert found["pattern"] == "pair"
    assert found["single"] == [only]
    assert found["repair"] == [only]
    text = run("explain", denied["id"], "--counterfactual")
    assert "without identity:ann -GRANTED-> permission:send this path does not exist" in text
