"""Warnings about a long input: each kind is told where it occurs first, and counted from then on."""

from __future__ import annotations

import re
from collections import Counter

from graphsvc.cli.output import warn

__all__ = ["Warnings"]

_PLACE = re.compile(r"^(.*?:\d+): ")
_INDEX = re.compile(r"\[\d+\]")


class Warnings:
    """Told at once the first time; `close` says how often the same was left untold.

    Warnings are the same when they differ in their place or in the number of a list item only.
    """

    def __init__(self) -> None:
        self._told: Counter[str] = Counter()

    def tell(self, message: str) -> None:
        """One line on stderr, unless the same was told before."""
        same = _INDEX.sub("[]", _PLACE.sub("", message))
        self._told[same] += 1
        if self._told[same] == 1:
            warn(message)

    def close(self) -> None:
        """What was left untold."""
        for same, count in self._told.items():
            if count > 1:
                warn(f"{same} ({count - 1:,} more times)")
