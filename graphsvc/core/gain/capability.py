"""What leads to what, as a network whose distances are kept: who may become whom, and touch what.

One hop each: an identity that may be assumed, a resource that a permission held is about, the identity whose credential
a resource holds or that it runs as. Between them lie nodes that cost nothing: groups and roles, permissions, and
what lies within a resource. Whoever holds a denial, a condition or a cap has edges of its own instead, to what it
may touch in the end; its groups then only lead to whom they may assume.
"""

from __future__ import annotations

from collections.abc import Iterable

from graphsvc.core.estate import NESTED, Estate
from graphsvc.core.gain.distance import Distances, Network
from graphsvc.core.permission import Permission
from graphsvc.core.rights import Rights
from graphsvc.core.sources import Changes

__all__ = ["Capability"]

PASSES = ("HOLDS_CREDENTIAL", "RUNS_AS")
# Kinds of nodes that stand for no identity or resource: a holder with its permissions, one only with whom it may
# assume, and what lies within a resource.
_HOLDER, _ASSUMER, _WITHIN = "holder|", "assumer|", "within|"
_GIVEN = ("GRANTED", "CAPPED_BY")

Ends = dict[str, int]


class Capability:
    """The network of an estate; `follow` takes up its changes."""

    def __init__(self, estate: Estate, rights: Rights) -> None:
        self._estate = estate
        self._rights = rights
        self._version = -1
        self.network = Network()
        self._numbers: dict[str, int] = {}
        self.names: list[str] = []
        self._by_tier: dict[str, Distances] = {}
        self._tiers: dict[str, str] = {}  # of the resources that have one
        self._interesting: dict[str, None] = {}
        self._special: set[str] = set()  # identities with edges of their own
        self._wild: set[str] = set()  # permissions that name resources by wildcard

    def number(self, key: str) -> int:
        """The number of a node of the network."""
        found = self._numbers.get(key)
        if found is None:
            found = self._numbers[key] = len(self.names)
            self.names.append(key)
        return found

    def distances(self, tier: str) -> Distances:
        """Hops from everything to the nearest resource of a tier."""
        found = self._by_tier.get(tier)
        if found is None:
            found = self._by_tier[tier] = self.network.distances(self._of_tier(tier))
        return found

    def follow(self) -> bool:
        """Take up what changed of the estate since the last time; False when nothing did."""
        estate = self._estate
        if self._version == estate.version:
            return False
        changes = estate.changed_since(self._version) if self._version >= 0 else None
        self._version = estate.version
        if changes is None:
            self._build()
        else:
            self._follow(changes)
        return True

    def _build(self) -> None:
        estate = self._estate
        self.network = Network()
        self._by_tier.clear()
        self._tiers.clear()
        self._interesting.clear()
        self._special.clear()
        self._wild.clear()
        nodes = [node.key for node in estate.loose()[0]]
        holders = {end for kind in NESTED for end in estate.ends(kind)}
        self._look(key for key in nodes if key.startswith("resource:"))
        owners = dict.fromkeys(
            key for key in nodes if key.startswith(("identity:", "permission:", "resource:"))
        )
        owners |= dict.fromkeys(
            start for kind in (*NESTED, *_GIVEN, "CAN_ASSUME") for start in estate.starts(kind)
        )
        owners |= dict.fromkeys(start for kind in PASSES for start in estate.starts(kind))
        owners |= dict.fromkeys(key for start in estate.starts("CONTAINS") for key in (_WITHIN + start,))
        owners |= dict.fromkeys(_WITHIN + key for key in self._interesting)
        owners |= dict.fromkeys(plane + key for key in holders for plane in (_HOLDER, _ASSUMER))
        for owner in owners:
            self._set(owner)

    # -- one change ------------------------------------------------------------------------------

    def _follow(self, changes: Changes) -> None:
        estate = self._estate
        owners: dict[str, None] = {}
        holders: dict[str, None] = {}  # those of whose members what they hold may be of another kind now
        resources = [key for key in changes.nodes if key.startswith("resource:")]
        for key in changes.nodes:
            if key.startswith("permission:"):
                owners[key] = None
                holders |= dict.fromkeys(start for kind in _GIVEN for start in estate.into(kind, key))
        moved = False
        for kind, start, end in changes.edges:
            if kind in NESTED or kind in _GIVEN:
                holders[start] = None
                owners |= dict.fromkeys((start, *self._planes(start)))
                if kind in NESTED:
                    owners |= dict.fromkeys(self._planes(end))
            elif kind == "CAN_ASSUME":
                owners |= dict.fromkeys((start, *self._planes(start)))
            elif kind == "ON":
                owners[start] = None
                holders |= dict.fromkeys(holder for kind in _GIVEN for holder in estate.into(kind, start))
            elif kind == "CONTAINS":
                moved = True
                owners |= dict.fromkeys(_WITHIN + each for each in (start, *estate.into("CONTAINS", start)))
            elif kind in PASSES:
                owners[start] = None
                resources.append(start)
        changed = self._look(resources)
        for key in changed:
            owners |= dict.fromkeys(_WITHIN + each for each in (key, *estate.into("CONTAINS", key)))
        if moved or changed:
            owners |= dict.fromkeys((*self._wild, *self._special))
        if self._special or self._rights.has_special:
            owners |= dict.fromkeys(self._identities(holders))
        for owner in owners:
            self._set(owner)

    def _look(self, resources: Iterable[str]) -> list[str]:
        """Look again at tiers and passes. Returns the resources that came into question, or no longer do."""
        estate = self._estate
        changed: list[str] = []
        tiers: set[str] = set()
        for key in resources:
            node = estate.node(key)
            tier = node.tier if node is not None else None
            if self._tiers.get(key) != tier:
                tiers.update(each for each in (self._tiers.pop(key, None), tier) if each is not None)
                if tier is not None:
                    self._tiers[key] = tier
            matters = node is not None and (tier is not None or any(estate.out(kind, key) for kind in PASSES))
            if matters is not (key in self._interesting):
                changed.append(key)
                if matters:
                    self._interesting[key] = None
                else:
                    del self._interesting[key]
        for tier in tiers:
            distances = self._by_tier.get(tier)
            if distances is not None:
                distances.set_targets(self._of_tier(tier))
        return changed

    def _of_tier(self, tier: str) -> list[int]:
        return [self.number(key) for key, held in self._tiers.items() if held == tier]

    def _identities(self, holders: Iterable[str]) -> Iterable[str]:
        """All that belong to some holders, themselves included."""
        seen = dict.fromkeys(holders)
        queue = list(seen)
        for node in queue:
            for kind in NESTED:
                for member in self._estate.into(kind, node):
                    if member not in seen:
                        seen[member] = None
                        queue.append(member)
        return [key for key in seen if key.startswith("identity:")]

    def _planes(self, key: str) -> tuple[str, ...]:
        """Nodes that stand for a holder, if anybody is in it."""
        into = self._estate.into
        return (_HOLDER + key, _ASSUMER + key) if any(into(kind, key) for kind in NESTED) else ()

    # -- the edges of one node -------------------------------------------------------------------

    def _set(self, owner: str) -> None:
        """Give a node the edges that it should have."""
        start, network = self.number(owner), self.network
        wanted = {self.number(end): length for end, length in self._ends(owner).items() if end != owner}
        for end in [end for end in network.out.get(start, ()) if end not in wanted]:
            network.delete(start, end)
        for end, length in wanted.items():
            network.insert(start, end, length)

    def _ends(self, owner: str) -> Ends:
        plane, bar, key = owner.partition("|")
        match plane + bar:
            case "holder|":
                return self._nested(key, _HOLDER) | dict.fromkeys(self._estate.out("GRANTED", key), 0)
            case "assumer|":
                return self._nested(key, _ASSUMER)
            case "within|":
                return self._contents(key)
        if owner.startswith("identity:"):
            return self._of_identity(owner)
        if owner.startswith("permission:"):
            return self._about(owner)
        if owner in self._interesting:
            return {end: 1 for kind in PASSES for end in self._estate.out(kind, owner)}
        return {}

    def _nested(self, key: str, plane: str) -> Ends:
        nested = {plane + end: 0 for kind in NESTED for end in self._estate.out(kind, key)}
        return nested | dict.fromkeys(self._estate.out("CAN_ASSUME", key), 1)

    def _of_identity(self, key: str) -> Ends:
        if self._rights.is_plain(key):
            self._special.discard(key)
            return self._nested(key, _HOLDER) | dict.fromkeys(self._estate.out("GRANTED", key), 0)
        self._special.add(key)
        held = self._rights.permissions(key)
        return self._nested(key, _ASSUMER) | {
            resource: 1 for resource in self._interesting if self._may_touch(key, held, resource)
        }

    def _about(self, key: str) -> Ends:
        """Resources that a permission is about, if it simply allows something."""
        permission = self._rights.permission(key)
        if permission is None or not permission.wild:
            self._wild.discard(key)
        else:
            self._wild.add(key)
        if permission is None or not permission.is_plain or permission.is_idle:
            return {}
        ends = {_WITHIN + place: 1 for place in permission.exact}
        if permission.wild:
            places = self._estate.places
            ends |= {each: 1 for each in self._interesting if permission.names(places(each))}
        return ends

    def _contents(self, key: str) -> Ends:
        estate, interesting = self._estate, self._interesting
        ends = {
            _WITHIN + inside: 0
            for inside in estate.out("CONTAINS", key)
            if inside in interesting or estate.out("CONTAINS", inside)
        }
        if key in interesting:
            ends[key] = 0
        return ends

    def _may_touch(self, identity: str, held: Iterable[Permission], key: str) -> bool:
        places = self._estate.places(key)
        return any(
            self._rights.check(identity, action, key).allowed
            for permission in held
            if not permission.deny and permission.names(places)
            for action in permission.actions
        )
