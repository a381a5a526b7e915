"""The facts of the permission graph: nodes and edges as sources assert them, and their JSON Lines form.

Format: the interchange file of graphs. A node is named by its key, `<kind>:<id>`; a resource by
`resource:<type>:<id>`, split at the first two colons (a resource type holds no colon).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from graphsvc.core.value import Json
from graphsvc.errors import BadInput

__all__ = [
    "EDGE_TYPES",
    "NODE_KINDS",
    "TIERS",
    "Edge",
    "Node",
    "edge_from_record",
    "facts_of",
    "node_from_record",
    "node_key",
    "resource_key",
    "to_record",
    "to_records",
]

NODE_KINDS = ("identity", "group", "role", "permission", "resource", "action_type")
EDGE_TYPES = (
    "MEMBER_OF", "HAS_ROLE", "INHERITS", "GRANTED", "CAPPED_BY", "CAN_ASSUME", "ACTS_FOR", "KNOWS", "LINKED_TO",
    "OWNS", "ON", "CONTAINS", "HOLDS_CREDENTIAL", "RUNS_AS",
)  # fmt: skip
# From worthless to most valuable; a name outside this list ranks above `high` and below `crown-jewel`.
TIERS = ("low", "medium", "high", "crown-jewel")

_STRUCTURAL = frozenset({"type", "id", "resource_type", "labels", "tier", "properties"})
_GLOB_LISTS = ("actions", "except_actions", "resources", "except_resources")


class Node(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """What one source says of one node.

    key: `identity:alice`, `permission:p1`, `resource:mailbox:alice`, `action_type:mail:Send` ...
    labels, tier: of resources. fields: the other top-level fields of its record (an identity's `kind`,
    `status`, `name`, `aliases`; a permission's `actions`, `except_actions`, `resources`,
    `except_resources`, `effect`, `condition`, `native`, `fold`). properties: what the source adds.
    """

    key: str
    labels: tuple[str, ...] = ()
    tier: str | None = None
    fields: dict[str, Json] = {}
    properties: dict[str, Json] = {}

    @property
    def kind(self) -> str:
        """`identity`, `group`, `role`, `permission`, `resource` or `action_type`."""
        return self.key.partition(":")[0]

    @property
    def id(self) -> str:
        """The id without its kind; of a resource without its type too."""
        rest = self.key.partition(":")[2]
        return rest.partition(":")[2] if self.kind == "resource" else rest

    @property
    def resource_type(self) -> str | None:
        """A resource's type, else None."""
        return self.key.split(":", 2)[1] if self.kind == "resource" else None


