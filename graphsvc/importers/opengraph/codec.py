"""Ids and properties as OpenGraph can hold them, and back.

Source: the OpenGraph schemas of nodes and edges. An id holds no colon; a property is text, a number, a boolean
or a list of one of these, never an object or null, and never called `objectid`. So ids are written with
`%3A`, and values go under a prefix that says what they are: `field_`, `prop_` for values that fit,
`fieldjson_`, `propjson_` for the JSON text of all others.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from urllib.parse import unquote

import msgspec

from graphsvc.core.graph import Node, node_from_record
from graphsvc.core.value import Json
from graphsvc.errors import BadInput
from graphsvc.importers.text import parse_json

__all__ = [
    "KINDS",
    "MARK",
    "decode_edge",
    "decode_node",
    "encode_edge",
    "encode_ids",
    "encode_node",
    "is_own",
    "key_of",
]

# The kind that our own nodes carry beside what they are.
MARK = "Graphsvc"
KINDS = {
    "identity": "GraphsvcIdentity", "group": "GraphsvcGroup", "role": "GraphsvcRole",
    "permission": "GraphsvcPermission", "resource": "GraphsvcResource", "action_type": "GraphsvcActionType",
}  # fmt: skip
_PLAIN = (str, int, float)


def encode_ids(keys: Iterable[str]) -> dict[str, str]:
    """Keys without colons, different also when compared in upper case, as BloodHound does.

    Keys that differ in case alone get the hash of the key behind a `~`.
    """
    plain = {key: _encode_id(key) for key in keys}
    often = Counter(node_id.upper() for node_id in plain.values())
    return {
        key: node_id
        if often[node_id.upper()] == 1
        else f"{node_id}~{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"
        for key, node_id in plain.items()
    }


def _encode_id(key: str) -> str:
    return key.replace("%", "%25").replace(":", "%3A").replace("~", "%7E")


def encode_node(node: Node) -> dict[str, Json]:
    """The properties of a node; `name` and `displayname` are for people alone."""
    name = node.fields.get("name")
    shown = name if isinstance(name, str) and name else node.id
    properties: dict[str, Json] = {"key": node.key, "name": shown, "displayname": shown}
    if node.labels:
        properties["labels"] = list(node.labels)
    if node.tier is not None:
        properties["tier"] = node.tier
    return properties | _encoded("field", node.fields) | _encoded("prop", node.properties)


def encode_edge(properties: Mapping[str, Json]) -> dict[str, Json]:
    """The properties of an edge."""
    return _encoded("prop", properties)


def is_own(kinds: list[str], properties: Mapping[str, Json]) -> bool:
    """True for a node that `encode_node` wrote."""
    return MARK in kinds and isinstance(properties.get("key"), str)


def decode_node(properties: Mapping[str, Json], place: str) -> Node:
    """A node that `encode_node` wrote; BadInput when somebody made it impossible."""
    key = str(properties["key"])
    kind, _, node_id = key.partition(":")
    fields = _decoded("field", properties, place)
    record: dict[str, Json] = {"type": kind, "id": node_id, "properties": _decoded("prop", properties, place)}
    if kind == "resource":
        record["resource_type"], _, record["id"] = node_id.partition(":")
    record |= {name: properties[name] for name in ("labels", "tier") if name in properties}
    node = node_from_record({**fields, **record}, place=place)
    return msgspec.structs.replace(node, fields=fields)


def decode_edge(properties: Mapping[str, Json], place: str) -> dict[str, Json]:
    """An edge's properties."""
    return _decoded("prop", properties, place)


def key_of(node_id: str) -> str:
    """The key that an id of our own stands for."""
    return unquote(node_id.partition("~")[0])


def _encoded(what: str, values: Mapping[str, Json]) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for name, value in values.items():
        if _fits(value):
            found[f"{what}_{name}"] = value
        else:
            found[f"{what}json_{name}"] = msgspec.json.encode(value, order="sorted").decode()
    return found


def _fits(value: Json) -> bool:
    if isinstance(value, list):
        return (
            all(isinstance(item, str) for item in value)
            or all(isinstance(item, bool) for item in value)
            or all(isinstance(item, int | float) and not isinstance(item, bool) for item in value)
        )
    return isinstance(value, _PLAIN)


def _decoded(what: str, properties: Mapping[str, Json], place: str) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for name, value in properties.items():
        if name.startswith(f"{what}_"):
            found[name.removeprefix(f"{what}_")] = value
        elif name.startswith(f"{what}json_"):
            if not isinstance(value, str):
                raise BadInput(f"{place}.{name}: must be JSON text", field=f"{place}.{name}")
            found[name.removeprefix(f"{what}json_")] = parse_json(value, f"{place}.{name}")
    return found
