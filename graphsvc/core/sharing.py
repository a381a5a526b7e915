"""Equal parts of facts kept once: of a service with a large graph, facts are most of what it holds in memory.

A permission is granted to somebody on something, and named by both edges; ten thousand of them allow the same action.
What was read or decoded has a text of its own at each of these places.

INVARIANT: facts are never changed in place, so nobody notices what is shared.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from graphsvc.core.graph import EDGE_TYPES, Edge, Node
from graphsvc.core.value import Json

__all__ = ["Sharing"]

_NOTHING: dict[str, Json] = {}
_TYPES = {each: each for each in EDGE_TYPES}
# Parts larger than this many bytes are seldom equal; so many are remembered before all are forgotten.
_SMALL = 256
_REMEMBERED = 4_096


class Sharing:
    """Remembers small parts that were seen lately."""

    def __init__(self) -> None:
        self._parts: dict[bytes, dict[str, Json]] = {}
        self._labels: dict[tuple[str, ...], tuple[str, ...]] = {}

    def node(self, node: Node, known: Mapping[str, Node]) -> Node:
        """An equal node, itself if it shares everything already. known: nodes by key, whose keys it takes over."""
        there = known.get(node.key)
        key = node.key if there is None else there.key
        labels, fields, properties = (
            self._labelled(node.labels),
            self._part(node.fields),
            self._part(node.properties),
        )
        is_same = key is node.key and labels is node.labels
        if is_same and fields is node.fields and properties is node.properties:
            return node
        return Node(key=key, labels=labels, tier=node.tier, fields=fields, properties=properties)

    def edge(self, edge: Edge, *known: Mapping[str, Node]) -> Edge:
        """An equal edge, itself if it shares everything already. known: nodes by key, whose keys are its ends."""
        edge_type, properties = _TYPES.get(edge.type, edge.type), self._part(edge.properties)
        start, end = _key(edge.start, known), _key(edge.end, known)
        is_same = edge_type is edge.type and start is edge.start and end is edge.end
        if is_same and properties is edge.properties:
            return edge
        return Edge(type=edge_type, start=start, end=end, properties=properties)

    def _labelled(self, labels: tuple[str, ...]) -> tuple[str, ...]:
        if len(self._labels) >= _REMEMBERED:
            self._labels.clear()
        return self._labels.setdefault(labels, labels)

    def _part(self, given: dict[str, Json]) -> dict[str, Json]:
        if not given:
            return _NOTHING
        try:
            # With the order of its names, which exports keep; and other than equality this tells 1, 1.0 and true apart.
            packed = msgspec.msgpack.encode(given)
        except (OverflowError, ValueError):
            return given
        if len(packed) > _SMALL:
            return given
        if len(self._parts) >= _REMEMBERED:
            self._parts.clear()
        return self._parts.setdefault(packed, given)


def _key(given: str, known: tuple[Mapping[str, Node], ...]) -> str:
    for nodes in known:
        node = nodes.get(given)
        if node is not None:
            return node.key
    return given
