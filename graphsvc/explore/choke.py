"""Choke points: what all ways of many identities to something go through.

A node is on every way from a start to the target exactly when it dominates the start in the reversed graph that is
rooted at the target; how many starts it cuts off is the size of its subtree in the dominator tree (`dominator`). A hop is
on every way of its start, and of whom that cuts off, when its end is the only one from which the target is reached
without coming back to its start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from graphsvc.explore.dominator import immediate_dominators
from graphsvc.explore.way_graph import WayGraph

__all__ = ["ChokePoint", "ChokePoints", "choke_points"]

_SUCH_AS = 5


@dataclass(frozen=True, slots=True)
class ChokePoint:
    """A node, or a hop (start, end and how). cuts_off: identities, itself apart, that have no way around it; such_as: some.

    behind: the place among the points of the next one on every way from here, None where the target follows. first: of how many
    identities it is the first point they come to, itself apart; first_of: some of them.
    """

    node: str | None
    start: str | None
    end: str | None
    how: str | None
    cuts_off: int
    such_as: tuple[str, ...]
    behind: int | None = None
    first: int = 0
    first_of: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChokePoints:
    """The points that cut off most first. sources: how many identities have a way at all; around: how many of them pass none of the points."""

    points: tuple[ChokePoint, ...]
    sources: int
    truncated: bool
    around: int = 0


def choke_points(
    graph: WayGraph, starts: Iterable[str], wanted: Callable[[str], bool], *, limit: int = 50, least: int = 1
) -> ChokePoints:
    """Nodes and hops that every way from some identities to a wanted node goes through.

    least: points that cut off fewer are left out; a hop cuts off its start as well.
    None of a graph that is not complete: there may be ways around what looks like one.
    """
    if not graph.complete:
        return ChokePoints((), 0, truncated=True)
    ends = [number for number, key in enumerate(graph.names) if not graph.is_carrier(number) and wanted(key)]
    tree = _Tree(graph, ends, starts)
    found: list[ChokePoint] = []
    places: list[tuple[int, bool]] = []
    for node, end in tree.candidates():
        if len(found) > limit or tree.cut_off(node, is_hop=end is not None) < least:
            break
        if end is not None and not tree.is_only(node, end):
            continue
        is_hop = end is not None
        places.append((node, is_hop))
        others = [each for each in tree.such_as[node] if is_hop or each != node]
        found.append(
            ChokePoint(
                node=None if is_hop else graph.names[node],
                start=graph.names[node] if end is not None else None,
                end=graph.names[end] if end is not None else None,
                how=graph.hop(node, end).how if end is not None else None,
                cuts_off=tree.cut_off(node, is_hop=is_hop),
                such_as=tuple(graph.names[each] for each in others[:_SUCH_AS]),
            )
        )
    linked = _linked(tree, graph.names, found[:limit], places[:limit])
    return replace(linked, truncated=len(found) > limit)


def _linked(
    tree: _Tree, names: Sequence[str], points: Sequence[ChokePoint], places: Sequence[tuple[int, bool]]
) -> ChokePoints:
    """Points with the next one behind each, and of whom each is the first. places: node, and whether it is a hop from there."""
    at = {place: number for number, place in enumerate(places)}
    first: list[list[str]] = [[] for _ in points]
    around = 0
    for source in tree.sources:
        if (source, False) in at or (source, True) in at:
            continue
        found = tree.next_of(source, at)
        if found is None:
            around += 1
        else:
            first[found].append(names[source])
    linked = []
    for number, (node, is_hop) in enumerate(places):
        onward = None if is_hop else at.get((node, True))
        behind = onward if onward is not None else tree.next_of(node, at)
        few = tuple(first[number][:_SUCH_AS])
        linked.append(replace(points[number], behind=behind, first=len(first[number]), first_of=few))
    return ChokePoints(tuple(linked), len(tree.sources), truncated=False, around=around)


class _Tree:
    """The dominator tree of the reversed graph: above is nearer to the target, whose number is that of no node."""

    def __init__(self, graph: WayGraph, ends: Sequence[int], starts: Iterable[str]) -> None:
        self._graph = graph
        self._target = len(graph.names)
        self._ends = frozenset(ends)
        back: list[list[int]] = [[] for _ in range(self._target + 1)]
        into: list[list[int]] = [[] for _ in range(self._target + 1)]
        came: set[int] = set()
        for node, steps in enumerate(graph.steps):
            into[node] = after = list(dict.fromkeys(end for end, _ in steps))
            came.update(after)
            for end in after:
                back[end].append(node)
        # A wanted node that no step leads to ends no way.
        for end in ends:
            if end in came:
                back[self._target].append(end)
                into[end].append(self._target)
        self._above, self._order = immediate_dominators(back, into, self._target)
        numbers = dict.fromkeys(graph.numbers[start] for start in starts)
        self.sources = [each for each in numbers if self._above[each] >= 0 and each not in self._ends]
        self._count()
        self._number()

    def _count(self) -> None:
        """How many sources are in each subtree, and the first of them."""
        self._sources = frozenset(self.sources)
        self._below = [0] * (self._target + 1)
        for node in self.sources:
            self._below[node] = 1
        for node in reversed(self._order[1:]):
            self._below[self._above[node]] += self._below[node]
        self.such_as: list[list[int]] = [[] for _ in range(self._target + 1)]
        for source in self.sources:
            node = source
            # Where enough are known, they are known above as well. One more, as a point itself does not count.
            while node != self._target and len(self.such_as[node]) <= _SUCH_AS:
                self.such_as[node].append(source)
                node = self._above[node]

    def _number(self) -> None:
        """First and last number of each subtree, in an order in which subtrees are together."""
        size = [1] * (self._target + 1)
        for node in reversed(self._order[1:]):
            size[self._above[node]] += size[node]
        self._first = [-1] * (self._target + 1)
        self._first[self._target] = 0
        self._size = size
        free = [1] * (self._target + 1)
        for node in self._order[1:]:
            above = self._above[node]
            self._first[node] = self._first[above] + free[above]
            free[above] += size[node]

    def cut_off(self, node: int, *, is_hop: bool) -> int:
        """Sources without a way around a node, or around the one hop from it."""
        return self._below[node] - (0 if is_hop else node in self._sources)

    def candidates(self) -> Iterator[tuple[int, int | None]]:
        """Nodes, and with a second number what may be the only hop from one, those that cut off most first."""
        names = self._graph.names
        found: list[tuple[int, bool, str, str, str, int, int | None]] = []
        for node in self._order[1:]:
            if not self._below[node] or node in self._ends or self._graph.is_carrier(node):
                continue
            if cut_off := self.cut_off(node, is_hop=False):
                found.append((-cut_off, False, names[node], "", "", node, None))
            end = self._above[node]
            while end != self._target and self._graph.is_carrier(end):
                end = self._above[end]
            if end != self._target:
                found.append((-self._below[node], True, "", names[node], names[end], node, end))
        found.sort(key=lambda each: each[:5])
        return ((each[5], each[6]) for each in found)

    def is_only(self, start: int, end: int) -> bool:
        """True when every other hop from a node leads nowhere, or back to it."""
        return all(
            each == end or self._above[each] < 0 or self._dominates(start, each)
            for each in self._graph.ends(start)
        )

    def next_of(self, node: int, at: Mapping[tuple[int, bool], int]) -> int | None:
        """The point, by `at`, that every way from a node comes to next, a hop from the node itself apart."""
        above = self._above[node]
        while above != self._target:
            for is_hop in (False, True):
                if (above, is_hop) in at:
                    return at[above, is_hop]
            above = self._above[above]
        return None

    def _dominates(self, node: int, other: int) -> bool:
        return self._first[node] <= self._first[other] < self._first[node] + self._size[node]
