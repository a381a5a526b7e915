"""Tables by a mapping: what rows give, and errors that name row, column and fix."""

from __future__ import annotations

import json
import random

import pytest

from graphsvc.errors import BadInput
from graphsvc.importers import graph_jsonl
from graphsvc.importers.result import Imported
from graphsvc.importers.table import csv_rows, jsonl_rows, read, read_table_mapping

MAPPING = """
[types]
groups = {list = ";"}
age = "number"
active = "boolean"

[[rows]]
node = {type = "identity", id = "{login}", kind = "human", name = "{name}", aliases = ["email:{mail}"], properties = {age = "{age}", active = "{active}", note = "{{{name}}}"}}

[[rows]]
each = "groups"
node = {type = "group", id = "{groups}"}

[[rows]]
each = "groups"
edge = {type = "MEMBER_OF", from = "identity:{login}", to = "group:{groups}"}

[[rows]]
when = {box = ["shared", "own"]}
node = {type = "resource", resource_type = "mailbox", id = "{login}", labels = ["{box}"]}
"""
TABLE = """login,name,mail,groups,age,active,box
ann,"Ann, A.",ann@x.example,ops; dev,41,yes,shared
bob,,,dev,,no,none
"""


def _read(text: str = TABLE, mapping: str = MAPPING, strict: bool = True) -> Imported:
    return read([(text, "t.csv")], csv_rows, read_table_mapping(mapping, "m.toml"), strict=strict)


def test_a_row_gives_the_nodes_and_edges_of_the_mapping() -> None:
    """Cells become ids, fields, typed properties, one fact for each item of a list, and only where `when` holds."""
    imported = _read()
    nodes = {node.key: node for node in imported.nodes}
    assert list(nodes) == ["group:dev", "group:ops", "identity:ann", "identity:bob", "resource:mailbox:ann"]
    ann, bob = nodes["identity:ann"], nodes["identity:bob"]
    assert ann.fields == {"kind": "human", "name": "Ann, A.", "aliases": ["email:ann@x.example"]}
    assert ann.properties == {"age": 41, "active": True, "note": "{Ann, A.}"}
    assert bob.fields == {"kind": "human", "aliases": []}
    assert bob.properties == {"active": False}
    assert nodes["resource:mailbox:ann"].labels == ("shared",)
    assert [(edge.start, edge.end) for edge in imported.edges] == [
        ("identity:ann", "group:dev"),
        ("identity:ann", "group:ops"),
        ("identity:bob", "group:dev"),
    ]
    assert imported.report.counts["rows"] == 2


def test_yaml_and_toml_mappings_and_json_lines_say_the_same() -> None:
    """The same mapping as YAML, and the same rows as JSON Lines with lists and paths, give the same graph."""
    as_yaml = """
types: {groups: {list: ";"}, age: number, active: boolean}
rows:
  - node: {type: identity, id: "{login}", kind: human, name: "{name}", aliases: ["email:{mail}"], properties: {age: "{age}", active: "{active}", note: "{{{name}}}"}}
  - {each: groups, node: {type: group, id: "{groups}"}}
  - {each: groups, edge: {type: MEMBER_OF, from: "identity:{login}", to: "group:{groups}"}}
  - {when: {box: [shared, own]}, node: {type: resource, resource_type: mailbox, id: "{login}", labels: ["{box}"]}}
"""
    rows = [
        {"login": "ann", "name": "Ann, A.", "mail": "ann@x.example", "groups": ["ops", "dev"], "age": 41,
         "active": True, "box": "shared"},
        {"login": "bob", "groups": "dev", "active": False},
    ]  # fmt: skip
    text = "\n".join(map(json.dumps, rows))
    again = read([(text, "t.jsonl")], jsonl_rows, read_table_mapping(as_yaml, "m.yaml"))
    assert (again.nodes, again.edges) == (_read().nodes, _read().edges)
    nested = 'rows: [{node: {type: identity, id: "{user.login}"}}]'
    deep = read([('{"user":{"login":7}}', "t.jsonl")], jsonl_rows, read_table_mapping(nested, "m.yaml"))
    assert [node.key for node in deep.nodes] == ["identity:7"]


