"""A graph as an OpenGraph file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from graphsvc.core.graph import Edge, Node
from graphsvc.core.value import Json
from graphsvc.importers.opengraph.codec import KINDS, MARK, encode_edge, encode_ids, encode_node

__all__ = ["write"]


def write(nodes: Iterable[Node], edges: Iterable[Edge]) -> Iterator[str]:
    """The text of the file in parts: nodes by key, then edges by type and ends.

    The same facts give the same bytes, and `read` gives the same facts back. Edge kinds are the types of
    edges; nodes carry the kind of what they are, and `Graphsvc`.
    """
    ordered = sorted(nodes, key=lambda node: node.key)
    sorted_edges = sorted(edges, key=lambda edge: (edge.type, edge.start, edge.end))
    ends = (key for edge in sorted_edges for key in (edge.start, edge.end))
    ids = encode_ids({*ends, *(node.key for node in ordered)})
    yield f'{{"metadata":{{"source_kind":"{MARK}"}},"graph":{{"nodes":['
    for number, node in enumerate(ordered):
        record: dict[str, Json] = {
            "id": ids[node.key],
            "kinds": [KINDS[node.kind], MARK],
            "properties": encode_node(node),
        }
        yield _line(record, number)
    yield '],\n"edges":['
    for number, edge in enumerate(sorted_edges):
        record = {
            "kind": edge.type,
            "start": {"match_by": "id", "value": ids[edge.start]},
            "end": {"match_by": "id", "value": ids[edge.end]},
            "properties": encode_edge(edge.properties),
        }
        yield _line(record, number)
    yield "]}}\n"


def _line(record: dict[str, Json], number: int) -> str:
    return (",\n" if number else "\n") + msgspec.json.encode(record, order="sorted").decode()
