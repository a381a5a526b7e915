"""What may be drawn: checked before any store draws it, so that all stores refuse the same."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

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
        if not _is_label(node.label):
            raise BadInput(f"node `{node.key}`: `{node.label}` cannot be a label", field="nodes")
        if not node.key:
            raise BadInput(f"a {node.label} has an empty key", field="nodes")
        if (name := _unfit(node.properties)) is not None:
            raise _refusal(f"node `{node.key}`", name)
    for edge in strokes.edges:
        if not _is_type(edge.type):
            raise BadInput(
                f"edge `{edge.start}` to `{edge.end}`: `{edge.type}` cannot be a type", field="edges"
            )
        if edge.properties and (name := _unfit(edge.properties)) is not None:
            raise _refusal(f"edge {edge.type} `{edge.start}` to `{edge.end}`", name)
    for edge_type, start, end in strokes.removed_edges:
        if not _is_type(edge_type):
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


# There are few of them, and each is asked for with every decision.
@lru_cache(1024)
def _is_label(label: str) -> bool:
    return _LABEL.fullmatch(label) is not None and label not in RESERVED_LABELS


@lru_cache(1024)
def _is_type(edge_type: str) -> bool:
    return _TYPE.fullmatch(edge_type) is not None


def _unfit(properties: dict[str, bool | int | float | str | list[str] | None]) -> str | None:
    """The name of a property that some store could not draw; None when all can be."""
    for name, value in properties.items():
        if not name or name in _RESERVED_PROPERTIES:
            return name
        # Most are, and this is asked of a dozen with every decision.
        if value is None or isinstance(value, str):
            continue
        if isinstance(value, float):
            # NaN is not even equal to itself; JSON knows neither it nor infinity.
            fits = -float("inf") < value < float("inf")
        elif isinstance(value, int):
            fits = -_INTEGER_LIMIT <= value < _INTEGER_LIMIT
        else:
            fits = _is_texts(value)
        if not fits:
            return name
    return None


def _refusal(place: str, name: str) -> BadInput:
    if not name or name in _RESERVED_PROPERTIES:
        return BadInput(f"{place}: `{name}` cannot be a property", field=name)
    return BadInput(f"{place}: `{name}` is no text, number, boolean or list of texts", field=name)


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
