"""Damaged input: whatever stands where something else should, importers refuse or skip it by name."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from graphsvc.core.graph import edge_from_record, node_from_record, to_record
from graphsvc.errors import BadInput
from graphsvc.importers import kubernetes, mcp, opengraph, table
from graphsvc.importers.result import Imported

API = "rbac.authorization.k8s.io"
CLUSTER = {
    "apiVersion": "v1",
    "kind": "List",
    "items": [
        {"apiVersion": f"{API}/v1", "kind": "ClusterRole", "metadata": {"name": "r", "labels": {"a": "b"}},
         "rules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"], "resourceNames": ["x"]},
                   {"verbs": ["get"], "nonResourceURLs": ["/x"]}]},
        {"apiVersion": f"{API}/v1", "kind": "ClusterRole", "metadata": {"name": "s"}, "rules": None,
         "aggregationRule": {"clusterRoleSelectors": [
             {"matchLabels": {"a": "b"}, "matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]}]}},
        {"apiVersion": f"{API}/v1", "kind": "RoleBinding", "metadata": {"name": "b", "namespace": "n"},
         "roleRef": {"apiGroup": API, "kind": "ClusterRole", "name": "s"},
         "subjects": [{"kind": "ServiceAccount", "name": "j", "namespace": "n"}, {"kind": "User", "name": "ann"}]},
        {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token",
         "metadata": {"name": "t", "namespace": "n", "annotations": {"kubernetes.io/service-account.name": "j"}}},
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "n"}, "spec": {
            "serviceAccountName": "j", "nodeName": "n1", "imagePullSecrets": [{"name": "t"}],
            "volumes": [{"secret": {"secretName": "t"}}, {"hostPath": {"path": "/"}},
                        {"projected": {"sources": [{"secret": {"name": "t"}}, {"serviceAccountToken": {}}]}}],
            "containers": [{"image": "i", "envFrom": [{"secretRef": {"name": "t"}}],
                            "env": [{"valueFrom": {"secretKeyRef": {"name": "t"}}}],
                            "securityContext": {"privileged": True, "capabilities": {"add": ["BPF"]}}}]}},
    ],
}  # fmt: skip
GRAPH = {
    "metadata": {"source_kind": "x"},
    "graph": {
        "nodes": [
            {"id": "1", "kinds": ["User"], "properties": {"name": "a"}},
            {"id": "identity%3Ab", "kinds": ["GraphsvcIdentity", "Graphsvc"], "properties": {
                "key": "identity:b", "labels": ["l"], "tier": "high", "field_kind": "human", "propjson_x": "{}"}},
        ],
        "edges": [
            {"kind": "Knows", "start": {"value": "1"}, "end": {"match_by": "id", "value": "identity%3Ab"}},
            {"kind": "Owns", "start": {"match_by": "name", "value": "a", "kind": "User"}, "end": {
                "match_by": "property", "property_matchers": [{"key": "name", "operator": "equals", "value": "a"}]},
             "properties": {"x": 1}},
        ],
    },
}  # fmt: skip
TOOLS = {
    "result": {"nextCursor": None, "tools": [
        {"name": "t", "title": "T", "description": "d", "outputSchema": {}, "inputSchema": {"properties": {"a": {}}},
         "annotations": {"readOnlyHint": True, "title": "x"}}]},
}  # fmt: skip
MAPPING = {
    "types": {"a": {"list": ";"}, "b": "number"},
    "separator": ",",
    "rows": [
        {"each": "a", "node": {"type": "group", "id": "{a}", "properties": {"b": "{b}"}}},
        {
            "when": {"b": "1"},
            "optional": True,
            "edge": {"type": "KNOWS", "from": "group:{a}", "to": "group:x"},
        },
    ],
}
DECLARATIONS = {"tools": {"t": {"effects": ["read"], "labels": ["x"], "arguments": {"a": "content"}}}}

_junk = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.just(""), st.just("a:b*?/"), st.just("{"),
    st.just([]), st.just({}), st.just([None]), st.just(["x"]), st.just({"": None}), st.just([[]]), st.just(1.5),
    st.just("\u0000\ud7ff"), st.just("%ZZ%3A"), st.just("identity:"), st.just("x" * 300),
)  # fmt: skip


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner: Any = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    return [path, *(place for name, each in inner for place in _places(each, (*path, name)))]


def _damaged(whole: Any) -> st.SearchStrategy[Any]:
    def put(changes: list[tuple[tuple[Any, ...], Any]]) -> Any:
        damaged = copy.deepcopy(whole)
        for path, shared in changes:
            junk = copy.deepcopy(shared)
            if not path:
                return junk
            holder = damaged
            for name in path[:-1]:
                try:
                    holder = holder[name]
                except (KeyError, IndexError, TypeError):
                    break
            if isinstance(holder, dict):
                if junk == "%ZZ%3A":
                    holder.pop(path[-1], None)
                else:
                    holder[path[-1]] = junk
            elif isinstance(holder, list) and isinstance(path[-1], int) and path[-1] < len(holder):
                holder[path[-1]] = junk
        return damaged

    change = st.tuples(st.sampled_from(_places(whole)), _junk)
    return st.lists(change, min_size=1, max_size=3).map(put)


def _kubernetes(document: Any, strict: bool) -> Imported:
    return kubernetes.read([(json.dumps(document), "f.yaml")], cluster="c", strict=strict)


def _opengraph(document: Any, strict: bool) -> Imported:
    return opengraph.read([(json.dumps(document), "f.json")], strict=strict)


def _mcp(document: Any, strict: bool) -> Imported:
    return mcp.read([(json.dumps(document), "f.json")], server="s", strict=strict)


def _declarations(document: Any, strict: bool) -> Imported:
    declared = mcp.read_declarations(json.dumps(document), "f.json")
    return mcp.read([(json.dumps(TOOLS), "t.json")], server="s", declarations=declared, strict=strict)


def _table(document: Any, strict: bool) -> Imported:
    mapping = table.read_table_mapping(json.dumps(document), "f.json")
    rows = '{"a":"x;y","b":1}\n{"a":["z"],"b":"7"}\n{"a":{"c":1}}\n'
    return table.read([(rows, "t.jsonl")], table.jsonl_rows, mapping, strict=strict)


def _text(text: str, strict: bool) -> Imported:
    return kubernetes.read([(text, "f.yaml")], cluster="c", strict=strict)


def _tried(read: Callable[[Any, bool], Imported], document: Any, strict: bool) -> Imported | str:
    """The facts, or the text of the refusal; anything else is a defect."""
    try:
        return read(document, strict)
    except BadInput as error:
        return str(error)


@pytest.mark.parametrize(
    ("whole", "read"),
    [
        (CLUSTER, _kubernetes),
        (GRAPH, _opengraph),
        (TOOLS, _mcp),
        (MAPPING, _table),
        (DECLARATIONS, _declarations),
    ],
)
@settings(max_examples=200)
@given(st.data())
def test_damage_is_bad_input_or_a_valid_graph(
    whole: Any, read: Callable[..., Imported], data: st.DataObject
) -> None:
    """With parts replaced or gone, input is refused as bad input, or gives facts that the graph takes."""
    document = data.draw(_damaged(whole))
    for strict in (True, False):
        imported = _tried(read, document, strict)
        if isinstance(imported, str):
            assert "\n" not in imported
            continue
        keys = {node.key for node in imported.nodes}
        for node in imported.nodes:
            assert node_from_record(to_record(node)["node"]).key == node.key  # type: ignore[arg-type]  # a record
        for edge in imported.edges:
            edge_from_record(to_record(edge)["edge"])  # type: ignore[arg-type]  # a record
            assert {edge.start, edge.end} <= keys


@given(st.text())
@example("{{}}: [}")
@example("\t")
@example("&a *a")
@example("- !!set {a}")
@example("!!binary aGk=")
@example("1: 2")
@example("a: .nan\nb: 0o7\nc: 1_000")
def test_no_text_breaks_the_yaml_reader(text: str) -> None:
    """Any text is YAML of ours or bad input."""
    tried = _tried(_text, text, False)
    assert not isinstance(tried, str) or "\n" not in tried


def test_undamaged_input_is_read_whole() -> None:
    """What the damage is done to is valid: nothing of it is skipped."""
    for whole, read in ((CLUSTER, _kubernetes), (GRAPH, _opengraph), (TOOLS, _mcp)):
        assert read(whole, True).report.skipped == ()
