"""All hops from some identities on, once: what choke points and cuts are computed over."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from graphsvc.explore.estate_view import EstateView
from graphsvc.explore.path import Hop, Path, hops_of

__all__ = ["HopGraph", "hop_graph"]


@dataclass(frozen=True, slots=True)
class HopGraph:
    """hops: by node those that leave it. complete: False when the time ran out before all were found."""

    hops: dict[str, tuple[Hop, ...]]
    complete: bool

    def ways(self, starts: Iterable[str], wanted: Callable[[str], bool]) -> dict[str, Path]:
        """By start the shortest path to a wanted node, where there is one; a start that is wanted has none."""
        into: dict[str, list[Hop]] = {}
        ends: list[str] = []
        seen: set[str] = set()
        for hops in self.hops.values():
            for hop in hops:
                into.setdefault(hop.end, []).append(hop)
                if hop.end not in seen and wanted(hop.end):
                    seen.add(hop.end)
                    ends.append(hop.end)
        following: dict[str, Hop] = {}
        queue = deque(ends)
        while queue:
            for hop in into.get(queue.popleft(), ()):
                if hop.start not in seen:
                    seen.add(hop.start)
                    following[hop.start] = hop
                    queue.append(hop.start)
        found: dict[str, Path] = {}
        for start in starts:
            hops_: list[Hop] = []
            node = start
            while node in following:
                hops_.append(following[node])
                node = hops_[-1].end
            if hops_:
                found[start] = Path(tuple(hops_))
        return found


def hop_graph(
    view: EstateView, starts: Iterable[str], *, is_over: Callable[[], bool] = lambda: False
) -> HopGraph:
    """Every hop that can be taken from the starts on. is_over: asked now and then whether to stop."""
    hops: dict[str, tuple[Hop, ...]] = {}
    queue = list(dict.fromkeys(starts))
    known = set(queue)
    for node in queue:
        if is_over():
            return HopGraph(hops, complete=False)
        # One of several hops to the same node is enough, a certain one if there is one.
        leaving: dict[str, Hop] = {}
        for hop in sorted(hops_of(view, node), key=lambda each: each.certainty != "yes"):
            leaving.setdefault(hop.end, hop)
        hops[node] = tuple(leaving.values())
        for end in leaving:
            if end not in known:
                known.add(end)
                queue.append(end)
    return HopGraph(hops, complete=True)
