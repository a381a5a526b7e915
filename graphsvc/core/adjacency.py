"""Edges by type and by the node at one of their ends.

Most nodes have one edge of a type at most: a permission is on one resource, a resource lies in one folder. A dictionary
for each of these would take three times what the edge takes, so a single edge is kept as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from graphsvc.core.graph import Edge

__all__ = ["Adjacency"]

_NONE: Mapping[str, Edge] = MappingProxyType({})


class Adjacency:
    """other: the end of an edge by which those of one node are told apart."""

    def __init__(self, other: Callable[[Edge], str]) -> None:
        self._other = other
        self._by_type: dict[str, dict[str, Edge | dict[str, Edge]]] = {}

    def put(self, node: str, edge: Edge) -> None:
        """Add an edge of a node, or put it in the place of the one with the same ends."""
        held = self._by_type.setdefault(edge.type, {})
        there = held.get(node)
        other = self._other(edge)
        if there is None:
            held[node] = edge
        elif isinstance(there, dict):
            there[other] = edge
        elif self._other(there) == other:
            held[node] = edge
        else:
            held[node] = {self._other(there): there, other: edge}

    def drop(self, edge_type: str, node: str, other: str) -> None:
        """Remove an edge; one that is not there is no error."""
        held = self._by_type.get(edge_type, {})
        there = held.get(node)
        if isinstance(there, dict):
            there.pop(other, None)
            if not there:
                del held[node]
        elif there is not None and self._other(there) == other:
            del held[node]

    def of(self, edge_type: str, node: str) -> Mapping[str, Edge]:
        """Edges of a node by their other end, in the order in which they came."""
        held = self._by_type.get(edge_type)
        there = None if held is None else held.get(node)
        if there is None:
            return _NONE
        return there if isinstance(there, dict) else {self._other(there): there}

    def nodes(self, edge_type: str) -> list[str]:
        """Nodes that have edges of a type."""
        return list(self._by_type.get(edge_type, ()))

    def groups(self) -> list[Edge | dict[str, Edge]]:
        """All edges, alone or by their other end; dictionaries change with the graph."""
        return [group for held in self._by_type.values() for group in held.values()]

    def __iter__(self) -> Iterator[Edge]:
        for group in self.groups():
            if isinstance(group, dict):
                yield from group.values()
            else:
                yield group
