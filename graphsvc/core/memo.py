"""What was worked out and may be forgotten: bounded, and forgotten without a pause.

Freeing a hundred thousand values at once holds a decision up for tens of milliseconds. Here `clear` puts them
aside, and each value that is put in later frees a few of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["Memo"]

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")
_FREED_AT_ONCE = 16


class Memo(Generic[_Key, _Value]):
    """At most `limit` answers by name; when it is full all are forgotten. get: as of a dict. turn: how often that was."""

    __slots__ = ("_aside", "_limit", "_now", "get", "turn")

    def __init__(self, limit: int = 200_000) -> None:
        self._limit = limit
        self.turn = 0
        self._now: dict[_Key, _Value] = {}
        self._aside: list[dict[_Key, _Value]] = []
        # The dict's own method: looking something up costs no call of ours.
        self.get: Callable[[_Key], _Value | None] = self._now.get

    def __len__(self) -> int:
        return len(self._now)

    def put(self, key: _Key, value: _Value) -> _Value:
        """Remember a value, and return it."""
        if self._aside:
            self._free()
        if len(self._now) >= self._limit:
            self.clear()
        self._now[key] = value
        return value

    def forget(self, key: _Key) -> None:
        """Forget one; unknown ones are no error."""
        self._now.pop(key, None)

    def clear(self) -> None:
        """Forget all."""
        self.turn += 1
        if self._now:
            self._aside.append(self._now)
            self._now = {}
            self.get = self._now.get

    def _free(self) -> None:
        oldest = self._aside[-1]
        for _ in range(min(_FREED_AT_ONCE, len(oldest))):
            oldest.popitem()
        if not oldest:
            self._aside.pop()
