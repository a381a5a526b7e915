"""OpenGraph in and out: nothing is lost on the way, and foreign graphs mean what their mapping says."""

from __future__ import annotations

import io
import json
import random
import zipfile
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given

from graphsvc.core.graph import Edge, Node
from graphsvc.errors import BadInput
from graphsvc.importers import aws, graph_jsonl, kubernetes, opengraph
from graphsvc.importers.result import Imported
from tests.importers.sample import graphs

ANN = {"id": "1", "kinds": ["Person"], "properties": {"name": "ANN"}}
BOX = {"id": "2", "kinds": ["Mail Box"], "properties": {"name": "BOX", "size": 3}}


def _edge(kind: str, start: Any = "1", end: Any = "2", **more: Any) -> dict[str, Any]:
    def side(value: Any) -> Any:
        return value if isinstance(value, dict) else {"value": value}

    return {"kind": kind, "start": side(start), "end": side(end), **more}


def _text(nodes: Any = (ANN, BOX), edges: Any = ()) -> str:
    return json.dumps({"graph": {"nodes": nodes, "edges": edges}})


def _read(nodes: Any = (ANN, BOX), edges: Any = (), **more: Any) -> Imported:
    return opengraph.read([(_text(nodes, edges), "g.json")], **more)


def _written(imported: Imported) -> str:
    return "".join(opengraph.write(imported.nodes, imported.edges))


@given(graphs())
def test_any_graph_comes_back_as_it_was(graph: tuple[list[Node], list[Edge]]) -> None:
    """Whatever a graph holds, it is read back equal, and written to the same bytes in any order."""
    nodes, edges = graph
    text = "".join(opengraph.write(nodes, edges))
    again = opengraph.read([(text, "g.json")])
    assert {node.key: node for node in again.nodes} == {node.key: node for node in nodes}
    assert list(again.edges) == sorted(edges, key=lambda edge: (edge.type, edge.start, edge.end))
    assert "".join(opengraph.write(reversed(nodes), reversed(edges))) == text


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["aws/account-large.json", "kubernetes/ingress-nginx-deploy.yaml"])
def test_real_estates_fit_the_published_schemas_and_come_back(real_data: Path, name: str) -> None:
    """Every node and edge of an exported estate is valid OpenGraph, holds no colon in its id, and comes back."""
    data = (real_data / name).read_bytes()
    first = aws.read(data, name) if name.startswith("aws") else kubernetes.read([(data, name)], cluster="c")
    graph = json.loads(_written(first))["graph"]
    for part in ("node", "edge"):
        schema = json.loads((real_data / "opengraph" / f"opengraph-{part}.json").read_text())
        validator = jsonschema.Draft202012Validator(schema)
        assert [error.message for item in graph[f"{part}s"] for error in validator.iter_errors(item)] == []
    assert not any(":" in node["id"] for node in graph["nodes"])
    again = opengraph.read([(_written(first), "g.json")])
    assert (again.nodes, again.edges) == (first.nodes, first.edges)
    assert _written(again) == _written(first)


@pytest.mark.real_data
def test_published_example(real_data: Path) -> None:
    """The minimal file of the specification: two people, one of whom knows the other."""
    file = real_data / "opengraph" / "opengraph-minimal.json"
    imported = opengraph.read([(file.read_bytes(), file.name)])
    assert [(node.key, node.fields["name"]) for node in imported.nodes] == [
        ("identity:123", "BOB"),
        ("identity:234", "ALICE"),
    ]
    assert [(edge.type, edge.start, edge.end) for edge in imported.edges] == [
        ("KNOWS", "identity:123", "identity:234")
    ]


def test_ids_differ_in_upper_case_too() -> None:
    """BloodHound compares ids in upper case: keys that differ in case alone have ids that differ in more."""
    nodes = [Node(key=f"identity:{name}") for name in ("ann", "Ann", "ANN", "a~b", "A~b", "bob")]
    text = "".join(opengraph.write(nodes, [Edge(type="KNOWS", start=nodes[0].key, end=nodes[1].key)]))
    ids = [node["id"] for node in json.loads(text)["graph"]["nodes"]]
    assert len({node_id.upper() for node_id in ids}) == len(nodes)
    assert "identity%3Abob" in ids
    again = opengraph.read([(text, "g.json")])
    assert [edge.end for edge in again.edges] == ["identity:Ann"]


def test_a_foreign_graph_survives_export_and_import() -> None:
    """What was read of another tool comes back equal after an export."""
    first = _read(edges=[_edge("Owns", properties={"since": 2020})])
    again = opengraph.read([(_written(first), "g.json")])
    assert (again.nodes, again.edges) == (first.nodes, first.edges)
    assert first.edges[0].properties == {"since": 2020}


def test_order_of_nodes_and_edges_does_not_matter() -> None:
    """Shuffled nodes and edges give the same graph."""
    nodes = [{"id": str(number), "kinds": ["User"]} for number in range(9)]
    edges = [_edge("Knows", str(number), str(number + 1)) for number in range(8)]
    first = _read(nodes, edges)
    for seed in range(5):
        random.Random(seed).shuffle(nodes)
        random.Random(seed).shuffle(edges)
        assert _read(nodes, edges) == first


