"""The interchange file of graphs: what is written is read back, and bad lines are named."""

from __future__ import annotations

import pytest
from hypothesis import given

from graphsvc.core.graph import Edge, Node
from graphsvc.errors import BadInput
from graphsvc.importers import graph_jsonl
from tests.importers.sample import graphs

ANN = '{"node":{"type":"identity","id":"ann"}}'
BOX = '{"node":{"type":"resource","resource_type":"mailbox","id":"a:b","labels":["x"],"tier":"high"}}'


@given(graphs())
def test_round_trip(graph: tuple[list[Node], list[Edge]]) -> None:
    """Any graph is read back as it was written, and written to the same bytes in whatever order it came."""
    nodes, edges = graph
    text = "".join(graph_jsonl.write(nodes, edges))
    again = graph_jsonl.read(text, "g.jsonl")
    assert {node.key: node for node in again.nodes} == {node.key: node for node in nodes}
    assert list(again.edges) == sorted(edges, key=lambda edge: (edge.type, edge.start, edge.end))
    assert "".join(graph_jsonl.write(reversed(nodes), reversed(edges))) == text


def test_unknown_fields_are_kept() -> None:
    """Fields that the format does not name survive reading and writing, on nodes and on edges."""
    edge = '{"edge":{"type":"OWNS","from":"identity:ann","to":"resource:mailbox:a:b","since":2020},"origin":"hr"}'
    node = '{"node":{"type":"identity","id":"ann","badge":7,"resource_type":"odd"}}'
    first = graph_jsonl.read([node, BOX, edge])
    again = graph_jsonl.read("".join(graph_jsonl.write(first.nodes, first.edges)))
    assert (again.nodes, again.edges) == (first.nodes, first.edges)
    assert again.edges[0].properties == {"since": 2020, "origin": "hr"}
    assert {"badge": 7, "resource_type": "odd"}.items() <= again.nodes[0].fields.items()


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        "{}",
        '{"node":1}',
        '{"node":{"type":"person","id":"a"}}',
        '{"node":{"type":"identity"}}',
        '{"node":{"type":"identity","id":"a"},"edge":{}}',
        '{"node":{"type":"identity","id":"b"},"id":"c"}',
        '{"edge":{"type":"LIKES","from":"identity:ann","to":"identity:ann"}}',
        '{"edge":{"type":"OWNS","from":"identity:ann","to":"mailbox"}}',
        '{"edge":{"type":"OWNS","from":"identity:ann","to":"identity:nobody"}}',
        '{"edge":{"type":"OWNS","from":"identity:ann","to":"identity:ann","x":1,"properties":{"x":2}}}',
        ANN,
    ],
)
def test_bad_line_is_named_and_refused_or_skipped(line: str) -> None:
    """A bad line refuses the file by file and line, or is the only one skipped when that is asked for."""
    with pytest.raises(BadInput, match=r"g\.jsonl:3") as caught:
        graph_jsonl.read([ANN, "", line], "g.jsonl")
    assert "\n" not in str(caught.value)
    imported = graph_jsonl.read([ANN, "", line], "g.jsonl", strict=False)
    assert [skip.place for skip in imported.report.skipped] == ["g.jsonl:3"]
    assert [node.key for node in imported.nodes] == ["identity:ann"]


def test_edge_may_come_before_its_nodes_or_end_at_known_ones() -> None:
    """Lines come in any order, and an edge may end at a node that is stored already."""
    edge = '{"edge":{"type":"OWNS","from":"identity:ann","to":"resource:mailbox:a:b"}}'
    assert len(graph_jsonl.read([edge, ANN, BOX]).edges) == 1
    assert len(graph_jsonl.read([edge, ANN], known=lambda key: key == "resource:mailbox:a:b").edges) == 1
