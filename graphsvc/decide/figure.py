"""Counts of values by size, cheap enough for every decision; whoever publishes figures reads them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

__all__ = ["BATCHES", "SECONDS", "Distribution"]

# Upper bounds, inclusive.
SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
BATCHES = (1, 2, 5, 10, 20, 50, 100, 200)


class Distribution:
    """How many values were at most as large as each bound. total: the sum of all values."""

    __slots__ = ("_bounds", "_counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        """Count one value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self.total += value

    @property
    def count(self) -> int:
        """How many values were counted."""
        return sum(self._counts)

    def cumulative(self) -> Iterator[tuple[float, int]]:
        """(bound, how many values were at most that), smallest first; the last bound is infinite."""
        seen = 0
        for bound, count in zip((*self._bounds, float("inf")), self._counts, strict=True):
            seen += count
            yield bound, seen
