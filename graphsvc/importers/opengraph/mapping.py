"""What the kinds of another tool's graph mean here: a table built in, which a mapping file extends.

[nodes]
Computer = "resource:host"          # identity, group, role, or resource:TYPE
[edges]
AdminTo = {action = "host:Admin"}   # a right: may do this to the end
SyncedTo = {type = "LINKED_TO"}     # an edge of ours
CanRDP = {type = "OWNS", reverse = true}
Trace = {ignore = true}
"""

from __future__ import annotations

import re

import msgspec

from graphsvc.core.graph import EDGE_TYPES
from graphsvc.core.value import Json
from graphsvc.errors import BadInput
from graphsvc.importers.settings_text import read_settings

__all__ = ["EdgeMeaning", "Mapping", "read_mapping"]

_NODE_KINDS = ("identity", "group", "role")
_TYPE = re.compile(r"resource:[^:\s]+")


class EdgeMeaning(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """type: an edge of ours; action: a right to do this to the end; ignore: neither, on purpose."""

    type: str | None = None
    action: str | None = None
    reverse: bool = False
    ignore: bool = False


class Mapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Meanings by kind. Kinds of nodes without one become resources of a type named after them."""

    nodes: dict[str, str] = {}
    edges: dict[str, EdgeMeaning] = {}

    def node(self, kinds: list[str]) -> str:
        """`identity`, `group`, `role` or `resource:TYPE` for a node; its first kind that is known decides."""
        for kind in kinds:
            for table in (self.nodes, _NODES):
                if kind in table:
                    return table[kind]
        first = kinds[0] if kinds else "node"
        return f"resource:{re.sub(r'[^a-z0-9_]+', '_', first.lower()).strip('_') or 'node'}"

    def edge(self, kind: str) -> EdgeMeaning | None:
        """What an edge means, None when nobody said."""
        if kind in self.edges:
            return self.edges[kind]
        if kind in EDGE_TYPES:
            return EdgeMeaning(type=kind)
        folded = kind.replace("_", "").lower()
        return EdgeMeaning(type=_EDGES[folded]) if folded in _EDGES else None


# Names that mean the same in any tool.
_NODES = {
    "Person": "identity", "User": "identity", "AZUser": "identity", "ServiceAccount": "identity",
    "ServicePrincipal": "identity", "AZServicePrincipal": "identity", "Group": "group", "AZGroup": "group",
    "Team": "group", "Role": "role", "AZRole": "role",
}  # fmt: skip
_EDGES = {
    "memberof": "MEMBER_OF", "azmemberof": "MEMBER_OF", "hasrole": "HAS_ROLE", "azhasrole": "HAS_ROLE",
    "knows": "KNOWS", "owns": "OWNS", "azowns": "OWNS", "contains": "CONTAINS", "azcontains": "CONTAINS",
    "canassume": "CAN_ASSUME", "actsfor": "ACTS_FOR", "runsas": "RUNS_AS", "azrunsas": "RUNS_AS",
    "linkedto": "LINKED_TO",
}  # fmt: skip


def read_mapping(data: bytes | str, file: str) -> Mapping:
    """A mapping file (TOML or YAML); BadInput names what is wrong in it."""
    value: Json = read_settings(data, file)
    try:
        mapping = msgspec.convert(value, Mapping)
    except msgspec.ValidationError as error:
        raise BadInput(f"`{file}`: {error}; see docs/importers.md", field=file) from None
    for kind, meaning in mapping.nodes.items():
        if meaning not in _NODE_KINDS and not _TYPE.fullmatch(meaning):
            raise BadInput(
                f"`{file}`: nodes.{kind}: `{meaning}` is none of {', '.join(_NODE_KINDS)} and resource:TYPE",
                field=f"nodes.{kind}",
            )
    for kind, edge in mapping.edges.items():
        given = [edge.type is not None, edge.action is not None, edge.ignore]
        if sum(given) != 1:
            raise BadInput(
                f"`{file}`: edges.{kind}: give exactly one of type, action and ignore", field=f"edges.{kind}"
            )
        if edge.type is not None and edge.type not in EDGE_TYPES:
            raise BadInput(
                f"`{file}`: edges.{kind}.type: `{edge.type}` is none of {', '.join(EDGE_TYPES)}",
                field=f"edges.{kind}.type",
            )
    return mapping
