"""Choke points: what all ways of many identities to something go through.

A node is on every way from a start to the target exactly when it dominates the start in the reversed graph that is
rooted at the target; how many starts it cuts off is the size of its subtree in the dominator tree (Cooper, Harvey,
Kennedy, "A Simple, Fast Dominance Algorithm", 2001, as in networkx). A hop is a node of its own in between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import networkx as nx

from graphsvc.explore.hop_graph import HopGraph

__all__ = ["ChokePoint", "ChokePoints", "choke_points"]

_TARGET = ("target",)
_SUCH_AS = 5
_Point = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChokePoint:
    """A node, or a hop (start, end and how). cuts_off: identities, itself apart, that have no way around it; such_as: some."""

    node: str | None
    start: str | None
    end: str | None
    how: str | None
    cuts_off: int
    such_as: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChokePoints:
    """The points that cut off most first. sources: how many identities have a way at all."""

    points: tuple[ChokePoint, ...]
    sources: int
    truncated: bool


def choke_points(
    graph: HopGraph, starts: Iterable[str], wanted: Callable[[str], bool], *, limit: int = 50
) -> ChokePoints:
    """Nodes and hops that every way from some identities to a wanted node goes through."""
    back = nx.DiGraph()
    back.add_node(_TARGET)
    for hops in graph.hops.values():
        for hop in hops:
            middle = (hop.start, hop.end, hop.how)
            back.add_edge((hop.end,), middle)
            back.add_edge(middle, (hop.start,))
            if wanted(hop.end):
                back.add_edge(_TARGET, (hop.end,))
    above: dict[_Point, _Point] = nx.immediate_dominators(back, _TARGET)
    sources = [start for start in starts if (start,) in above and not wanted(start)]
    behind: dict[_Point, list[str]] = {}
    for start in sources:
        point: _Point = (start,)
        while point != _TARGET:
            # The way up is as long as the path, and paths are short.
            behind.setdefault(point, []).append(start)
            point = above[point]
    found = []
    for place, cut_off in behind.items():
        others = [start for start in cut_off if (start,) != place]
        is_hop = len(place) == 3
        if not others or (not is_hop and wanted(place[0])):
            continue
        found.append(
            ChokePoint(
                node=None if is_hop else place[0],
                start=place[0] if is_hop else None,
                end=place[1] if is_hop else None,
                how=place[2] if is_hop else None,
                cuts_off=len(others),
                such_as=tuple(others[:_SUCH_AS]),
            )
        )
    found.sort(
        key=lambda each: (
            -each.cuts_off,
            each.node is None,
            each.node or "",
            each.start or "",
            each.end or "",
        )
    )
    return ChokePoints(
        points=tuple(found[:limit]),
        sources=len(sources),
        truncated=not graph.complete or len(found) > limit,
    )
