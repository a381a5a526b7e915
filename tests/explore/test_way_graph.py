"""Ways through groups and permissions are the hops that are found one by one."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from graphsvc.core.graph import Edge, Node
from graphsvc.core.policy.load import load_policy
from graphsvc.core.value import Json
from graphsvc.explore.estate_view import EstateView, view_of
from graphsvc.explore.hop_graph import hop_graph
from graphsvc.explore.way_graph import WayGraph, way_graph
from tests.explore.generated import PACK, estate

_PACK = load_policy(
    """
graphsvc: 1
pack: {id: more, version: "1"}
patterns:
  - id: pair
    title: T
    severity: high
    on_match: escalate
    rights:
      all_of: [{right: "app:A", on: "$x"}, {right: "app:A", on: "$y"}]
      where: 'runs_as("$x", "$r") && holds_credential("$y", "$s")'
      gives: {assume: "$r"}
  - id: own
    title: T
    severity: high
    on_match: escalate
    rights:
      all_of: [{right: "app:B"}]
      where: 'trusts("$r", "$self")'
      gives: {assume: "$r"}
""",
    "more.yaml",
)


def _special(seed: int) -> tuple[list[Node], list[Edge]]:
    """A denial, a condition, a whole permission and a cap, to somebody; a trust with a statement, and one of anybody."""
    rng = random.Random(seed)
    nodes, edges = estate(seed)
    holders = [node.key for node in nodes if node.kind in ("identity", "group", "role")]
    kinds: list[dict[str, Json]] = [
        {"actions": ["app:A"], "resources": ["*"], "effect": "deny"},
        {"actions": ["app:*"], "resources": ["thing:*"], "condition": "context.mfa == true"},
        {"actions": ["*"], "resources": ["*"]},
        {"actions": ["app:B", "app:D"], "resources": ["thing:t1", "thing:t2"]},
    ]
    for number, fields in enumerate(kinds):
        if rng.random() < 0.5:
            nodes.append(Node(key=f"permission:s{number}", fields=fields))
            kind = "CAPPED_BY" if number == 3 and rng.random() < 0.5 else "GRANTED"
            edges.append(Edge(type=kind, start=rng.choice(holders), end=f"permission:s{number}"))
    if rng.random() < 0.3:
        given: dict[str, Json] = {
            "statements": [{"condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}]
        }
        start = rng.choice(holders)
        end = rng.choice([key for key in holders if key.startswith("identity:") and key != start])
        edges = [each for each in edges if (each.type, each.start, each.end) != ("CAN_ASSUME", start, end)]
        edges.append(Edge(type="CAN_ASSUME", start=start, end=end, properties=given))
    if rng.random() < 0.2:
        edges.append(Edge(type="CAN_ASSUME", start="identity:*", end="identity:p3"))
    return nodes, edges


def _ends(graph: WayGraph, key: str) -> set[str]:
    return {graph.names[end] for end in graph.ends(graph.numbers[key])} - {key}


def _view(seed: int) -> EstateView:
    nodes, edges = _special(seed)
    return view_of(nodes, edges, [PACK, _PACK])


@given(st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_one_hop_leads_where_it_leads_from_each_by_itself(seed: int) -> None:
    """With denials, conditions, caps and trusts that ask, and rules over one right or several."""
    view = _view(seed)
    starts = view.identities()
    one_by_one, together = hop_graph(view, starts), way_graph(view, starts)
    assert together.complete
    found = {key: _ends(together, key) for key in one_by_one.hops}
    assert found == {key: {hop.end for hop in hops} - {key} for key, hops in one_by_one.hops.items()}


def test_what_is_not_looked_at_for_want_of_time_is_said() -> None:
    view = _view(1)
    graph = way_graph(view, view.identities(), is_over=lambda: True)
    assert not graph.complete
    assert len(graph.steps) == len(graph.names)
