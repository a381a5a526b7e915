"""Combinations of rights: what they give is told, bounds say that they cut something off, and unknown stays unknown."""

from __future__ import annotations

import pytest

from graphsvc.core.estate import Estate
from graphsvc.core.gain import closure as closures
from graphsvc.core.gain.closure import Closures
from graphsvc.core.gain.gains import Gains
from graphsvc.core.gain.telling import completions_of_grant, tell_firing
from graphsvc.core.graph import Edge, Node
from graphsvc.core.policy.load import load_policy
from graphsvc.core.rights import Rights
from graphsvc.core.ruleset import compile_ruleset
from graphsvc.core.value import Json

HELD = frozenset(("identity:u",))
PACK = """
graphsvc: 1
pack: {id: t, version: "1"}
patterns:
  - {id: own, on_match: deny, rights: {all_of: [{right: "a:Make", on: $r}, {right: "a:Run", on: $r}], gives: {right: "b:Own", on: $r}}}
  - {id: show, on_match: monitor, rights: {all_of: [{right: "b:Own"}], gives: {right: "b:Show"}}}
  - {id: all, on_match: deny, rights: {all_of: [{right: "b:Show"}, {right: "a:Seal"}], gives: {admin: true}}}
  - id: apart
    on_match: deny
    rights:
      all_of: [{right: "a:Make", on: $r}]
      where: '(runs_as("$r", "$i") || holds_credential("$r", "$i")) && !(runs_as("$r", "$i") && trusts("$i", "$self"))'
"""


def _closures(actions: list[Json], resources: int) -> Closures:
    nodes = [Node(key=f"resource:doc:d{number}") for number in range(resources)]
    given: dict[str, Json] = {"actions": actions, "resources": ["doc:*"], "effect": "allow"}
    nodes += [Node(key="identity:u"), Node(key="permission:p", fields=given)]
    nodes.append(Node(key="identity:i"))
    edges = [Edge(type="GRANTED", start="identity:u", end="permission:p")]
    if resources > 1:
        edges.append(Edge(type="RUNS_AS", start="resource:doc:d1", end="identity:i"))
    estate = Estate()
    estate.load("s", nodes, edges, replace=True)
    return Gains(compile_ruleset([load_policy(PACK, "t.yaml")]), estate, Rights(estate)).closures


def test_what_a_combination_gives_is_told() -> None:
    """A right on something, a right everywhere, everything, or nothing but the combination itself."""
    firings = _closures(["a:*"], 2).of(HELD).firings
    told = {tell_firing(firing) for firing in firings.values()}
    assert {
        "a:Make on `doc:d0` + a:Run on `doc:d0` give b:Own on `doc:d0`",
        "b:Own give b:Show",
        "b:Show + a:Seal give everything",
    } <= told
    assert "a:Make on `doc:d1` together" in told


def test_what_only_watches_is_no_reason_against_a_grant() -> None:
    """Of the combinations that a grant would complete those that deny or escalate are told."""
    firings = list(_closures(["a:*"], 1).of(HELD).firings.values())
    assert {firing.rule.pattern.id for firing in firings} == {"own", "show", "all"}
    assert [each.pattern for each in completions_of_grant(firings, ["bot"])] == ["own", "all"]


def test_looking_for_combinations_is_bounded_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where too many values come together the closure is marked: there may be more than was found."""
    whole = _closures(["a:*"], 8).of(HELD)
    assert not whole.truncated
    monkeypatch.setattr(closures, "_MAX_BINDINGS", 3)
    monkeypatch.setattr(closures, "_MEMO_LIMIT", 1)
    found = _closures(["a:*"], 8).of(HELD)
    assert found.truncated
    assert len(found.firings) < len(whole.firings)
