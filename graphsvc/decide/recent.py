"""The newest of many names."""

from __future__ import annotations

__all__ = ["Recent"]


class Recent:
    """A set that remembers the newest `limit` of what was added."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held: dict[str, None] = {}

    def add(self, item: str) -> None:
        """Remember it, and forget the oldest beyond the limit."""
        self._held[item] = None
        if len(self._held) > self._limit:
            del self._held[next(iter(self._held))]

    def __contains__(self, item: object) -> bool:
        return item in self._held
