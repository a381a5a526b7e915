"""Random graphs for the laws of files."""

from __future__ import annotations

from hypothesis import strategies as st

from graphsvc.core.graph import EDGE_TYPES, Edge, Node
from graphsvc.core.value import Json

__all__ = ["graphs"]

_texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)
_json: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | _texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_texts, inner, max_size=2),
    max_leaves=4,
)  # fmt: skip
_objects = st.dictionaries(_texts, _json, max_size=2)
_fields = st.dictionaries(
    st.sampled_from(["kind", "status", "name", "x-own", "condition"]), _json, max_size=3
)


@st.composite
def _nodes(draw: st.DrawFn) -> Node:
    kind = draw(st.sampled_from(["identity", "group", "role", "permission", "action_type", "resource"]))
    prefix = f"resource:{draw(_texts.filter(lambda text: ':' not in text))}" if kind == "resource" else kind
    return Node(
        key=f"{prefix}:{draw(_texts)}",
        labels=tuple(draw(st.lists(_texts, max_size=2))),
        tier=draw(st.none() | _texts),
        fields=draw(_fields),
        properties=draw(_objects),
    )


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[Node], list[Edge]]:
    """Nodes of all kinds with any values, and edges between them."""
    nodes = draw(st.lists(_nodes(), min_size=1, max_size=5, unique_by=lambda node: node.key))
    keys = st.sampled_from([node.key for node in nodes])
    edges = st.builds(Edge, type=st.sampled_from(EDGE_TYPES), start=keys, end=keys, properties=_objects)
    return nodes, draw(st.lists(edges, max_size=4, unique_by=lambda edge: (edge.type, edge.start, edge.end)))
