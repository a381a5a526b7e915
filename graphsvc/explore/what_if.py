"""What a change of the graph would bring: combinations of rights that appear and that vanish."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from graphsvc.core.estate import NESTED
from graphsvc.core.graph import Edge, Node, edge_from_record
from graphsvc.core.policy.document import Policy
from graphsvc.errors import BadInput
from graphsvc.explore.combination import Combination, combinations
from graphsvc.explore.comparison import gives_more
from graphsvc.explore.estate_view import EstateView, view_of
from graphsvc.explore.naming import known_ends

__all__ = ["Difference", "asked_of", "edge_from_text", "what_if"]

# By these somebody holds something, and nobody else.
_GIVING = (*NESTED, "GRANTED", "CAPPED_BY")
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
    return asked_of(view_of(nodes, edges, policies), add=add, remove=remove)


def asked_of(view: EstateView, *, add: Iterable[Edge] = (), remove: Iterable[Edge] = ()) -> Difference:
    """The same of a view that is there already, which is as it was afterwards; nobody else may ask it meanwhile.

    Only those are looked at whom the change can concern: who holds by the start of a grant or membership, else everybody.
    """
    added = list(add)
    known_ends(view, added, "add")
    more = [each for each in added if view.estate.out(each.type, each.start).get(each.end) is None]
    fewer = {(each.type, each.start, each.end) for each in remove}
    held = {key: view.estate.out(key[0], key[1]).get(key[2]) for key in fewer}
    missing = min((key for key, edge in held.items() if edge is None), default=None)
    if missing is not None:
        raise BadInput(
            f"there is no edge `{missing[1]} -{missing[0]}-> {missing[2]}` to remove", field="remove"
        )
    taken = [edge for edge in held.values() if edge is not None]
    changed = [*more, *taken]
    source = view.estate.sources[-1]
    concerned = set(_concerned(view, changed))
    view.estate.amend(source, add=more, remove=fewer)
    try:
        # Whoever comes into a group by one edge is concerned by another one of that group.
        concerned |= set(_concerned(view, changed))
        after = _found(view, sorted(concerned))
    finally:
        view.estate.amend(source, add=taken, remove=[(each.type, each.start, each.end) for each in more])
    before = _found(view, sorted(concerned))
    return Difference(
        appears=tuple(each for key, each in after.items() if gives_more(before.get(key), each)),
        vanishes=tuple(each for key, each in before.items() if gives_more(after.get(key), each)),
    )


def _concerned(view: EstateView, edges: Iterable[Edge]) -> list[str]:
    """Identities whose rights, or what rules ask about them, may be others without or with some edges."""
    holders: dict[str, None] = {}
    for edge in edges:
        if edge.type in _GIVING and not view.looks_at_others:
            holders[edge.start] = None
        elif edge.type == "ON":
            for kind in ("GRANTED", "CAPPED_BY"):
                holders |= dict.fromkeys(view.estate.into(kind, edge.start))
        else:
            return view.identities()
    queue = list(holders)
    for node in queue:
        for kind in NESTED:
            for member in view.estate.into(kind, node):
                if member not in holders:
                    holders[member] = None
                    queue.append(member)
    return sorted(key for key in holders if view.acts(key))


def _found(view: EstateView, identities: Iterable[str]) -> dict[tuple[str, str], Combination]:
    every = combinations(view, identities, everything=True)
    return {(each.identity, each.pattern): each for each in every}
