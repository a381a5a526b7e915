"""What the newest actions of each session replaced, so that a late fact need not rebuild a whole session.

The values of the state are immutable, so remembering what was there before is a reference, not a copy.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Mapping

__all__ = ["Undo"]

_KEPT = 64  # a report comes soon after its action; older ones take the long way


class Undo:
    """The values that the last actions of each session replaced, None for none."""

    def __init__(self) -> None:
        self._replaced: dict[str, dict[Hashable, object | None]] = {}
        self._recent: dict[str, deque[str]] = {}

    def record(
        self, action: str, session: str, keys: Iterable[Hashable], cells: Mapping[Hashable, object]
    ) -> None:
        """Call it before a new action's changes are merged."""
        get = cells.get
        recent = self._recent.get(session)
        if recent is None:
            recent = self._recent[session] = deque()
        elif len(recent) >= _KEPT:
            self._replaced.pop(recent.popleft(), None)
        recent.append(action)
        self._replaced[action] = {key: get(key) for key in keys}

    def refresh(self, action: str, keys: Iterable[Hashable], cells: Mapping[Hashable, object]) -> None:
        """Call it before some of an action's changes are merged anew; what was forgotten stays forgotten."""
        held = self._replaced.get(action)
        if held is not None:
            for key in keys:
                held[key] = cells.get(key)

    def replaced(self, action: str) -> Mapping[Hashable, object | None] | None:
        """What an action replaced; None when that was forgotten."""
        return self._replaced.get(action)

    def forget(self) -> None:
        """Forget everything: what is there was built another way."""
        self._replaced.clear()
        self._recent.clear()
