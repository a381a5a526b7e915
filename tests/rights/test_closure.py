"""Closures of rights rules against the naive fixpoint."""

from __future__ import annotations

import json
import random

import pytest

from graphsvc.core.graph import Edge, Node
from graphsvc.core.policy.load import load_policy
from graphsvc.core.value import Json
from graphsvc.explore.estate_view import view_of
from tests.rights.closure_fuzz import check_closures


@pytest.mark.parametrize("seed", range(40))
def test_closures_are_those_of_the_fixpoint_after_every_edit(seed: int) -> None:
    assert check_closures(random.Random(seed), edits=5) == 15


def test_rules_fire_and_give_rise_to_others() -> None:
    counts: dict[str, int] = {}
    rng = random.Random(11)
    for _ in range(60):
        check_closures(rng, edits=5, counts=counts)
    assert counts["firings"] > 400, counts
    assert counts["chained"] > 20, counts


def test_what_speaks_of_its_holder_is_asked_again_after_every_change() -> None:
    """A permission in the words of another system may ask who holds it: what one held before a change is not what one holds."""
    both = load_policy(
        """
graphsvc: 1
pack: {id: two, version: "1"}
patterns:
  - id: both
    on_match: deny
    rights: {all_of: [{right: "a:Make"}, {right: "a:Run"}], gives: {admin: true}}
""",
        "two.yaml",
    )
    actions = ("a:Make", "a:Run")
    grants = [Edge(type="GRANTED", start="identity:u", end=f"permission:{action}") for action in actions]
    nodes = [Node(key="identity:u"), *map(_asking_who, actions)]
    view = view_of(nodes, grants, [both])
    estate, source = view.estate, view.estate.sources[-1]
    assert view.rights.held("identity:u").personal
    assert view.firings("identity:u")[1]
    estate.amend(source, add=[], remove={("GRANTED", "identity:u", "permission:a:Run")})
    assert not view.firings("identity:u")[1]
    estate.amend(source, add=[grants[1]], remove=set())
    assert view.firings("identity:u")[1]


def _asking_who(action: str) -> Node:
    statement = {"Action": action, "Effect": "Allow", "Condition": {"StringLike": {"aws:x": "y"}}}
    native: dict[str, Json] = {"text": json.dumps(statement), "condition_keys": ["aws:x"]}
    fields: dict[str, Json] = {"actions": [action], "effect": "allow", "resources": ["*"], "native": native}
    return Node(key=f"permission:{action}", fields=fields)
