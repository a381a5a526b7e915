"""Least distances to some targets in a changing graph, kept up to date edge by edge.

Every node that reaches a target keeps its distance and the next node on one shortest way, so the ways form a forest. An
edge more lowers distances outward from its start, nearest first. An edge less matters only if it lies on one of those
ways: then the nodes behind it lose their distance and find another among those that kept theirs. The cost follows the
number of nodes whose distance or way changes, not the size of the graph; edges of length 0 and cycles are allowed.
Source: Ramalingam and Reps, "An incremental algorithm for a generalization of the shortest-path problem", 1996; that
ways are kept, not counted, is what makes cycles of length 0 safe.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heapify, heappop, heappush

__all__ = ["Distances", "Network"]


class Network:
    """A directed graph with edges of whole length, at most one from a node to another; nodes are numbers.

    Its `Distances` follow every change.
    """

    def __init__(self) -> None:
        self.out: dict[int, dict[int, int]] = {}
        self.into: dict[int, dict[int, int]] = {}
        self._following: list[Distances] = []

    def distances(self, targets: Iterable[int] = ()) -> Distances:
        """Distances to some nodes, from now on."""
        found = Distances(self)
        self._following.append(found)
        found.set_targets(targets)
        return found

    def insert(self, start: int, end: int, length: int) -> None:
        """An edge is there, of this length whatever it was before."""
        held = self.out.get(start, {}).get(end)
        if held == length:
            return
        if held is not None:
            self.delete(start, end)
        self.out.setdefault(start, {})[end] = length
        self.into.setdefault(end, {})[start] = length
        for each in self._following:
            each.inserted(start, end, length)

    def delete(self, start: int, end: int) -> None:
        """An edge is not there; unknown ones are no error."""
        ends = self.out.get(start)
        if ends is None or ends.pop(end, None) is None:
            return
        del self.into[end][start]
        for each in self._following:
            each.deleted(start, end)


class Distances:
    """least: distances of the nodes that reach a target; the others are not there."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._targets: set[int] = set()
        self.least: dict[int, int] = {}
        self._next: dict[int, int] = {}

    def set_targets(self, targets: Iterable[int]) -> None:
        """These and no others are the targets."""
        wanted = set(targets)
        gone, new = self._targets - wanted, wanted - self._targets
        self._targets = wanted
        for node in gone:
            self._lost(node)
        for node in new:
            if self.least.get(node) != 0:
                self.least[node] = 0
                self._next.pop(node, None)
            else:
                self._next.pop(node, None)
        self._lower([(0, node) for node in new])

    def inserted(self, start: int, end: int, length: int) -> None:
        """Told by the network."""
        there = self.least.get(end)
        if there is None:
            return
        here = self.least.get(start)
        if here is None or there + length < here:
            self.least[start] = there + length
            self._next[start] = end
            self._lower([(there + length, start)])

    def deleted(self, start: int, end: int) -> None:
        """Told by the network."""
        if self._next.get(start) == end:
            self._lost(start)

    def _lower(self, queue: list[tuple[int, int]]) -> None:
        """Distances outward from nodes that have just got theirs."""
        least, following, into = self.least, self._next, self._network.into
        heapify(queue)
        while queue:
            distance, node = heappop(queue)
            if distance > least[node]:
                continue
            for before, length in into.get(node, {}).items():
                held = least.get(before)
                if held is None or distance + length < held:
                    least[before] = distance + length
                    following[before] = node
                    heappush(queue, (distance + length, before))

    def _lost(self, start: int) -> None:
        """The way of a node is gone, and of all whose ways lead through it; most find another at once."""
        least, following, network = self.least, self._next, self._network
        affected = {start: None}
        queue = [start]
        for node in queue:
            for before in network.into.get(node, ()):
                if following.get(before) == node and before not in affected:
                    affected[before] = None
                    queue.append(before)
        for node in affected:
            least.pop(node, None)
            following.pop(node, None)
        found: list[tuple[int, int]] = []
        for node in affected:
            if node in self._targets:
                least[node] = 0
                found.append((0, node))
                continue
            best: int | None = None
            by = node
            for end, length in network.out.get(node, {}).items():
                there = least.get(end)
                # Those of the affected that have found another way by now have as good a claim as any.
                if there is not None and (best is None or there + length < best):
                    best, by = there + length, end
            if best is not None:
                least[node] = best
                following[node] = by
                found.append((best, node))
        self._lower(found)