def test_edges_find_their_ends_by_id_name_and_properties() -> None:
    """An end is named by id, by a name that is unique among nodes of a kind, or by properties."""
    twin = {"id": "3", "kinds": ["Robot"], "properties": {"name": "ANN"}}
    by_name = {"match_by": "name", "value": "ANN", "kind": "Person"}
    by_property = {
        "match_by": "property",
        "property_matchers": [{"key": "size", "operator": "equals", "value": 3}],
    }
    (edge,) = _read([ANN, BOX, twin], [_edge("Owns", by_name, by_property)]).edges
    assert (edge.start, edge.end) == ("identity:1", "resource:mail_box:2")
    with pytest.raises(BadInput, match="fits 2 nodes"):
        _read([ANN, BOX, twin], [_edge("Owns", {"match_by": "name", "value": "ANN"}, "2")])


def test_edges_without_meaning_are_told_and_give_nothing() -> None:
    """An edge of an unknown kind is no right; it is counted and noted."""
    imported = _read(edges=[_edge("AdminTo")])
    assert imported.edges == ()
    assert imported.report.counts["edges_without_meaning"] == 1
    assert "`AdminTo`" in imported.report.notes[0]


@pytest.mark.parametrize("file", ["m.toml", "m.yaml"])
def test_a_mapping_says_what_kinds_mean(file: str) -> None:
    """Kinds of nodes become ours, and edges become edges of ours or rights."""
    text = {
        "m.toml": '[nodes]\n"Mail Box" = "resource:host"\n[edges]\nAdminTo = {action = "host:Admin"}\n'
        'OwnedBy = {type = "OWNS", reverse = true}\nNoise = {ignore = true}\n',
        "m.yaml": 'nodes: {"Mail Box": "resource:host"}\nedges:\n  AdminTo: {action: "host:Admin"}\n'
        "  OwnedBy: {type: OWNS, reverse: true}\n  Noise: {ignore: true}\n",
    }[file]
    mapping = opengraph.read_mapping(text, file)
    edges = [_edge("AdminTo"), _edge("OwnedBy", "2", "1"), _edge("Noise")]
    imported = _read(edges=edges, mapping=mapping)
    (permission,) = [node for node in imported.nodes if node.kind == "permission"]
    assert permission.fields["actions"] == ["host:Admin"]
    assert [(edge.type, edge.start, edge.end) for edge in imported.edges] == [
        ("GRANTED", "identity:1", permission.key),
        ("ON", permission.key, "resource:host:2"),
        ("OWNS", "identity:1", "resource:host:2"),
    ]
    assert imported.report.notes == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[nodes\n", "line 1"),
        ('[nodes]\nA = "thing"', "nodes.A"),
        ("[edges]\nA = {}", "edges.A"),
        ('[edges]\nA = {type = "LIKES"}', "LIKES"),
        ('[edges]\nA = {typo = "x"}', "typo"),
    ],
)
def test_a_bad_mapping_is_named(text: str, told: str) -> None:
    """What is wrong in a mapping file is told."""
    with pytest.raises(BadInput, match=told):
        opengraph.read_mapping(text, "m.toml")


@pytest.mark.parametrize(
    ("nodes", "edges"),
    [
        ([{"kinds": []}], []),
        ([{"id": "1", "kinds": ["a", "b", "c", "d"]}], []),
        ([{"id": "1", "kinds": ["A"], "properties": {"objectid": "x"}}], []),
        ([{"id": "1", "kinds": ["A"], "properties": {"x": {"y": 1}}}], []),
        ([ANN, ANN], []),
        (["node"], []),
        ([ANN], [_edge("Knows", "1", "9")]),
        ([ANN], [_edge("has space", "1", "1")]),
        ([ANN], [{"kind": "Knows", "start": {"value": "1"}}]),
        ([ANN], [_edge("Knows", {"match_by": "age", "value": "1"}, "1")]),
    ],
)
def test_malformed_parts_are_named_and_refused_or_skipped(nodes: Any, edges: Any) -> None:
    """A malformed node or edge refuses the file by its place, or is the only one left out."""
    with pytest.raises(BadInput, match=r"g\.json\.graph\.(nodes|edges)\[\d\]"):
        _read(nodes, edges)
    assert len(_read(nodes, edges, strict=False).report.skipped) == 1


def test_zips_are_read_and_nested_ones_refused() -> None:
    """Files in a zip are one graph; a zip in a zip is refused."""

    def zipped(**files: str) -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as packed:
            for name, text in files.items():
                packed.writestr(name.replace("_", "."), text)
        return out.getvalue()

    data = zipped(a_json=_text([BOX], []), b_json=_text([ANN], [_edge("Owns")]))
    assert len(opengraph.read([(data, "g.zip")]).edges) == 1
    with pytest.raises(BadInput, match="holds another zip"):
        opengraph.read([(zipped(a_zip="x"), "g.zip")])


def test_edges_may_end_at_nodes_of_the_graph() -> None:
    """An id that the input lacks may name a node that the graph holds already."""
    text = json.loads(_written(graph_jsonl.read('{"node":{"type":"identity","id":"a:b"}}')))
    node_id = text["graph"]["nodes"][0]["id"]
    known = {"identity:a:b"}.__contains__
    imported = _read([ANN], [_edge("Knows", "1", node_id)], known=known)
    assert [edge.end for edge in imported.edges] == ["identity:a:b"]
