"""Facts that say the same are held once, and say what they said."""

from __future__ import annotations

import gc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphsvc.core import sharing as sharing_module
from graphsvc.core.adjacency import Adjacency
from graphsvc.core.graph import Edge, Node
from graphsvc.core.sharing import Sharing
from graphsvc.core.sources import Sources
from graphsvc.importers import graph_jsonl


def _apart(text: str) -> str:
    """An equal text that is another object."""
    return "".join(list(text))


def _permission(number: int) -> Node:
    return Node(key=f"permission:p{number}", fields={"actions": ["doc:Read"], "effect": "allow"})


def test_a_loaded_graph_shares_its_keys_and_equal_parts() -> None:
    """Ends of edges are the keys of their nodes, and permissions that allow the same have one set of fields."""
    sources = Sources()
    nodes = [Node(key=_apart("identity:alice")), _permission(1), _permission(2)]
    edges = [
        Edge(type=_apart("GRANTED"), start=_apart("identity:alice"), end=_apart(f"permission:p{number}"))
        for number in (1, 2)
    ]
    sources.load("import", nodes, edges, replace=True)
    first, second = (sources.node(f"permission:p{number}") for number in (1, 2))
    alice = sources.node("identity:alice")
    assert alice is not None
    assert first is not None
    assert second is not None
    assert first.fields is second.fields
    assert alice.properties is first.properties
    held = sources.out("GRANTED", "identity:alice")
    assert set(held) == {"permission:p1", "permission:p2"}
    assert all(edge.start is alice.key for edge in held.values())
    assert held["permission:p1"].end is first.key
    assert held["permission:p1"].type is held["permission:p2"].type


def test_what_was_read_shares_too() -> None:
    """Read and loaded facts lie beside each other for a while."""
    lines = ['{"node":{"type":"group","id":"g"}}']
    for name in ("a", "b"):
        lines.append(f'{{"node":{{"type":"identity","id":"{name}","kind":"human","status":"active"}}}}')
        lines.append(f'{{"edge":{{"type":"MEMBER_OF","from":"identity:{name}","to":"group:g"}}}}')
    read = graph_jsonl.read("\n".join(lines))
    one, other = (node for node in read.nodes if node.kind == "identity")
    assert one.fields is other.fields
    assert read.edges[0].end is read.edges[1].end
    sharing = Sharing()
    again = [sharing.node(node, {}) for node in read.nodes]
    assert all(mine is theirs for mine, theirs in zip(again, read.nodes, strict=True))


@pytest.mark.parametrize(
    ("one", "other"), [({"a": 1}, {"a": 1.0}), ({"a": 1}, {"a": True}), ({"a": 1, "b": 2}, {"b": 2, "a": 1})]
)
def test_what_only_compares_as_equal_is_not_shared(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Exports and snapshots write what was given, in the order in which it was."""
    sharing = Sharing()
    for given_ in (one, other):
        node = sharing.node(Node(key="group:g", properties=dict(given_)), {})
        assert str(node.properties) == str(given_)


def test_large_numbers_are_kept() -> None:
    """What does not fit 64 bits is not looked at, and stays."""
    assert Sharing().node(Node(key="group:g", fields={"n": 2**80}), {}).fields == {"n": 2**80}


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Large parts are not looked up, and with room for one of each nothing is said otherwise."""
    sharing, long = Sharing(), "x" * 300
    assert sharing.node(Node(key="group:g", fields={"text": long}), {}).fields["text"] is long
    monkeypatch.setattr(sharing_module, "_REMEMBERED", 1)
    for number in range(3):
        node = Node(key=f"group:{number}", labels=(f"l{number}",), fields={"n": number})
        assert sharing.node(node, {}) == node
        assert len(sharing._parts) == len(sharing._labels) == 1


def test_facts_cost_the_collector_nothing() -> None:
    """There are hundreds of thousands of them, and a collection looks at everything it knows of."""
    assert not gc.is_tracked(_permission(1))
    assert not gc.is_tracked(Edge(type="ON", start="permission:p", end="resource:doc:d"))


_ENDS = st.sampled_from(["a", "b", "c"])
_STEPS = st.lists(
    st.tuples(st.booleans(), st.sampled_from(["ON", "GRANTED"]), _ENDS, _ENDS, st.integers(0, 9))
)


@given(_STEPS)
def test_an_adjacency_is_a_dictionary_for_each_node(steps: list[tuple[bool, str, str, str, int]]) -> None:
    """However edges come, are replaced and go: the same edges in the same order, alone or with others."""
    held: dict[tuple[str, str], dict[str, Edge]] = {}
    adjacency = Adjacency(lambda edge: edge.end)
    for is_added, edge_type, start, end, number in steps:
        if is_added:
            edge = Edge(type=edge_type, start=start, end=end, properties={"n": number})
            held.setdefault((edge_type, start), {})[end] = edge
            adjacency.put(start, edge)
        else:
            held.get((edge_type, start), {}).pop(end, None)
            adjacency.drop(edge_type, start, end)
    for edge_type in ("ON", "GRANTED", "MEMBER_OF"):
        nodes = {start for (kind, start), ends in held.items() if kind == edge_type and ends}
        assert set(adjacency.nodes(edge_type)) == nodes
        for start in ("a", "b", "c"):
            expected = held.get((edge_type, start), {})
            assert list(adjacency.of(edge_type, start).items()) == list(expected.items())
    everything = {id(edge) for ends in held.values() for edge in ends.values()}
    assert {id(edge) for edge in adjacency} == everything
