"""What comes with a group or role, transitively, as bitmaps: Zanzibar's Leopard index, with permissions flattened.

Groups and roles are numbered, and permissions are by the caller. For each group or role there are two sets: what it
is in, and the permissions that come with it. Those of an identity are the union of what it is in directly.
Source: Pang et al., "Zanzibar: Google's Consistent, Global Authorization System", 2019, section 3.2.4.
"""

from __future__ import annotations

from collections.abc import Callable

from pyroaring import BitMap

from graphsvc.core.estate import NESTED, Estate

__all__ = ["Memberships"]


class Memberships:
    """given: numbers of the permissions that were given to a holder directly."""

    def __init__(self, estate: Estate, given: Callable[[str], BitMap]) -> None:
        self._estate = estate
        self._given = given
        self._numbers: dict[str, int] = {}
        self._names: list[str] = []
        self._closures: dict[int, BitMap] = {}
        self._permissions: dict[int, BitMap] = {}

    def permissions(self, identity: str) -> BitMap:
        """Numbers of all permissions that an identity holds."""
        estate = self._estate
        parts = [
            self._coming_with(self._number(end)) for kind in NESTED for end in estate.out(kind, identity)
        ]
        found: BitMap = BitMap.union(self._given(identity), *parts)
        return found

    def nested(self, key: str) -> None:
        """What a group or role is in has changed."""
        number = self._number(key)
        for other in self._containing(number):
            del self._closures[other]
            self._permissions.pop(other, None)

    def given(self, key: str) -> None:
        """What was given to a group or role has changed."""
        for other in self._containing(self._number(key)):
            self._permissions.pop(other, None)

    def forget(self) -> None:
        """Everything may have changed."""
        self._closures.clear()
        self._permissions.clear()

    def _containing(self, number: int) -> list[int]:
        """Those whose closure holds it. Looking through all of them costs less than keeping the way back."""
        return [other for other, closure in self._closures.items() if number in closure]

    def _number(self, key: str) -> int:
        found = self._numbers.get(key)
        if found is None:
            found = self._numbers[key] = len(self._names)
            self._names.append(key)
        return found

    def _coming_with(self, number: int) -> BitMap:
        found = self._permissions.get(number)
        if found is None:
            closure = self._closure(number)
            found = BitMap.union(BitMap(), *(self._given(self._names[other]) for other in closure))
            self._permissions[number] = found
        return found

    def _closure(self, number: int) -> BitMap:
        """A group or role with everything it is in."""
        found = self._closures.get(number)
        if found is not None:
            return found
        seen, queue = {number}, [number]
        known: list[BitMap] = []
        for one in queue:
            name = self._names[one]
            for kind in NESTED:
                for end in self._estate.out(kind, name):
                    other = self._number(end)
                    if other not in seen:
                        seen.add(other)
                        # What is known is known whole, cycles included.
                        closure = self._closures.get(other)
                        if closure is not None:
                            known.append(closure)
                        else:
                            queue.append(other)
        self._closures[number] = found = BitMap.union(BitMap(seen), *known)
        return found
