"""The smallest set of grants that no way gets around, as a minimum cut: for estates too large to look at way by way.

By the theorem of Ford and Fulkerson (1956) the smallest cut is as large as the greatest flow, which is found exactly. A step
that stands on several grants at once can be closed by taking any of them, which a flow cannot say: it is counted once as one
that cannot be closed, which gives a set that surely suffices, and once as not there, which gives a size that surely is needed.
Where both are the same the set is the smallest.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from graphsvc.errors import NotSupported
from graphsvc.explore.support import EdgeTriple
from graphsvc.explore.way_graph import FIXED, JOINT, WayGraph
from graphsvc.explore.witness import is_removable

__all__ = ["FlowCut", "flow_cut"]

# More than there can be grants; twice of it fits into what scipy counts with.
_NEVER = 2**29


@dataclass(frozen=True, slots=True)
class FlowCut:
    """removed: edges that close all ways, None where no such set was found. at_least: no cut has fewer. uncut: nodes of a way that
    stands on nothing that may go, so that there is no cut.

    ways: by edge how many sources' shortest ways go over it. sources: numbers of the nodes that have a way. following: by
    node the next on its shortest way. truncated: the time ran out before there was an answer.
    """

    removed: tuple[EdgeTriple, ...] | None
    at_least: int
    ways: dict[EdgeTriple, int]
    sources: tuple[int, ...]
    following: dict[int, int]
    uncut: tuple[int, ...] | None = None
    truncated: bool = False


def flow_cut(
    graph: WayGraph,
    starts: Iterable[int],
    ends: Collection[int],
    pinned: Collection[EdgeTriple] = (),
    *,
    is_over: Callable[[], bool] = lambda: False,
) -> FlowCut:
    """starts, ends: numbers of nodes. A start that is an end needs no way and has none. NotSupported without scipy.

    is_over: asked between steps whether the time is up; each of them is linear in the graph but for the flow.
    """
    following, order = _nearest(graph, ends)
    sources = tuple(each for each in starts if each in following)
    if not sources:
        return FlowCut((), 0, {}, (), {})
    if is_over():
        return FlowCut(None, 0, {}, sources, following, truncated=True)
    steps = _Priced(graph, frozenset(pinned), {*following, *ends})
    uncut = steps.open_way(sources, ends, joint=False)
    if uncut is not None:
        return FlowCut(None, 0, {}, sources, following, uncut)
    if is_over():
        return FlowCut(None, 0, {}, sources, following, truncated=True)
    needed, closes_joint = steps.cut(sources, ends, joint=False)
    removed: tuple[EdgeTriple, ...] | None = needed
    if not closes_joint:
        if is_over():
            return FlowCut(None, len(needed), {}, sources, following, truncated=True)
        is_open = steps.open_way(sources, ends, joint=True) is not None
        removed = None if is_open else steps.cut(sources, ends, joint=True)[0]
    over = _counted(following, order, sources)
    ways = {each: over.get((graph.numbers[each[1]], graph.numbers[each[2]]), 0) for each in removed or ()}
    return FlowCut(removed, len(needed), ways, sources, following)


class _Priced:
    """Steps with what it costs to close each: how many edges must go, or that it cannot be."""

    def __init__(self, graph: WayGraph, pinned: frozenset[EdgeTriple], near: Collection[int]) -> None:
        """near: nodes that have a way to an end; no others matter."""
        self._graph = graph
        self._removable: dict[tuple[int, int], list[EdgeTriple]] = {}
        self._fixed: set[tuple[int, int]] = set()
        self._joint: set[tuple[int, int]] = set()
        names = graph.names
        for node in near:
            for end, kind in graph.steps[node]:
                if end not in near:
                    continue
                if kind == FIXED:
                    self._fixed.add((node, end))
                elif kind == JOINT:
                    self._joint.add((node, end))
                else:
                    edge = (kind, names[node], names[end])
                    if edge not in pinned and is_removable(graph.view.estate, edge):
                        self._removable.setdefault((node, end), []).append(edge)
                    else:
                        self._fixed.add((node, end))
        for pair in self._fixed:
            self._removable.pop(pair, None)
        self._joint -= self._fixed

    def open_way(
        self, sources: Iterable[int], ends: Collection[int], *, joint: bool
    ) -> tuple[int, ...] | None:
        """A way from a source to an end that cannot be closed, if there is one."""
        after: dict[int, list[int]] = {}
        for start, end in (*self._fixed, *(self._joint if joint else ())):
            after.setdefault(start, []).append(end)
        came: dict[int, int | None] = dict.fromkeys(sources)
        queue = list(came)
        for node in queue:
            for end in after.get(node, ()):
                if end not in came:
                    came[end] = node
                    queue.append(end)
                    if end in ends:
                        way: list[int] = []
                        at: int | None = end
                        while at is not None:
                            way.append(at)
                            at = came[at]
                        return tuple(reversed(way))
        return None

    def cut(
        self, sources: Sequence[int], ends: Collection[int], *, joint: bool
    ) -> tuple[tuple[EdgeTriple, ...], bool]:
        """The smallest, of several equally small ones that nearest to the ends; and whether no joint step leads around it."""
        try:
            import numpy as np
            from scipy.sparse import coo_array, csr_array
            from scipy.sparse.csgraph import breadth_first_order, maximum_flow
        except ImportError:
            raise NotSupported("cuts need the extra `explore`: pip install 'graphsvc[explore]'") from None
        many = len(self._graph.names)
        first, last = many, many + 1
        never = [*self._fixed, *(self._joint if joint else ())]
        never += [(first, each) for each in sources] + [(each, last) for each in ends]
        # A step may be fixed in one way and removable in another: then it cannot be closed.
        open_ = set(never)
        priced = [(pair, len(edges)) for pair, edges in self._removable.items() if pair not in open_]
        pairs = np.array([pair for pair, _ in priced] + never, dtype=np.int32).reshape(-1, 2)
        costs = np.array([cost for _, cost in priced] + [_NEVER] * len(never), dtype=np.int32)
        shape = (many + 2, many + 2)
        prices: Any = csr_array(coo_array((costs, (pairs[:, 0], pairs[:, 1])), shape=shape))
        left = prices - maximum_flow(prices, first, last, method="dinic").flow
        left.data[left.data < 0] = 0
        left.eliminate_zeros()
        # Whatever still leads to the end is behind the cut.
        behind = np.zeros(many + 2, dtype=bool)
        behind[breadth_first_order(csr_array(left.T), last, return_predecessors=False)] = True
        crossing = [pair for pair, _ in priced if behind[pair[1]] and not behind[pair[0]]]
        removed = tuple(sorted(edge for pair in crossing for edge in self._removable[pair]))
        return removed, not any(behind[end] and not behind[start] for start, end in self._joint)


def _nearest(graph: WayGraph, ends: Collection[int]) -> tuple[dict[int, int], list[int]]:
    """By node the next on its shortest way to an end; and the nodes, the nearest first."""
    into: list[list[int]] = [[] for _ in graph.names]
    for node, steps in enumerate(graph.steps):
        for end, _ in steps:
            into[end].append(node)
    following: dict[int, int] = {}
    queue = deque(each for each in ends if into[each])
    seen = set(ends)
    order: list[int] = []
    while queue:
        node = queue.popleft()
        for before in into[node]:
            if before not in seen:
                seen.add(before)
                following[before] = node
                order.append(before)
                queue.append(before)
    return following, order


def _counted(
    following: dict[int, int], order: Sequence[int], sources: Iterable[int]
) -> dict[tuple[int, int], int]:
    """By step how many of the sources' shortest ways go over it."""
    many = dict.fromkeys(sources, 1)
    found: dict[tuple[int, int], int] = {}
    for node in reversed(order):
        if count := many.get(node, 0):
            end = following[node]
            found[node, end] = count
            many[end] = many.get(end, 0) + count
    return found