def test_order_of_rows_does_not_matter_and_export_gives_it_back() -> None:
    """Shuffled rows give the same graph, which survives the interchange file."""
    header, *rows = TABLE.splitlines()
    rows += [f"u{number},,,g{number % 3},,," for number in range(20)]
    first = _read("\n".join([header, *rows]))
    for seed in range(5):
        random.Random(seed).shuffle(rows)
        again = _read("\n".join([header, *rows]))
        assert (again.nodes, again.edges) == (first.nodes, first.edges)
    back = graph_jsonl.read("".join(graph_jsonl.write(first.nodes, first.edges)))
    assert (back.nodes, back.edges) == (first.nodes, first.edges)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (",x,,,,,", r"column `login` is empty, but rows\[0\]\.node\.id needs it; fill it in"),
        ("eve,x,,,old,,", r"column `age`: `old` is no number; write one"),
        ("eve,x,,,nan,,", r"column `age`: `nan` is no number"),
        ("eve,x,,,,perhaps,", r"column `active`: `perhaps` is neither true nor false"),
        ("eve,x", r"has 2 cells, the header 7; put"),
        ("ann,Other,,,,,", r"says otherwise of `identity:ann` than t\.csv:2; make them agree"),
    ],
)
def test_a_bad_row_is_named_and_refused_or_skipped(row: str, told: str) -> None:
    """A bad row refuses the table by file, line, column and fix; leniently only its fact is left out."""
    with pytest.raises(BadInput, match=rf"^t\.csv:4: {told}"):
        _read(TABLE + row + "\n")
    imported = _read(TABLE + row + "\n", strict=False)
    assert {skip.place for skip in imported.report.skipped} == {"t.csv:4"}
    assert {node.key for node in _read().nodes} <= {node.key for node in imported.nodes}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty; its first line must name the columns"),
        ("login,login\n", "column `login` is named twice"),
        ("name,mail\n", "there is no column `login`"),
        (TABLE + 'eve,"x\n', "not CSV"),
    ],
)
def test_a_bad_table_is_refused(text: str, told: str) -> None:
    """A table that is none, or lacks a column of the mapping, is refused even leniently."""
    with pytest.raises(BadInput, match=told):
        _read(text, strict=False)


@pytest.mark.parametrize(
    ("mapping", "told"),
    [
        ("rows = 1", "rows"),
        ("rows = []", "rows: say what a row gives"),
        ('[[rows]]\nnode = {type = "person", id = "x"}', r"rows\[0\]\.node\.type: `person` is none of"),
        ('[[rows]]\nnode = {type = "group"}', "must have `id`"),
        ('[[rows]]\nedge = {type = "MEMBER_OF", from = "a"}', "must have `to`"),
        ('[[rows]]\nwhen = {a = "b"}', "exactly one of `node` and `edge`"),
        ('[[rows]]\nnode = {type = "group", id = "{x"}', "lone brace"),
        ('[[rows]]\neach = "x"\nnode = {type = "group", id = "{x}"}\n[types]\nx = "number"', "to be divided"),
        ('[[rows]]\nnode = {type = "group", id = "{x}"}\n[types]\nx = "date"', "types.x"),
        ('[[rows]]\nnod = {type = "group", id = "{x}"}', "nod"),
    ],
)
def test_a_bad_mapping_is_named(mapping: str, told: str) -> None:
    """What is wrong in a mapping is told before any row is read."""
    with pytest.raises(BadInput, match=told):
        read_table_mapping(mapping, "m.toml")


def test_a_cell_that_makes_no_id_names_its_column() -> None:
    """A cell with which a fact cannot be made is told with its column."""
    mapping = 'rows: [{node: {type: resource, resource_type: "{kind}", id: "{name}"}}]'
    with pytest.raises(BadInput, match=r"t\.csv:2: column `kind`: .*holds a colon"):
        read([("kind,name\na:b,c\n", "t.csv")], csv_rows, read_table_mapping(mapping, "m.yaml"))


def test_edges_may_end_at_nodes_of_the_graph_only() -> None:
    """An edge to a node that neither the table nor the graph holds is named."""
    mapping = 'rows: [{edge: {type: OWNS, from: "identity:{who}", to: "resource:box:{what}"}}]'
    files = [("who,what\nann,b1\n", "t.csv")]
    with pytest.raises(BadInput, match=r"t\.csv:2: the edge refers to the unknown node `identity:ann`"):
        read(files, csv_rows, read_table_mapping(mapping, "m.yaml"))
    found = read(files, csv_rows, read_table_mapping(mapping, "m.yaml"), known=lambda _key: True)
    assert len(found.edges) == 1


def test_an_error_names_one_fix() -> None:
    """What a column lacks is said with what to do about it, and no second advice after that."""
    with pytest.raises(BadInput) as caught:
        read(
            [(TABLE.replace("yes", "maybe").encode(), "t.csv")],
            csv_rows,
            read_table_mapping(MAPPING, "m.toml"),
        )
    assert (
        str(caught.value) == "t.csv:2: column `active`: `maybe` is neither true nor false; write one of them"
    )