class Edge(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """A relation that one source asserts between two node keys."""

    type: str
    start: str
    end: str
    properties: dict[str, Json] = {}


def node_key(kind: str, node_id: str) -> str:
    """The key of a node that is not a resource; an id that is already prefixed stays as it is."""
    return node_id if node_id.startswith(f"{kind}:") else f"{kind}:{node_id}"


def resource_key(resource_type: str, resource_id: str) -> str:
    """The key of a resource."""
    return f"resource:{resource_type}:{resource_id}"


def node_from_record(record: Mapping[str, Json], *, place: str = "node") -> Node:
    """The node of one `{"node": ...}` line; BadInput names the field under `place`."""
    kind, node_id = _text(record, "type", place), _text(record, "id", place)
    if kind not in NODE_KINDS:
        raise BadInput(f"{place}.type: `{kind}` is none of {', '.join(NODE_KINDS)}", field=f"{place}.type")
    if kind == "resource":
        resource_type = _text(record, "resource_type", place)
        if ":" in resource_type:
            raise BadInput(
                f"{place}.resource_type: `{resource_type}` holds a colon; a type may not",
                field=f"{place}.resource_type",
            )
        key = resource_key(resource_type, node_id)
    else:
        key = node_key(kind, node_id)
    fields = {name: value for name, value in record.items() if name not in _STRUCTURAL}
    if kind == "permission":
        _check_permission(fields, place)
    properties = record.get("properties") or {}
    if not isinstance(properties, dict):
        raise BadInput(f"{place}.properties: must be an object", field=f"{place}.properties")
    tier = record.get("tier")
    if tier is not None and not isinstance(tier, str):
        raise BadInput(f"{place}.tier: must be text or null", field=f"{place}.tier")
    labels = tuple(_texts(record.get("labels") or [], f"{place}.labels"))
    return Node(key=key, labels=labels, tier=tier, fields=fields, properties=properties)


def edge_from_record(record: Mapping[str, Json], *, place: str = "edge") -> Edge:
    """The edge of one `{"edge": ...}` line; BadInput names the field under `place`."""
    edge_type = _text(record, "type", place)
    if edge_type not in EDGE_TYPES:
        raise BadInput(
            f"{place}.type: `{edge_type}` is none of {', '.join(EDGE_TYPES)}", field=f"{place}.type"
        )
    ends = []
    for name in ("from", "to"):
        key = _text(record, name, place)
        kind, _, rest = key.partition(":")
        if kind not in NODE_KINDS or not rest or (kind == "resource" and ":" not in rest):
            raise BadInput(
                f"{place}.{name}: `{key}` is not a node key such as identity:alice or resource:mailbox:alice",
                field=f"{place}.{name}",
            )
        ends.append(key)
    properties = record.get("properties") or {}
    if not isinstance(properties, dict):
        raise BadInput(f"{place}.properties: must be an object", field=f"{place}.properties")
    return Edge(type=edge_type, start=ends[0], end=ends[1], properties=properties)


def facts_of(records: Sequence[object]) -> tuple[list[Node], list[Edge]]:
    """Nodes and edges of graph records; BadInput names the record's place."""
    nodes: list[Node] = []
    edges: list[Edge] = []
    for place, record in enumerate(records):
        where = f"records.{place}"
        if isinstance(record, dict) and isinstance(record.get("node"), dict):
            nodes.append(node_from_record(record["node"], place=f"{where}.node"))
        elif isinstance(record, dict) and isinstance(record.get("edge"), dict):
            edges.append(edge_from_record(record["edge"], place=f"{where}.edge"))
        else:
            raise BadInput(f"{where}: must be an object with `node` or `edge`", field=where)
    return nodes, edges


def to_record(item: Node | Edge) -> dict[str, Json]:
    """The JSON Lines record of a fact; reading it again gives an equal fact."""
    if isinstance(item, Edge):
        edge: dict[str, Json] = {"type": item.type, "from": item.start, "to": item.end}
        if item.properties:
            edge["properties"] = item.properties
        return {"edge": edge}
    node: dict[str, Json] = {"type": item.kind, "id": item.id, **item.fields}
    if item.kind == "resource":
        node = {"type": "resource", "resource_type": item.resource_type, "id": item.id, **item.fields}
        node["labels"] = list(item.labels)
        node["tier"] = item.tier
    if item.properties:
        node["properties"] = item.properties
    return {"node": node}


def to_records(nodes: Iterable[Node], edges: Iterable[Edge]) -> list[dict[str, Json]]:
    """The records of a whole graph, nodes before edges."""
    return [*map(to_record, nodes), *map(to_record, edges)]


def _check_permission(fields: Mapping[str, Json], place: str) -> None:
    if fields.get("effect", "allow") not in ("allow", "deny"):
        raise BadInput(
            f"{place}.effect: `{fields['effect']}` is neither allow nor deny", field=f"{place}.effect"
        )
    for name in _GLOB_LISTS:
        _texts(fields.get(name) or [], f"{place}.{name}")


def _text(record: Mapping[str, Json], name: str, place: str) -> str:
    value = record.get(name)
    if not isinstance(value, str) or not value:
        raise BadInput(f"{place}.{name}: must be text that is not empty", field=f"{place}.{name}")
    return value


def _texts(value: Json, place: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise BadInput(f"{place}: must be a list of texts", field=place)
    return [item for item in value if isinstance(item, str)]
