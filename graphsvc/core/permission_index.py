"""Permissions by what they speak of and where.

Two small facts about every permission, the actions it lists and the resources it names, are kept as they are; the
combination of an action and a place is worked out when it is first asked for. Permissions are numbered. Where a few
numbers are looked through again and again they are written as the characters of a text: that is one piece of memory,
where a bitmap is several, each of which a large graph has to fetch from afar.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from pyroaring import BitMap

from graphsvc.core.estate import Estate
from graphsvc.core.permission import Permission, compile_permission
from graphsvc.core.question import Questions

__all__ = ["PermissionIndex", "Speaking", "Spelled", "spelled"]

# Combinations of an action and a place that are remembered, for each action.
_MANY_PLACES = 100_000
_MANY_ACTIONS = 10_000
# Numbers from here on are no character's. Whoever holds such a permission is looked up the long way.
_CHARACTERS = sys.maxunicode + 1
_AS_CHARACTERS = "utf-32-le" if sys.byteorder == "little" else "utf-32-be"
# Above this many a text takes longer to look through than a bitmap.
_FEW = 400


class _Many:
    """A set of numbers that is asked for characters."""

    __slots__ = ("_numbers",)

    def __init__(self, numbers: BitMap) -> None:
        self._numbers = numbers

    def __contains__(self, character: str) -> bool:
        return ord(character) in self._numbers


Spelled = str | _Many


def spelled(numbers: BitMap) -> Spelled:
    """What tells of a character whether its number is among these."""
    if len(numbers) > _FEW:
        return _Many(numbers)
    return numbers.to_array().tobytes().decode(_AS_CHARACTERS, "surrogatepass")


class Speaking:
    """The permissions that speak of one action. numbers: of them. exact: of those that name a place, as characters, by key."""

    __slots__ = ("exact", "numbers")

    def __init__(self, numbers: BitMap) -> None:
        self.numbers = numbers
        self.exact: dict[str, str] = {}


class PermissionIndex:
    """Every permission of an estate; changes are told by `changed`.

    wild: numbers of those that name resources by wildcard. special: of those that do not simply allow, and of those
    whose number is no character's. idle: of those that allow nothing by themselves. whole: of those for everything everywhere.
    questions: what conditions ask for.
    """

    def __init__(self, estate: Estate) -> None:
        self._estate = estate
        self._numbers: dict[str, int] = {}
        self._permissions: list[Permission | None] = []
        self.wild = BitMap()
        self.special = BitMap()
        self.idle = BitMap()
        self.whole = BitMap()
        # By place the numbers of permissions that name it; one is itself.
        self._named: dict[str, int | BitMap] = {}
        self._literal: dict[str, BitMap] = {}  # by action that permissions list
        self._globbed: dict[tuple[tuple[str, ...], tuple[str, ...], bool], BitMap] = {}
        self._speaking: dict[str, Speaking] = {}
        self.named_version = 0  # grows when a place is named first or no longer
        self.questions = Questions()
        self.reset()

    def reset(self) -> None:
        """Read everything again."""
        self._numbers.clear()
        self._permissions.clear()
        self.wild.clear()
        self.special.clear()
        self.idle.clear()
        self.whole.clear()
        self._named.clear()
        self._literal.clear()
        self._globbed.clear()
        self._speaking.clear()
        self.questions.clear()
        self.named_version += 1
        for node in self._estate.loose()[0]:
            if node.kind == "permission":
                self._add(node.key)

    def of(self, key: str) -> Permission | None:
        """A permission by key; None when no source asserts it."""
        number = self._numbers.get(key)
        return self._permissions[number] if number is not None else None

    def every(self, keys: Iterable[str]) -> tuple[Permission, ...]:
        """The permissions of some keys that are there, in their order."""
        numbers, permissions = self._numbers, self._permissions
        found = [permissions[numbers[key]] for key in keys if key in numbers]
        return tuple(filter(None, found))

    def numbered(self, number: int) -> Permission:
        """A permission that is there, by number."""
        found = self._permissions[number]
        assert found is not None
        return found

    def given(self, holder: str) -> BitMap:
        """Numbers of those that were given to a holder directly."""
        numbers, permissions = self._numbers, self._permissions
        given = [numbers[key] for key in self._estate.out("GRANTED", holder) if key in numbers]
        return BitMap([number for number in given if permissions[number] is not None])

    def is_named(self, place: str) -> bool:
        """True when a permission names the place, by edge or by name."""
        return place in self._named

    def named(self, place: str) -> Spelled:
        """Those that name a place, whatever they speak of; numbers that are no character's are left out."""
        found = self._named.get(place)
        if isinstance(found, BitMap):
            few = len(found) <= _FEW
            return "".join([chr(each) for each in found if each < _CHARACTERS]) if few else _Many(found)
        return chr(found) if found is not None and found < _CHARACTERS else ""

    def speaking(self, action: str) -> Speaking:
        """Those that speak of an action."""
        found = self._speaking.get(action)
        if found is None:
            if len(self._speaking) >= _MANY_ACTIONS:
                self._speaking.clear()
            globbed = (
                numbers for numbers in self._globbed.values() if self.numbered(numbers[0]).speaks_of(action)
            )
            found = self._speaking[action] = Speaking(
                BitMap.union(BitMap(), *filter(None, (self._literal.get(action),)), *globbed)
            )
        return found

    def naming(self, speaking: Speaking, place: str) -> str:
        """Those of an action that name a place, as characters, sorted by key; numbers that are no character's are left out."""
        if len(speaking.exact) >= _MANY_PLACES:
            speaking.exact.clear()
        found = "".join(chr(each) for each in self._speaking_there(speaking, place) if each < _CHARACTERS)
        speaking.exact[place] = found
        return found

    def naming_all(self, speaking: Speaking, place: str) -> Iterable[int]:
        """The numbers of those of an action that name a place, sorted by key."""
        if len(self._permissions) > _CHARACTERS:
            return self._speaking_there(speaking, place)
        here = speaking.exact.get(place)
        return map(ord, here if here is not None else self.naming(speaking, place))

    def _speaking_there(self, speaking: Speaking, place: str) -> list[int]:
        named = self._named.get(place)
        if isinstance(named, BitMap):
            return sorted(named & speaking.numbers, key=lambda number: self.numbered(number).key)
        return [named] if named is not None and named in speaking.numbers else []

    def changed(self, key: str) -> None:
        """A permission, or what it is on, is another now."""
        self._drop(key)
        self._add(key)

    def _add(self, key: str) -> None:
        node = self._estate.node(key)
        if node is None:
            return
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self._permissions)
            self._permissions.append(None)
        permission = self._permissions[number] = compile_permission(node, self._estate.out("ON", key))
        if permission.conditional:
            self.questions.ask(permission, 1)
        for place in permission.exact:
            self._name(place, number)
        for bitmap in self._kinds(permission, number):
            bitmap.add(number)
        self._tell(permission, number, is_there=True)

    def _drop(self, key: str) -> None:
        permission = self.of(key)
        if permission is None:
            return
        number = self._numbers[key]
        self._permissions[number] = None
        if permission.conditional:
            self.questions.ask(permission, -1)
        for place in permission.exact:
            held = self._named.get(place)
            left = held - BitMap((number,)) if isinstance(held, BitMap) else None
            if left:
                self._named[place] = left
            elif held is not None:
                del self._named[place]
                self.named_version += 1
        for bitmap in self._kinds(permission, number):
            bitmap.discard(number)
        self._globbed = {clause: numbers for clause, numbers in self._globbed.items() if numbers}
        self._tell(permission, number, is_there=False)

    def _name(self, place: str, number: int) -> None:
        held = self._named.get(place)
        if held is None:
            self._named[place] = number
            self.named_version += 1
        elif isinstance(held, BitMap):
            held.add(number)
        elif held != number:
            self._named[place] = BitMap((held, number))

    def _kinds(self, permission: Permission, number: int) -> list[BitMap]:
        """The sets that it belongs to: of the actions it lists, or of its globs, and of what it is like."""
        if permission.globbed or permission.except_actions:
            clause = (permission.actions, permission.except_actions, permission.fold)
            found = [self._globbed.setdefault(clause, BitMap())]
        else:
            found = [self._literal.setdefault(name, BitMap()) for name in dict.fromkeys(permission.actions)]
        if permission.wild:
            found.append(self.wild)
        if not permission.is_plain or number >= _CHARACTERS:
            found.append(self.special)
        if permission.except_actions and permission.is_idle:
            found.append(self.idle)
        if permission.is_whole:
            found.append(self.whole)
        return found

    def _tell(self, permission: Permission, number: int, *, is_there: bool) -> None:
        """What was worked out of actions that it speaks of follows."""
        for action, speaking in self._speaking.items():
            if permission.speaks_of(action):
                (speaking.numbers.add if is_there else speaking.numbers.discard)(number)
                for place in permission.exact:
                    speaking.exact.pop(place, None)
