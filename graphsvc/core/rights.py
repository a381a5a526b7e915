"""Entitlement: may this identity do this to that, by the permissions it holds?

An action is allowed when a permission of any holder (the identity, its groups, their roles) allows it and
none denies it. Caps (boundaries, organisation policies) must allow it too, one of each level. A condition
nobody can decide is unknown: of an allow that means no, of a deny it means yes.

Most identities hold nothing but plain permissions, and then the first that names the resource decides: the few
permissions that speak of the action and name the place are looked up, and looked for among those that the identity
holds. Of the others everything that covers the resource is looked at. The index follows changes of the graph, each
by what it concerns; the answers do not depend on the order in which anything came.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

import msgspec
from pyroaring import BitMap

from graphsvc.core.estate import NESTED, Estate
from graphsvc.core.event import Event
from graphsvc.core.held import Held
from graphsvc.core.known import Parties
from graphsvc.core.membership import Memberships
from graphsvc.core.memo import Memo
from graphsvc.core.native import Asked
from graphsvc.core.permission import Permission
from graphsvc.core.permission_index import PermissionIndex, Speaking, Spelled, spelled
from graphsvc.core.question import Questions
from graphsvc.core.right import NOTHING, Right, capped
from graphsvc.core.sources import Changes
from graphsvc.core.value import Json

__all__ = ["Held", "Right", "Rights"]

_CAP = "CAPPED_BY"
_HELD = ("GRANTED", _CAP)
_IDENTITY = "identity:"
_MANY_SETS = 20_000
_MANY_PLACES = 64  # that are remembered of parties
_NOTHING_GIVEN: Mapping[str, Json] = {}


class _Who(msgspec.Struct, eq=False, gc=False):
    """What is known of an identity with more than plain permissions that name what they are about.

    held: numbers of its permissions; named: the same as characters, nothing where special. wild: of those that name resources by
    wildcard. special: it holds one that does not simply allow, or is capped. caps: by level.
    """

    held: BitMap
    named: Spelled
    wild: BitMap
    special: bool
    caps: tuple[tuple[Permission, ...], ...]


class Rights:
    """Answers over an estate, whose changes it follows."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate
        self._version = estate.version
        self._turn = 0  # grows whenever an answer may be another
        self._index = PermissionIndex(estate)
        self._memberships = Memberships(estate, self._index.given)
        # Of an identity with plain permissions that name what they are about it is enough to know which these are.
        self._who: Memo[str, Spelled | _Who] = Memo()
        self._capped = bool(estate.starts(_CAP))
        self._places: Memo[str, tuple[str, ...]] = Memo()
        self._equal_places: Memo[tuple[str, ...], tuple[str, ...]] = Memo()
        self._named_version = self._index.named_version
        self._held: Memo[str, Held] = Memo()
        self._sets: Memo[tuple[tuple[str, ...], ...], Held] = Memo(_MANY_SETS)

    def check(
        self,
        identity: str,
        action: str,
        resource: str,
        event: Event | None = None,
        given: Mapping[str, Json] = _NOTHING_GIVEN,
    ) -> Right:
        """identity, resource: keys. An identity without permissions is not entitled.

        event, given: what conditions are judged by; without them those that ask for more than the graph says are unknown.
        """
        if self._version != self._estate.version:
            self.follow()
        who = self._who.get(identity)
        if who is None:
            who = self._looked_up(identity)
        speaking = self._index.speaking(action)
        if isinstance(who, _Who) and who.special:
            return self._decide(who, speaking, action, Asked(self._estate, identity, resource, event, given))
        named = who.named if isinstance(who, _Who) else who
        places = self._places.get(resource)
        number = self._naming(named, speaking, places if places is not None else self._placed(resource))
        if number is not None:
            return Right(True, "entitled", self._index.numbered(number).key)
        if isinstance(who, _Who):
            hits = who.wild & speaking.numbers
            if hits:
                return self._by_wildcard(hits, resource)
        return NOTHING

    def all_allowed(self, who: Parties, action: str, resource: str) -> bool:
        """True when each party holds a plain permission that names the resource; else `check` says why, or why not.

        What most decisions ask, without telling which permission it was. What they hold that names the outermost place
        is remembered with the parties, for they will soon act there again: a few characters instead of all they hold.
        """
        if self._version != self._estate.version:
            self.follow()
        places = self._places.get(resource)
        if places is None:
            places = self._placed(resource)
        speaking = self._index.speaking(action)
        outermost = places[-1] if places else resource
        if outermost != resource:
            exact = speaking.exact.get(outermost)
            if exact is None:
                exact = self._index.naming(speaking, outermost)
            memo, turn = who.memo, self._turn
            if memo.there_turn != turn:
                memo.there, memo.there_turn = {}, turn
            there = memo.there.get(outermost)
            if there is None:
                there = self._held_there(who, outermost)
            for held in there:
                for one in exact:
                    if one in held:
                        break
                else:
                    break
            else:
                return True
        return all(self._naming(self._named(identity), speaking, places) is not None for identity in who.keys)

    def _held_there(self, who: Parties, place: str) -> tuple[Spelled, ...]:
        """Of each party those of its plain permissions that name a place, remembered with the parties."""
        memo = who.memo
        if len(memo.there) >= _MANY_PLACES:
            memo.there.clear()
        named = self._index.named(place)
        held: tuple[Spelled, ...] = tuple([_both(named, self._named(key)) for key in who.keys])
        memo.there[place] = held
        return held

    def anywhere(
        self, identity: str, action: str, *, lenient: bool, given: Mapping[str, Json] = _NOTHING_GIVEN
    ) -> bool:
        """True when the action is allowed on something; lenient: a condition nobody can decide may hold.

        Asked of every resource that a permission or cap names, wildcards as they are written, under caps
        of what these contain, and of the resources of the graph on which two wildcards meet: of others such a right is not seen.
        """
        held = self.held(identity)
        if not held.of(action):
            return False
        if held.free(action):
            return True
        named: Iterable[str] = held.samples(action)
        if held.caps:
            inside = dict.fromkeys(inside for sample in named for inside in self._estate.contained(sample))
            named = chain(inside, self._meeting(held, action))
        answers = (self.check(identity, action, sample, None, given) for sample in named)
        return any(right.allowed or (lenient and right.code == "condition_unknown") for right in answers)

    def _meeting(self, held: Held, action: str) -> Iterator[str]:
        """Resources of the graph that both permissions and the caps of each level may be about, where both name some by wildcard."""
        allowing = [each for each in held.of(action) if not each.deny]
        levels = [[cap for cap in level if not cap.deny and cap.speaks_of(action)] for level in held.caps]
        if not all(levels) or not any(cap.wild for level in levels for cap in level):
            return
        if any(each.wild for each in allowing):
            for node in self._estate.loose()[0]:
                if node.kind == "resource":
                    places = self._estate.places(node.key)
                    if all(any(one.covers(places) for one in some) for some in (allowing, *levels)):
                        yield node.key

    def held(self, identity: str) -> Held:
        """What the identity holds; the same value for all who hold the same, until that changes."""
        self.follow()
        found = self._held.get(identity)
        return found if found is not None else self._held.put(identity, self._set_of(identity))

    def count(self, identity: str) -> int:
        """How many permissions the identity holds."""
        return len(self.permissions(identity))

    def permissions(self, identity: str) -> tuple[Permission, ...]:
        """All the identity holds, by itself, its groups and roles."""
        return self.held(identity).permissions

    def permission(self, key: str) -> Permission | None:
        """A permission by key, whoever holds it; None when no source asserts it."""
        self.follow()
        return self._index.of(key)

    def is_plain(self, identity: str) -> bool:
        """True when it holds nothing but permissions that simply allow something, and no cap."""
        if not self.has_special:
            return True
        who = self._who.get(identity)
        if who is None:
            who = self._looked_up(identity)
        return not isinstance(who, _Who) or not (who.special or who.held.intersect(self._index.idle))

    @property
    def has_special(self) -> bool:
        """True when there is a permission that does not simply allow something, or a cap."""
        self.follow()
        return self._capped or bool(self._index.special) or bool(self._index.idle)

    @property
    def has_whole(self) -> bool:
        """True when there is a permission for everything everywhere."""
        self.follow()
        return bool(self._index.whole)

    @property
    def questions(self) -> Questions:
        """What conditions of permissions ask for."""
        self.follow()
        return self._index.questions

    # -- following the graph ---------------------------------------------------------------------

    def follow(self) -> None:
        """Take up what changed of the estate since the last time."""
        estate = self._estate
        if self._version == estate.version:
            return
        changes = estate.changed_since(self._version)
        self._version = estate.version
        self._turn += 1
        if changes is None:
            self._index.reset()
            self._memberships.forget()
            self._capped = bool(estate.starts(_CAP))
            self._who.clear()
            self._places.clear()
            self._held.clear()
            self._sets.clear()
        else:
            self._follow(changes)
        if self._named_version != self._index.named_version:
            self._named_version = self._index.named_version
            self._places.clear()

    def _follow(self, changes: Changes) -> None:
        permissions = {key for key in changes.nodes if key.startswith("permission:")}
        permissions |= {start for kind, start, _ in changes.edges if kind == "ON"}
        for key in permissions:
            self._index.changed(key)
        holders = {holder for key in permissions for kind in _HELD for holder in self._estate.into(kind, key)}
        for kind, start, end in changes.edges:
            if kind in _HELD:
                holders.add(start)
                self._capped = self._capped or kind == _CAP
            elif kind in NESTED:
                self._nest(start)
            elif kind == "CONTAINS":
                self._move(end)
        for holder in holders:
            self._give(holder)
        if permissions:
            # Sets are shared by name, and a permission of that name means something else now.
            self._sets.clear()

    def _give(self, holder: str) -> None:
        self._held.clear()
        if holder.startswith(_IDENTITY):
            self._who.forget(holder)
        else:
            self._memberships.given(holder)
            self._who.clear()

    def _nest(self, start: str) -> None:
        self._held.clear()
        if start.startswith(_IDENTITY):
            self._who.forget(start)
        else:
            self._memberships.nested(start)
            self._who.clear()

    def _move(self, resource: str) -> None:
        if self._estate.out("CONTAINS", resource):
            self._places.clear()
        else:
            self._places.forget(resource)

    # -- looking up ------------------------------------------------------------------------------

    def _named(self, identity: str) -> Spelled:
        """What it holds by name of the place; nothing when it is special."""
        who = self._who.get(identity)
        if who is None:
            who = self._looked_up(identity)
        return who.named if isinstance(who, _Who) else who

    def _looked_up(self, identity: str) -> Spelled | _Who:
        index = self._index
        held = self._memberships.permissions(identity)
        caps = self._caps(identity) if self._capped else ()
        special = bool(caps) or held.intersect(index.special)
        if special or held.intersect(index.wild) or held.intersect(index.idle):
            named = "" if special else spelled(held)
            return self._who.put(identity, _Who(held, named, held & index.wild, special, caps))
        return self._who.put(identity, spelled(held))

    def _naming(self, held: Spelled, speaking: Speaking, places: tuple[str, ...]) -> int | None:
        """The first of the permissions held that speaks of the action and names one of the places."""
        exact = speaking.exact
        for place in places:
            here = exact.get(place)
            for one in here if here is not None else self._index.naming(speaking, place):
                if one in held:
                    return ord(one)
        return None

    def _placed(self, resource: str) -> tuple[str, ...]:
        """The resource and what contains it, of these the ones that a permission names."""
        is_named = self._index.is_named
        places = tuple(place for place in self._estate.ancestors(resource) if is_named(place))
        # Resources side by side share theirs, which saves fetching it from afar for each.
        equal = self._equal_places.get(places)
        return self._places.put(resource, equal or self._equal_places.put(places, places))

    def _caps(self, identity: str) -> tuple[tuple[Permission, ...], ...]:
        return tuple(map(self._index.every, self._levels(self._estate.holders(identity))))

    def _levels(self, holders: Iterable[str]) -> list[tuple[str, ...]]:
        """Keys of caps by level, levels and caps in order."""
        levels: dict[str, set[str]] = {}
        for holder in holders:
            for key, edge in self._estate.out(_CAP, holder).items():
                levels.setdefault(str(edge.properties.get("level", "boundary")), set()).add(key)
        return [tuple(sorted(keys)) for _, keys in sorted(levels.items())]

    def _set_of(self, identity: str) -> Held:
        estate = self._estate
        holders = estate.holders(identity)
        keys = dict.fromkeys(key for holder in holders for key in estate.out("GRANTED", holder))
        levels = self._levels(holders)
        name = (tuple(keys), *levels)
        found = self._sets.get(name)
        if found is None:
            caps = tuple(map(self._index.every, levels))
            found = self._sets.put(name, Held(self._index.every(keys), caps, simple=not self.has_special))
        return found

    # -- deciding --------------------------------------------------------------------------------

    def _by_wildcard(self, hits: BitMap, resource: str) -> Right:
        """Of plain permissions that speak of the action, one that names the resource by wildcard."""
        held = [self._index.numbered(number) for number in hits]
        places = self._estate.places(resource)
        covering = [each.key for each in held if each.covers(places)]
        return Right(True, "entitled", min(covering)) if covering else NOTHING

    def _decide(self, who: _Who, speaking: Speaking, action: str, asked: Asked) -> Right:
        resource = asked.resource
        allowed: str | None = None
        unknown: Right | None = None
        for permission in self._covering(who, speaking, resource):
            holds, missing = permission.holds(asked)
            if permission.deny:
                if holds is not False:
                    return Right(False, "denied_explicitly", permission.key, missing=missing)
            elif holds:
                allowed = allowed or permission.key
            elif holds is None and unknown is None:
                unknown = Right(False, "condition_unknown", permission.key, missing=missing)
        if who.caps:
            places = self._estate.places(resource)
            for level in who.caps:
                capping = [each for each in level if each.speaks_of(action) and each.covers(places)]
                refusal = capped(capping, asked)
                if refusal is not None:
                    return refusal
        if allowed is not None:
            return Right(True, "entitled", allowed)
        return unknown if unknown is not None else NOTHING

    def _covering(self, who: _Who, speaking: Speaking, resource: str) -> list[Permission]:
        """Permissions held that speak of the action and hold for the resource, by key."""
        index, held = self._index, who.held
        numbers: set[int] = set()
        places = self._places.get(resource)
        for place in places if places is not None else self._placed(resource):
            numbers.update(number for number in index.naming_all(speaking, place) if number in held)
        hits = who.wild & speaking.numbers
        if not numbers and not hits:
            return []
        names = self._estate.places(resource)
        found = [index.numbered(number) for number in numbers]
        found = [each for each in found if not each.excepts(names)]
        for number in hits:
            permission = index.numbered(number)
            if number not in numbers and permission.covers(names):
                found.append(permission)
        if len(found) > 1:
            found.sort(key=lambda each: each.key)
        return found


def _both(some: Spelled, others: Spelled) -> Spelled:
    """What is among both; all of the others where there are too many to look through."""
    return "".join([each for each in some if each in others]) if isinstance(some, str) else others
