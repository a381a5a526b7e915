"""Entitlement: may this identity do this to that, by the permissions it holds?

An action is allowed when a permission of any holder (the identity, its groups, their roles) allows it and
none denies it. Caps (boundaries, organisation policies) must allow it too, one of each level. A condition
nobody can decide is unknown: of an allow that means no, of a deny it means yes.

The index is made as it is asked: per identity the permissions held, shared by all who hold the same; per action
those that speak of it, found by the resource's key. A change of the graph forgets what it concerns, no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from graphsvc.core.estate import Estate
from graphsvc.core.event import Event
from graphsvc.core.permission import Permission, compile_permission

__all__ = ["Held", "Right", "Rights"]

_CAP = "CAPPED_BY"
_HELD = ("GRANTED", _CAP)
_NESTED = ("MEMBER_OF", "HAS_ROLE", "INHERITS")
_MANY_SETS = 100_000


@dataclass(frozen=True, slots=True)
class Right:
    """The answer. code: `entitled`, `not_entitled`, `denied_explicitly` or `condition_unknown`.

    rule: key of the permission that decided it, if one did. capped: a cap forbids it, so that no
    grant may allow it either. missing: attributes without which a condition cannot be decided.
    """

    allowed: bool
    code: str
    rule: str | None = None
    capped: bool = False
    missing: tuple[str, ...] = ()


_NOTHING = Right(False, "not_entitled")


class _Speaking:
    """Permissions that speak of one action, in the order they are held, found by the resource's key.

    answer: when neither the resource nor a condition matters.
    """

    __slots__ = ("allowing", "answer", "exact", "held", "plain", "wild")

    def __init__(self, held: tuple[Permission, ...], *, capped: bool) -> None:
        self.held = held
        self.exact: dict[str, list[int]] = {}
        self.wild = tuple(place for place, each in enumerate(held) if each.glob is not None)
        for place, each in enumerate(held):
            for key in each.exact:
                self.exact.setdefault(key, []).append(place)
        # Without a deny, a cap, a condition or an exception the first that names the resource decides.
        self.plain = not capped and not any(
            each.deny or each.conditional or each.except_resource is not None for each in held
        )
        self.allowing = tuple(Right(True, "entitled", each.key) for each in held) if self.plain else ()
        self.answer: Right | None = None
        if not held and not capped:
            self.answer = _NOTHING
        elif not capped and not any(each.deny for each in held):
            free = next((each for each in held if each.anywhere and not each.conditional), None)
            self.answer = Right(True, "entitled", free.key) if free is not None else None

    def first(self, places: tuple[tuple[str, str], ...]) -> Right:
        """The answer of plain ones."""
        exact = self.exact
        for key, _ in places:
            here = exact.get(key)
            if here is not None:
                return self.allowing[here[0]]
        for number in self.wild:
            glob = self.held[number].glob
            for _, name in places:
                if glob(name):  # type: ignore[misc]  # those listed have one
                    return self.allowing[number]
        return _NOTHING

    def covering(self, places: tuple[tuple[str, str], ...]) -> list[Permission]:
        """Those that hold for a resource. places: keys and names of it and of what contains it."""
        held, exact = self.held, self.exact
        found: list[int] = []
        if exact:
            for key, _ in places:
                here = exact.get(key)
                if here is not None:
                    found += here
        for number in self.wild:
            each = held[number]
            if each.anywhere or any(each.glob(name) for _, name in places):  # type: ignore[misc]  # it has one
                found.append(number)
        if len(found) > 1:
            found = sorted(set(found))
        return [held[number] for number in found if not held[number].excepts(places)]


class Held:
    """Permissions and caps of everybody who holds exactly these; answers per action are remembered."""

    __slots__ = ("by_action", "caps", "permissions")

    def __init__(self, permissions: tuple[Permission, ...], caps: tuple[tuple[Permission, ...], ...]) -> None:
        self.permissions = permissions
        self.caps = caps
        self.by_action: dict[str, tuple[_Speaking, tuple[_Speaking, ...]]] = {}

    def of(self, action: str) -> tuple[_Speaking, tuple[_Speaking, ...]]:
        """Permissions that speak of the action, and caps that do, by level."""
        found = self.by_action.get(action)
        if found is None:
            found = self.by_action[action] = (
                _Speaking(_speaking(self.permissions, action), capped=bool(self.caps)),
                tuple(_Speaking(_speaking(level, action), capped=True) for level in self.caps),
            )
        return found


class Rights:
    """Answers over an estate; a change of the estate forgets the answers that it concerns."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate
        self._version = estate.version
        self._permissions: dict[str, Permission] = {}
        self._held: dict[str, Held] = {}
        self._sets: dict[tuple[tuple[str, ...], ...], Held] = {}

    def check(self, identity: str, action: str, resource: str, event: Event | None = None) -> Right:
        """identity, resource: keys. An identity without permissions is not entitled.

        event: what conditions are judged by; without it every condition is unknown.
        """
        if self._version != self._estate.version:
            self.follow()
        held = self._held.get(identity) or self._of(identity)
        speaking, caps = held.by_action.get(action) or held.of(action)
        answer = speaking.answer
        return answer if answer is not None else self._decide(speaking, caps, resource, event)

    def anywhere(self, identity: str, action: str, *, lenient: bool) -> bool:
        """True when the action is allowed on something; lenient: a condition nobody can decide may hold.

        Asked of every resource that a permission or cap names, wildcards as they are written, and under caps
        of what these contain: a right that only the overlap of two wildcards leaves is not seen.
        """
        speaking, caps = self.held(identity).of(action)
        if speaking.answer is not None:
            return speaking.answer.allowed
        named = dict.fromkeys(
            sample for each in (speaking, *caps) for one in each.held for sample in one.samples
        )
        if caps:
            named = dict.fromkeys(inside for sample in named for inside in self._estate.contained(sample))
        answers = (self._decide(speaking, caps, sample, None) for sample in named)
        return any(right.allowed or (lenient and right.code == "condition_unknown") for right in answers)

    def held(self, identity: str) -> Held:
        """What the identity holds; the same value for all who hold the same, until that changes."""
        self.follow()
        return self._held.get(identity) or self._of(identity)

    def count(self, identity: str) -> int:
        """How many permissions the identity holds."""
        return len(self.permissions(identity))

    def permissions(self, identity: str) -> tuple[Permission, ...]:
        """All the identity holds, by itself, its groups and roles."""
        return self.held(identity).permissions

    def follow(self) -> None:
        """Forget what changes of the estate since the last time concern."""
        estate = self._estate
        if self._version == estate.version:
            return
        changes = estate.changed_since(self._version)
        self._version = estate.version
        if changes is None or len(self._sets) > _MANY_SETS:
            self._permissions.clear()
            self._held.clear()
            self._sets.clear()
            return
        permissions = {key for key in changes.nodes if key.startswith("permission:")}
        permissions |= {start for edge_type, start, _ in changes.edges if edge_type == "ON"}
        if permissions:
            for key in permissions:
                self._permissions.pop(key, None)
            # Sets are shared by name, and a permission of that name means something else now.
            self._sets = {name: held for name, held in self._sets.items() if not _names(name, permissions)}
        holders = {holder for key in permissions for kind in _HELD for holder in estate.into(kind, key)}
        holders |= {start for kind, start, _ in changes.edges if kind in _HELD or kind in _NESTED}
        for member in {member for holder in holders for member in estate.members(holder)}:
            self._held.pop(member, None)

    def _decide(
        self, speaking: _Speaking, caps: tuple[_Speaking, ...], resource: str, event: Event | None
    ) -> Right:
        places = self._estate.places(resource)
        if speaking.plain:
            return speaking.first(places)
        allowed: str | None = None
        unknown: Right | None = None
        for permission in speaking.covering(places):
            holds, missing = permission.holds(event)
            if permission.deny:
                if holds is not False:
                    return Right(False, "denied_explicitly", permission.key, missing=missing)
            elif holds:
                allowed = allowed or permission.key
            elif holds is None and unknown is None:
                unknown = Right(False, "condition_unknown", permission.key, missing=missing)
        for level in caps:
            refusal = _capped(level.covering(places), event)
            if refusal is not None:
                return refusal
        if allowed is not None:
            return Right(True, "entitled", allowed)
        return unknown if unknown is not None else _NOTHING

    def _of(self, identity: str) -> Held:
        estate = self._estate
        holders = estate.holders(identity)
        keys = dict.fromkeys(key for holder in holders for key in estate.out("GRANTED", holder))
        levels: dict[str, dict[str, None]] = {}
        for holder in holders:
            for key, edge in estate.out(_CAP, holder).items():
                levels.setdefault(str(edge.properties.get("level", "boundary")), {})[key] = None
        name = (tuple(keys), *(tuple(level) for level in levels.values()))
        held = self._sets.get(name)
        if held is None:
            caps = tuple(tuple(self._compiled(level)) for level in levels.values())
            held = self._sets[name] = Held(tuple(self._compiled(keys)), caps)
        estate.remember(self._held, identity, held)
        return held

    def _compiled(self, keys: Iterable[str]) -> Iterator[Permission]:
        for key in keys:
            compiled = self._permissions.get(key)
            if compiled is None:
                node = self._estate.node(key)
                if node is None:
                    continue
                compiled = self._permissions[key] = compile_permission(node, self._estate.out("ON", key))
            yield compiled


def _speaking(permissions: Iterable[Permission], action: str) -> tuple[Permission, ...]:
    return tuple(permission for permission in permissions if permission.speaks_of(action))


def _capped(covering: Iterable[Permission], event: Event | None) -> Right | None:
    """Why one level of caps forbids it: one of them denies, or none is known to allow."""
    allows = False
    unknown: Right | None = None
    for cap in covering:
        holds, missing = cap.holds(event)
        if cap.deny:
            if holds is not False:
                return Right(False, "denied_explicitly", cap.key, missing=missing)
        elif holds:
            allows = True
        elif holds is None and unknown is None:
            unknown = Right(False, "condition_unknown", cap.key, capped=True, missing=missing)
    if allows:
        return None
    return unknown if unknown is not None else Right(False, "not_entitled", capped=True)


def _names(name: tuple[tuple[str, ...], ...], permissions: set[str]) -> bool:
    return any(not permissions.isdisjoint(keys) for keys in name)
