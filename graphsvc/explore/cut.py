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
from graphsvc.explore.flow import flow_cut
from graphsvc.explore.hitting import hitting_set
from graphsvc.explore.hop_graph import hop_graph
from graphsvc.explore.path import Path
from graphsvc.explore.support import EdgeTriple
from graphsvc.explore.way_graph import way_graph
from graphsvc.explore.witness import witness

__all__ = ["Cut", "cut"]

_SOLVE_S = 10.0
_MANY_EDGES = 20_000
# Of a cut by flow that many sources' ways are told.
_WAYS = 100


@dataclass(frozen=True, slots=True)
class Cut:
    """removed: edges to take out, None when no set of removable edges leaves no way; `uncut` is then such a way.

    at_least: no cut has fewer. proven: `removed` is a cut and has no more than that. sources: identities with a way.
    severed: by edge, how many of the ways that were looked at go over it. ways: the shortest of each start, as the graph is, of
    large graphs some.
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
    left_s: Callable[[], float] = lambda: _SOLVE_S,
    view: EstateView | None = None,
    many: int = _MANY_EDGES,
) -> Cut:
    """The smallest cut. pinned: edges that must stay; BadInput when there is no such edge.

    is_over: asked between steps whether the time is up: what was found until then is no cut yet, which `truncated` says.
    left_s: seconds that the solver of one step may take, which is told so.
    view: of the same graph, if there is one already. many: of more edges than that a flow is asked (`flow`), which is as
    quick as it is exact where ways stand on one grant each, and else says between which sizes the smallest lies.
    """
    fixed = frozenset(pinned)
    held = {(edge.type, edge.start, edge.end) for edge in edges}
    if missing := sorted(fixed - held):
        kind, start, end = missing[0]
        raise BadInput(f"there is no edge `{start} -{kind}-> {end}` to keep", field="pin")
    if len(edges) > many and not _has_denials(nodes, edges):
        view = view or view_of(nodes, edges, policies)
        found = _by_flow(view, list(starts(view)), wanted(view), fixed, is_over)
        if found is not None:
            return found
    return _way_by_way(nodes, edges, policies, starts, wanted, fixed, is_over, left_s, view)


def _by_flow(
    view: EstateView,
    starts: Sequence[str],
    wanted: Callable[[str], bool],
    fixed: frozenset[EdgeTriple],
    is_over: Callable[[], bool],
) -> Cut | None:
    """None where a flow cannot say: some way hangs on several grants together and on nothing else that may go."""
    graph = way_graph(view, starts, is_over=is_over)
    if not graph.complete:
        return Cut((), 0, proven=False, sources=0, severed={}, uncut=None, truncated=True)
    ends = {each for each, key in enumerate(graph.names) if not graph.is_carrier(each) and wanted(key)}
    found = flow_cut(graph, [graph.numbers[each] for each in starts], ends, fixed, is_over=is_over)
    sources = len(found.sources)
    if found.truncated:
        return Cut((), found.at_least, False, sources, severed={}, uncut=None, truncated=True)
    if found.uncut is not None:
        way = graph.path(found.uncut)
        return Cut(None, 0, proven=False, sources=sources, severed={}, uncut=way, truncated=False)
    if found.removed is None:
        return None
    shown = [graph.path(graph.along(each, found.following)) for each in found.sources[:_WAYS]]
    proven = len(found.removed) <= found.at_least
    return Cut(found.removed, found.at_least, proven, sources, found.ways, None, False, tuple(shown))


def _way_by_way(
    nodes: Sequence[Node],
    edges: Sequence[Edge],
    policies: Sequence[Policy],
    starts: Callable[[EstateView], Iterable[str]],
    wanted: Callable[[EstateView], Callable[[str], bool]],
    fixed: frozenset[EdgeTriple],
    is_over: Callable[[], bool],
    left_s: Callable[[], float],
    whole: EstateView | None,
) -> Cut:
    seen: dict[frozenset[EdgeTriple], int] = {}
    removed: tuple[EdgeTriple, ...] = ()
    at_least, sources, only_opens = 0, 0, True
    first = True
    found: tuple[Path, ...] = ()
    while True:
        gone = frozenset(removed)
        left = [edge for edge in edges if (edge.type, edge.start, edge.end) not in gone]
        view = whole if first and whole is not None else view_of(nodes, left, policies)
        asked = list(starts(view))
        graph = hop_graph(view, asked, is_over=is_over)
        ways = graph.ways(asked, wanted(view))
        whole_graph, first = first, False
        if whole_graph:
            sources, found = len(ways), tuple(ways.values())
            only_opens = not _has_denials(nodes, edges)
        if not ways and graph.complete:
            proven = len(removed) <= at_least
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
        hitting = hitting_set(list(seen), _preferred(seen), seconds=min(_SOLVE_S, left_s()))
        removed = hitting.chosen
        # A way that a denial kept shut until it was taken out asks nothing of a cut that leaves the denial in place.
        if only_opens or whole_graph:
            at_least = max(at_least, hitting.at_least)


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
