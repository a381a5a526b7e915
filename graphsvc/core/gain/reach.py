"""How many hops held identities are from a tier: breadth first over what they may become and touch.

One hop each: an identity that may be assumed (CAN_ASSUME, or given by a rights rule), a resource that a
permission held is about (whatever it allows there), the identity whose credential a resource holds or that it runs as. Memberships are no hops.
Only distances below the largest one that a pattern asks for are looked at, so the search stays near its start.
"""

from __future__ import annotations

from collections.abc import Iterable

from graphsvc.core.estate import Estate
from graphsvc.core.gain.closure import Closures
from graphsvc.core.rights import Held, Rights

__all__ = ["Reach"]

_PASSES = ("HOLDS_CREDENTIAL", "RUNS_AS")
_MAX_LOOKED_AT = 100_000


class Reach:
    """Distances over an estate; what was found is forgotten when the graph changes."""

    def __init__(self, estate: Estate, rights: Rights, closures: Closures) -> None:
        self._estate = estate
        self._rights = rights
        self._closures = closures
        self._version = -1
        self._interesting: tuple[str, ...] = ()
        self._touches: dict[Held, tuple[str, ...]] = {}
        self._next: dict[str, tuple[str, ...]] = {}
        self._found: dict[tuple[frozenset[str], str, int], int | None] = {}

    def distance(self, held: frozenset[str], tier: str, below: int) -> int | None:
        """Hops from the nearest of the held identities to a resource of the tier, None when `below` or more.

        A search that grows over its limit counts as having arrived: nobody can say that it would not.
        """
        if self._version != self._estate.version:
            self._follow()
        name = (held, tier, below)
        if name not in self._found:
            self._found[name] = self._search(held, tier, below)
        return self._found[name]

    def _search(self, held: frozenset[str], tier: str, below: int) -> int | None:
        seen = set(held)
        edge: Iterable[str] = held
        for hops in range(1, below):
            further: list[str] = list(self._closures.of(held).gained) if hops == 1 else []
            for node in edge:
                further += self._successors(node)
            edge = list(dict.fromkeys(node for node in further if node not in seen))
            if any(self._has_tier(node, tier) for node in edge):
                return hops
            seen.update(edge)
            if len(seen) > _MAX_LOOKED_AT:
                return hops
        return None

    def _has_tier(self, key: str, tier: str) -> bool:
        node = self._estate.node(key) if key.startswith("resource:") else None
        return node is not None and node.tier == tier

    def _successors(self, key: str) -> tuple[str, ...]:
        found = self._next.get(key)
        if found is None:
            found = self._next[key] = tuple(self._looked_up(key))
        return found

    def _looked_up(self, key: str) -> Iterable[str]:
        estate = self._estate
        if key.startswith("resource:"):
            return [end for kind in _PASSES for end in estate.out(kind, key)]
        assumed = [end for holder in estate.holders(key) for end in estate.out("CAN_ASSUME", holder)]
        return [*assumed, *self._closures.of(frozenset((key,))).gained, *self._touched(key)]

    def _touched(self, identity: str) -> tuple[str, ...]:
        held = self._rights.held(identity)
        found = self._touches.get(held)
        if found is None:
            found = self._touches[held] = tuple(
                key for key in self._interesting if self._may_touch(identity, held, key)
            )
        return found

    def _may_touch(self, identity: str, held: Held, key: str) -> bool:
        places = self._estate.places(key)
        return any(
            self._rights.check(identity, action, key).allowed
            for permission in held.permissions
            if not permission.deny and permission.names(places)
            for action in permission.actions
        )

    def _follow(self) -> None:
        self._version = self._estate.version
        self._touches.clear()
        self._next.clear()
        self._found.clear()
        estate = self._estate
        self._interesting = tuple(
            node.key
            for node in estate.nodes()
            if node.kind == "resource"
            and (node.tier is not None or any(estate.out(kind, node.key) for kind in _PASSES))
        )
