"""The smallest set of grants whose removal leaves no way to something.

The implicit hitting set approach (Moreno-Centeno and Karp, "The Implicit Hitting Set Approach to Solve Combinatorial
Optimization Problems", Operations Research 61, 2013): every way that is left shows edges of which one has to go;
the smallest set that meets all those seen so far is taken out, and the ways of what remains are looked for. When there
are none the set is a cut, and no smaller one exists, for even the ways seen need as many.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from graphsvc.core.graph import Edge, Node
from graphsvc.core.policy.document import Policy
from graphsvc.errors import BadInput
from graphsvc.explore.estate_view import EstateView, view_of
from graphsvc.explore.hitting import hitting_set
from graphsvc.explore.hop_graph import hop_graph
from graphsvc.explore.path import Path
from graphsvc.explore.support import EdgeTriple
from graphsvc.explore.witness import witness

__all__ = ["Cut", "cut"]

_SOLVE_S = 10.0


@dataclass(frozen=True, slots=True)
class Cut:
    """removed: edges to take out, None when no set of removable edges leaves no way; `uncut` is then such a way.

    at_least: no cut has fewer. proven: `removed` is a cut and has no more than that. sources: identities with a way.
    severed: by edge, how many of the ways that were looked at go over it. ways: the shortest of each start, as the graph is.
    """

    removed: tuple[EdgeTriple, ...] | None
    at_least: int
    proven: bool
    sources: int
    severed: dict[EdgeTriple, int]
    uncut: Path | None
    truncated: bool
    ways: tuple[Path, ...] = ()


def cut(
    nodes: Sequence[Node],
    edges: Sequence[Edge],
    policies: Sequence[Policy],
    starts: Callable[[EstateView], Iterable[str]],
    wanted: Callable[[EstateView], Callable[[str], bool]],
    *,
    pinned: Iterable[EdgeTriple] = (),
    is_over: Callable[[], bool] = lambda: False,
) -> Cut:
    """The smallest cut. pinned: edges that must stay; BadInput when there is no such edge.

    is_over: asked between steps whether the time is up: what was found until then is no cut yet, which `truncated` says.
    """
    fixed = frozenset(pinned)
    held = {(edge.type, edge.start, edge.end) for edge in edges}
    if missing := sorted(fixed - held):
        kind, start, end = missing[0]
        raise BadInput(f"there is no edge `{start} -{kind}-> {end}` to keep", field="pin")
    seen: dict[frozenset[EdgeTriple], int] = {}
    removed: tuple[EdgeTriple, ...] = ()
    at_least, sources, is_proof = 0, 0, True
    first = True
    found: tuple[Path, ...] = ()
    while True:
        gone = frozenset(removed)
        left = [edge for edge in edges if (edge.type, edge.start, edge.end) not in gone]
        view = view_of(nodes, left, policies)
        asked = list(starts(view))
        graph = hop_graph(view, asked, is_over=is_over)
        ways = graph.ways(asked, wanted(view))
        if first:
            sources, first, found = len(ways), False, tuple(ways.values())
            is_proof = not _has_denials(nodes, edges)
        if not ways and graph.complete:
            proven = is_proof and len(removed) <= at_least
            return Cut(
                removed, at_least, proven, sources, _shares(removed, seen), None, truncated=False, ways=found
            )
        if is_over() or not graph.complete:
            return Cut(
                removed, at_least, False, sources, _shares(removed, seen), None, truncated=True, ways=found
            )
        for way in ways.values():
            needed = frozenset().union(*(witness(view, hop) for hop in way.hops)) - fixed
            if not needed:
                return Cut(None, at_least, False, sources, {}, way, truncated=False)
            seen[needed] = seen.get(needed, 0) + 1
        hitting = hitting_set(list(seen), _preferred(seen), seconds=_SOLVE_S)
        removed, at_least = hitting.chosen, max(at_least, hitting.at_least)


def _preferred(seen: dict[frozenset[EdgeTriple], int]) -> list[EdgeTriple]:
    """Grants before memberships before trusts, those on most ways first: taking a grant changes least besides."""
    order = {"GRANTED": 0, "HAS_ROLE": 1, "MEMBER_OF": 1, "INHERITS": 2, "CAN_ASSUME": 3}
    weight: dict[EdgeTriple, int] = {}
    for edges, count in seen.items():
        for edge in edges:
            weight[edge] = weight.get(edge, 0) + count
    return sorted(weight, key=lambda edge: (order.get(edge[0], 4), -weight[edge], edge))


def _shares(removed: Iterable[EdgeTriple], seen: dict[frozenset[EdgeTriple], int]) -> dict[EdgeTriple, int]:
    return {edge: sum(count for edges, count in seen.items() if edge in edges) for edge in removed}


def _has_denials(nodes: Iterable[Node], edges: Iterable[Edge]) -> bool:
    """True when taking out a membership may take out a denial or a cap with it, and so open a way."""
    denying = {
        node.key for node in nodes if node.kind == "permission" and node.fields.get("effect") == "deny"
    }
    fixed = {node.key for node in nodes if node.kind == "group" and node.properties.get("fixed") is True}
    return any(
        not edge.start.startswith("identity:")
        and edge.start not in fixed
        and (edge.type == "CAPPED_BY" or (edge.type == "GRANTED" and edge.end in denying))
        for edge in edges
    )
