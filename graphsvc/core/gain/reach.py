"""How many hops held identities are from a tier.

Distances over the graph are kept, see `capability`. What identities gain by rights rules depends on which of them are
held together, so those hops are added when the question is asked: by a search that goes no further than a rule fired
there could still bring something nearer than what is known already.
"""

from __future__ import annotations

from heapq import heappop, heappush

from graphsvc.core.estate import Estate
from graphsvc.core.gain.capability import Capability
from graphsvc.core.gain.closure import Closures
from graphsvc.core.memo import Memo
from graphsvc.core.rights import Rights

__all__ = ["Reach"]

_MAX_LOOKED_AT = 100_000


class Reach:
    """Distances over an estate, whose changes it follows."""

    def __init__(self, estate: Estate, rights: Rights, closures: Closures) -> None:
        self._closures = closures
        self._capability = Capability(estate, rights)
        self._assumes = any(
            rule.gives is not None and rule.gives.assume is not None for rule in closures.rules
        )
        self._found: Memo[tuple[frozenset[str], str, int], tuple[int | None]] = Memo()

    def distance(self, held: frozenset[str], tier: str, below: int) -> int | None:
        """Hops from the nearest of the held identities to a resource of the tier, None when `below` or more.

        A search that grows over its limit counts as having arrived: nobody can say that it would not.
        """
        self._follow()
        name = (held, tier, below)
        found = self._found.get(name)
        if found is None:
            found = self._found.put(name, (self._nearest(held, tier, below),))
        return found[0]

    def met(self, held: frozenset[str], below: int) -> frozenset[str]:
        """Identities from which a way of fewer than `below` hops may still go on, those held included."""
        self._follow()
        capability, closures = self._capability, self._closures
        out, names = capability.network.out, capability.names
        hops = {capability.number(key): 0 for key in held}
        queue = [(0, node) for node in hops]

        def come(node: int, distance: int) -> None:
            if distance + 1 < below and distance < hops.get(node, below):
                hops[node] = distance
                heappush(queue, (distance, node))

        for key in closures.of(held).gained:
            come(capability.number(key), 1)
        while queue:
            distance, node = heappop(queue)
            if distance > hops[node]:
                continue
            if names[node].startswith("identity:"):
                for key in closures.of(frozenset((names[node],))).gained:
                    come(capability.number(key), distance + 1)
            for end, length in out.get(node, {}).items():
                come(end, distance + length)
        return frozenset(names[node] for node in hops if names[node].startswith("identity:"))

    def _follow(self) -> None:
        if self._capability.follow():
            self._found.clear()

    def _nearest(self, held: frozenset[str], tier: str, below: int) -> int | None:
        capability = self._capability
        least = capability.distances(tier).least
        best = min((least.get(capability.number(key), below) for key in held), default=below)
        if self._assumes:
            best = min(best, self._by_rules(held, least, min(best, below)))
        return best if best < below else None

    def _by_rules(self, held: frozenset[str], least: dict[int, int], bound: int) -> int:
        """Hops of a way on which a rule fires, if it is less than `bound`; else `bound`."""
        capability, closures = self._capability, self._closures
        out, names = capability.network.out, capability.names
        hops: dict[int, int] = {}
        queue: list[tuple[int, int]] = []

        def come(node: int, distance: int) -> None:
            # A rule fired here costs a hop, and what it brings is at least one more away.
            if distance + 2 < bound and distance < hops.get(node, bound):
                hops[node] = distance
                heappush(queue, (distance, node))

        def gain(keys: dict[str, object], distance: int) -> None:
            nonlocal bound
            for key in keys:
                node = capability.number(key)
                bound = min(bound, distance + least.get(node, bound))
                come(node, distance)

        for key in held:
            come(capability.number(key), 0)
        if bound > 2:
            gain(dict(closures.of(held).gained), 1)
        while queue:
            distance, node = heappop(queue)
            if distance > hops[node] or distance + 2 >= bound:
                continue
            if names[node].startswith("identity:"):
                gain(dict(closures.of(frozenset((names[node],))).gained), distance + 1)
            for end, length in out.get(node, {}).items():
                come(end, distance + length)
            if len(hops) > _MAX_LOOKED_AT:
                return distance + 1
        return bound
