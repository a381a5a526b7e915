"""Names of chains and sessions that ended long ago: nothing is known of them any more but that they have ended.

Eight bytes a name, however many there are: the first 64 bits of its hash. Two names that share them cannot be told apart, so
once in 10^13 a new name among a million forgotten ones is taken for one that has ended, and denied.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from hashlib import blake2b

__all__ = ["GONE", "Forgotten"]

GONE = "x"  # the key of the state under which they are
# Runs are merged until they are this long: more would make one merge take too long.
_LONGEST = 1 << 18


class Forgotten:
    """An immutable set of names, as sorted runs of numbers, the longest first."""

    __slots__ = ("_runs",)

    def __init__(self, runs: tuple[array[int], ...] = ()) -> None:
        self._runs = runs

    def also(self, names: Iterable[str]) -> Forgotten:
        """These and further names."""
        new = array("Q", sorted({number for name in names if not self._holds(number := _number(name))}))
        if not new:
            return self
        runs = list(self._runs)
        while runs and len(runs[-1]) <= 2 * len(new) and len(runs[-1]) + len(new) <= _LONGEST:
            new = array("Q", sorted([*runs.pop(), *new]))
        return Forgotten((*runs, new))

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._holds(_number(name))

    def __len__(self) -> int:
        return sum(map(len, self._runs))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Forgotten) and self.to_bytes() == other.to_bytes()

    def __hash__(self) -> int:
        return hash(self.to_bytes())

    def _holds(self, number: int) -> bool:
        for run in self._runs:
            place = bisect_left(run, number)
            if place < len(run) and run[place] == number:
                return True
        return False

    def to_bytes(self) -> bytes:
        """The same set gives the same bytes."""
        return b"".join(number.to_bytes(8, "big") for number in sorted(n for run in self._runs for n in run))

    @staticmethod
    def from_bytes(data: bytes) -> Forgotten:
        """Inverse of `to_bytes`."""
        numbers = [int.from_bytes(data[at : at + 8], "big") for at in range(0, len(data), 8)]
        return Forgotten(
            tuple(array("Q", numbers[at : at + _LONGEST]) for at in range(0, len(numbers), _LONGEST))
        )


def _number(name: str) -> int:
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big")
