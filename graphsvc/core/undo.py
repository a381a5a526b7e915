"""What the newest actions replaced, so that a late fact need not rebuild a whole session.

Of each session the state before its newest action is kept, which is what a report is usually about, and the state before
every sixty-fourth of the last ones: whatever came after is judged again from there. The values of the state are immutable,
so remembering what was there before is a reference, not a copy.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Mapping
from typing import TypeAlias

from graphsvc.core.state import Happened

__all__ = ["Undo"]

_EVERY = 64
_POINTS = 2  # so that 64 actions back is not too far
_MOST_CHAINS = 64  # of a session; beyond that a late fact takes the long way
_MOST_SESSIONS = 4_096  # those that began last

# An action with the keys of chains and scopes and what was there before it; None for nothing.
_Before: TypeAlias = tuple[str, tuple[Hashable, ...], tuple[object | None, ...]]


class _Session:
    """chains: those that it is known to have. newest: before its newest action, unless that is one of `points`:
    before these all of the session is remembered.
    """

    __slots__ = ("chains", "count", "newest", "points")

    def __init__(self) -> None:
        self.chains: dict[Hashable, None] = {}
        self.count = 0
        self.newest: _Before | None = None
        self.points: list[_Before] = []


class Undo:
    """The values that some of the last actions of each session replaced."""

    def __init__(self) -> None:
        self._sessions: dict[str, _Session] = {}

    def record(self, happened: Happened, cells: Mapping[Hashable, object]) -> None:
        """Call it before a new action's changes are merged."""
        event = happened.event
        request, name = event.request, event.session
        session = self._sessions.get(name)
        if session is None:
            if len(self._sessions) >= _MOST_SESSIONS:
                del self._sessions[next(iter(self._sessions))]
            session = self._sessions[name] = _Session()
        chain = ("c", request.chain)
        session.chains[chain] = None
        if session.count % _EVERY or len(session.chains) > _MOST_CHAINS:
            keys: tuple[Hashable, ...] = (*happened.scopes, chain)
            session.newest = request.id, keys, tuple(map(cells.get, keys))
        else:
            keys = (*happened.scopes, *session.chains)
            session.points = [*session.points[1 - _POINTS :], (request.id, keys, tuple(map(cells.get, keys)))]
            session.newest = None
        session.count += 1

    def refresh(self, happened: Happened, scopes: Collection[str], cells: Mapping[Hashable, object]) -> None:
        """Call it before an action changes some scopes anew; what was forgotten stays forgotten."""
        action, session = happened.event.request.id, self._sessions.get(happened.event.session)
        if session is None:
            return
        mine = happened.scopes[0] in scopes

        def renewed(before: _Before) -> _Before:
            name, keys, values = before
            if name != action:
                return before
            return name, keys, tuple([
                cells.get(key) if key in scopes or (mine and not isinstance(key, str)) else value
                for key, value in zip(keys, values, strict=True)
            ])  # fmt: skip

        session.newest = renewed(session.newest) if session.newest is not None else None
        session.points = [renewed(before) for before in session.points]

    def kept(self, session: str) -> Iterator[tuple[str, dict[Hashable, object | None]]]:
        """Actions of a session of which it is known what they replaced, and that; newest first."""
        held = self._sessions.get(session)
        if held is not None:
            newest = [held.newest] if held.newest is not None else []
            for action, keys, values in (*newest, *reversed(held.points)):
                yield action, dict(zip(keys, values, strict=True))

    def forget(self, session: str | None = None) -> None:
        """Forget everything: what is there was built another way. session: only what it replaced."""
        if session is None:
            self._sessions.clear()
        else:
            self._sessions.pop(session, None)
