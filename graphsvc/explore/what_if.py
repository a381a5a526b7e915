"""What a change of the graph would bring: combinations of rights that appear and that vanish."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from graphsvc.core.graph import Edge, Node, edge_from_record
from graphsvc.core.policy.document import Policy
from graphsvc.errors import BadInput
from graphsvc.explore.combination import Combination, combinations
from graphsvc.explore.comparison import gives_more
from graphsvc.explore.estate_view import view_of

__all__ = ["Difference", "edge_from_text", "what_if"]

_ARROW = re.compile(r"\s*(\S+)\s+-([A-Z_]+)->\s+(\S+)\s*")


@dataclass(frozen=True, slots=True)
class Difference:
    """appears: combinations that would be new, or give more; vanishes: that would go, or give less."""

    appears: tuple[Combination, ...]
    vanishes: tuple[Combination, ...]


def edge_from_text(text: str, field: str = "grant") -> Edge:
    """`identity:bot -GRANTED-> permission:p1`, as `explain` prints edges; BadInput says what is wrong."""
    found = _ARROW.fullmatch(text)
    if found is None:
        raise BadInput(
            f"`{text}` is no edge; write it as `identity:bot -GRANTED-> permission:p1`", field=field
        )
    return edge_from_record({"type": found[2], "from": found[1], "to": found[3]}, place=field)


def what_if(
    nodes: Sequence[Node],
    edges: Sequence[Edge],
    policies: Sequence[Policy],
    *,
    add: Iterable[Edge] = (),
    remove: Iterable[Edge] = (),
) -> Difference:
    """The combinations of the graph with some edges more and some fewer, against those of now."""
    gone = {(edge.type, edge.start, edge.end) for edge in remove}
    held = {(edge.type, edge.start, edge.end) for edge in edges}
    missing = next((edge for edge in sorted(gone - held)), None)
    if missing is not None:
        raise BadInput(
            f"there is no edge `{missing[1]} -{missing[0]}-> {missing[2]}` to remove", field="remove"
        )
    after = [edge for edge in edges if (edge.type, edge.start, edge.end) not in gone]
    before, now = (_found(nodes, each, policies) for each in (edges, [*after, *add]))
    return Difference(
        appears=tuple(each for key, each in now.items() if gives_more(before.get(key), each)),
        vanishes=tuple(each for key, each in before.items() if gives_more(now.get(key), each)),
    )


def _found(
    nodes: Sequence[Node], edges: Sequence[Edge], policies: Sequence[Policy]
) -> dict[tuple[str, str], Combination]:
    view = view_of(nodes, edges, policies)
    every = combinations(view, view.identities(), everything=True)
    return {(each.identity, each.pattern): each for each in every}
