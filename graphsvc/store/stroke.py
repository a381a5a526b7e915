"""What may be drawn: checked before any store draws it, so that all stores refuse the same."""

from __future__ import annotations

import re
from collections.abc import Iterable

from graphsvc.decide.ports import KEPT, EdgeStroke, NodeStroke, Strokes
from graphsvc.errors import BadInput

__all__ = ["RESERVED_LABELS", "check_strokes", "merged_edges", "merged_nodes"]

# Labels that the stores use for themselves: drawing one would damage the log.
RESERVED_LABELS = frozenset(
    {"Entity", "Log", "Counter", "Cursor", "Store", "Snapshot", "Lease", "Migration", "MigrationLock"}
)
# The key of a node is its own field.
_RESERVED_PROPERTIES = frozenset({"key"})
_LABEL = re.compile(r"[A-Z][A-Za-z0-9]*")
_TYPE = re.compile(r"[A-Z][A-Z0-9_]*")
_INTEGER_LIMIT = 2**63


def check_strokes(strokes: Strokes) -> None:
    """BadInput naming the stroke that some store could not draw."""
    for node in strokes.nodes:
        if _LABEL.fullmatch(node.label) is None or node.label in RESERVED_LABELS:
            raise BadInput(f"node `{node.key}`: `{node.label}` cannot be a label", field="nodes")
        if not node.key:
            raise BadInput(f"a {node.label} has an empty key", field="nodes")
        _check_properties(f"node `{node.key}`", node.properties)
    for edge in strokes.edges:
        if _TYPE.fullmatch(edge.type) is None:
            raise BadInput(
                f"edge `{edge.start}` to `{edge.end}`: `{edge.type}` cannot be a type", field="edges"
            )
        _check_properties(f"edge {edge.type} `{edge.start}` to `{edge.end}`", edge.properties)

    for edge_type, start, end in strokes.removed_edges:
        if _TYPE.fullmatch(edge_type) is None:
            raise BadInput(
                f"edge `{start}` to `{end}`: `{edge_type}` cannot be a type", field="removed_edges"
            )


def merged_nodes(strokes: Iterable[NodeStroke]) -> list[NodeStroke]:
    """One stroke a node, whatever the number of its strokes: the later ones win."""
    found: dict[str, NodeStroke] = {}
    for each in strokes:
        there = found.get(each.key)
        if there is not None:
            before = there.properties
            if each.whole:
                before = {name: before[name] for name in KEPT if name in before}
            each = NodeStroke(each.label, each.key, {**before, **each.properties}, there.whole or each.whole)
        found[each.key] = each
    return list(found.values())


def merged_edges(strokes: Iterable[EdgeStroke]) -> list[EdgeStroke]:
    """One stroke an edge."""
    found: dict[tuple[str, str, str], EdgeStroke] = {}
    for each in strokes:
        key = (each.type, each.start, each.end)
        there = found.get(key)
        if there is not None:
            before = {} if each.whole else there.properties
            each = EdgeStroke(*key, {**before, **each.properties}, there.whole or each.whole)
        found[key] = each
    return list(found.values())


def _check_properties(place: str, properties: dict[str, bool | int | float | str | list[str] | None]) -> None:
    for name, value in properties.items():
        if not name or name in _RESERVED_PROPERTIES:
            raise BadInput(f"{place}: `{name}` cannot be a property", field=name)
        if isinstance(value, str | None):
            continue
        if isinstance(value, float):
            # NaN is not even equal to itself; JSON knows neither it nor infinity.
            fits = -float("inf") < value < float("inf")
        elif isinstance(value, int):
            fits = -_INTEGER_LIMIT <= value < _INTEGER_LIMIT
        else:
            fits = _is_texts(value)
        if not fits:
            raise BadInput(f"{place}: `{name}` is no text, number, boolean or list of texts", field=name)


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
