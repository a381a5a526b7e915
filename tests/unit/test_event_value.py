"""Values that keys of patterns name, and what keeps them within bounds."""

from __future__ import annotations

import pytest

from graphsvc.core import dispatch, permission_index, ruleset
from graphsvc.core import rights as rights_module
from graphsvc.core.estate import Estate
from graphsvc.core.graph import Edge, Node
from graphsvc.core.rights import Rights
from graphsvc.core.value import Json
from tests.unit.lived import Record, act, evaluations, last, policy

BOT: Record = {"node": {"type": "identity", "id": "bot", "kind": "agent", "properties": {"team": {"name": "red"}, "desk": 4}}}  # fmt: skip
BOX: Record = {"node": {"type": "resource", "resource_type": "box", "id": "b1", "tier": "gold", "properties": {"site": "x"}}}  # fmt: skip


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("context.a", 1),
        ("context.b.c", "deep"),
        ("context.b", None),
        ("context.a.c", None),
        ("chain", "c"),
        ("session", "c"),
        ("principal", "bot"),
        ("action.name", "m:Read"),
        ("action.properties.n", 7),
        ("subject.id", "bot"),
        ("subject.type", "agent"),
        ("subject.kind", "agent"),
        ("subject.properties.team.name", "red"),
        ("subject.properties.desk", 4),
        ("subject.properties.said", "so"),
        ("resource.id", "b1"),
        ("resource.type", "box"),
        ("resource.tier", "gold"),
        ("resource.properties.site", "x"),
    ],
)
def test_every_path_of_a_key_has_its_value(path: str, value: Json) -> None:
    """What the graph says of somebody wins over what the caller sends; an object is no value."""
    line = act("e1", context={"a": 1, "b": {"c": "deep"}})
    line["action"] = {"name": "m:Read", "properties": {"n": 7}}
    line["subject"] = {"type": "agent", "id": "bot", "properties": {"desk": 5, "said": "so"}}
    answer = last(policy(), line, graph=(BOT, BOX))
    assert answer.event.value(tuple(path.split("."))) == value


def test_what_is_remembered_of_actions_and_labels_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """With room for one of each the answers are the same."""
    rules = policy({"id": "p", "on_match": "deny", "steps": {"s": {"action": "m:*", "labels": ["hot"]}}})
    trace = [act(f"e{number}", f"m:{number % 3}", number, labels=["hot"] * (number % 2)) for number in range(6)]  # fmt: skip
    before = [each.verdict for each in evaluations(rules, *trace)]
    monkeypatch.setattr(ruleset, "_MEMO_LIMIT", 1)
    monkeypatch.setattr(dispatch, "_MEMO_LIMIT", 1)
    assert [each.verdict for each in evaluations(rules, *trace)] == before
    assert {each.value for each in before} == {"PERMIT", "DENY"}


def test_what_is_remembered_of_rights_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """With room for one action and one place the answers are the same."""
    monkeypatch.setattr(permission_index, "_MANY_ACTIONS", 1)
    monkeypatch.setattr(permission_index, "_MANY_PLACES", 1)
    estate = Estate()
    fields: dict[str, Json] = {"actions": ["a", "b"], "resources": ["doc:1", "doc:2"]}
    nodes = [Node(key="identity:i"), Node(key="permission:p", fields=fields)]
    edge = Edge(type="GRANTED", start="identity:i", end="permission:p")
    estate.load("s", nodes, [edge], replace=True)
    rights = Rights(estate)
    for action in ("a", "b", "a", "c"):
        for place in ("doc:1", "doc:2", "doc:3"):
            allowed = rights.check("identity:i", action, f"resource:{place}").allowed
            assert allowed is (action != "c" and place != "doc:3")


def test_what_is_remembered_of_places_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who acts in one folder after another is allowed in those that a permission names, with room for one of them."""
    monkeypatch.setattr(rights_module, "_MANY_PLACES", 1)
    nodes: list[Record] = [{"type": "identity", "id": "bot", "kind": "agent"}]
    nodes.append({"type": "permission", "id": "p", "actions": ["m:*"], "resources": ["folder:1", "folder:2"]})
    edges: list[Record] = [{"type": "GRANTED", "from": "identity:bot", "to": "permission:p"}]
    for number in range(1, 4):
        nodes.append({"type": "resource", "resource_type": "box", "id": f"b{number}"})
        edges.append(
            {"type": "CONTAINS", "from": f"resource:folder:{number}", "to": f"resource:box:b{number}"}
        )
    graph = (*({"node": node} for node in nodes), *({"edge": edge} for edge in edges))
    boxes = [1, 2, 3, 1, 2]
    trace = [
        act(f"e{at}", second=at, resource={"type": "box", "id": f"b{box}"}) for at, box in enumerate(boxes)
    ]
    answers = evaluations(policy(entitlement="required"), *trace, graph=graph)
    assert [each.verdict.value == "PERMIT" for each in answers] == [box != 3 for box in boxes]


def test_more_changes_than_are_told_one_by_one_are_followed_all_the_same() -> None:
    """Whoever comes late to a graph looks at all of it."""
    estate = Estate()
    nodes = [Node(key="identity:i"), Node(key="permission:p", fields={"actions": ["a"], "resources": ["*"]})]
    estate.load("s", nodes, [], replace=True)
    rights = Rights(estate)
    assert not rights.check("identity:i", "a", "resource:doc:1").allowed
    for number in range(300):
        estate.load("s", [Node(key=f"group:g{number}")], [], replace=False)
    estate.load("s", [], [Edge(type="GRANTED", start="identity:i", end="permission:p")], replace=False)
    assert rights.check("identity:i", "a", "resource:doc:1").allowed
