"""What is counted of decisions long after they are gone: when, what was answered, what they completed."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import NamedTuple

from graphsvc.core.verdict import Verdict

__all__ = ["NO_PATTERNS", "Tallies", "Tally"]

_VERDICTS = tuple(Verdict)
_NUMBERS = {verdict: number for number, verdict in enumerate(_VERDICTS)}
NO_PATTERNS: frozenset[str] = frozenset()


class Tally(NamedTuple):
    """What is counted of a decision. patterns: ids of those it completed, none twice."""

    at_ms: int
    answered: Verdict
    patterns: frozenset[str]


class Tallies:
    """The newest decisions, at most `limit` of them, nine bytes each and more for those that completed something."""

    __slots__ = ("_answered", "_at_ms", "_completed", "_count", "_limit")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._count = 0
        self._at_ms = array("q")
        self._answered = array("B")
        self._completed: dict[int, frozenset[str]] = {}

    def __len__(self) -> int:
        return len(self._at_ms)

    def add(self, at_ms: int, answered: Verdict, patterns: frozenset[str] = NO_PATTERNS) -> bool:
        """Count the next decision; True when the oldest had to make room."""
        is_full = self._count >= self._limit
        if is_full:
            place = self._count % self._limit
            self._at_ms[place] = at_ms
            self._answered[place] = _NUMBERS[answered]
            self._completed.pop(self._count - self._limit, None)
        else:
            self._at_ms.append(at_ms)
            self._answered.append(_NUMBERS[answered])
        if patterns:
            self._completed[self._count] = patterns
        self._count += 1
        return is_full

    def newest_first(self) -> Iterator[Tally]:
        """Those there were when it was called; it ends early at those that had to make room meanwhile."""
        for number in range(self._count - 1, -1, -1):
            if number < self._count - self._limit:
                return
            place = number % self._limit
            patterns = self._completed.get(number, NO_PATTERNS)
            yield Tally(self._at_ms[place], _VERDICTS[self._answered[place]], patterns)
