"""What the newest actions replaced, so that a late fact need not rebuild a whole session.

Of each session the state before its newest action is kept, which is what a report is usually about, and the state before
every sixteenth of the last ones: whatever came after is judged again from there. The values of the state are immutable, so
remembering what was there before is a reference, not a copy.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Hashable, Mapping

from graphsvc.core.state import Happened

__all__ = ["Undo"]

_EVERY = 16
_POINTS = 5  # so that 64 actions back is not too far
_MOST_CHAINS = 64  # of a session; beyond that a late fact takes the long way
_MOST_SESSIONS = 1_024  # with the newest actions

# What was there, by the key of a chain or scope; None for nothing.
Replaced = dict[Hashable, object | None]


class _Session:
    """chains: those that it is known to have. points: actions before which all of it is remembered."""

    __slots__ = ("chains", "count", "newest", "points")

    def __init__(self) -> None:
        self.chains: dict[Hashable, None] = {}
        self.count = 0
        self.newest: str | None = None
        self.points: deque[str] = deque()


class Undo:
    """The values that some of the last actions of each session replaced."""

    def __init__(self) -> None:
        self._replaced: dict[str, Replaced] = {}
        self._sessions: dict[str, _Session] = {}

    def record(self, happened: Happened, cells: Mapping[Hashable, object]) -> None:
        """Call it before a new action's changes are merged."""
        get, action, name = cells.get, happened.event.request.id, happened.event.session
        session = self._sessions.pop(name, None) or _Session()
        self._sessions[name] = session  # the newest is last
        if len(self._sessions) > _MOST_SESSIONS:
            self.forget(next(iter(self._sessions)))
        if session.newest is not None:
            del self._replaced[session.newest]
            session.newest = None
        chain = ("c", happened.event.request.chain)
        replaced: Replaced = {chain: get(chain)}
        if session.count % _EVERY == 0 and len(session.chains) <= _MOST_CHAINS:
            for key in session.chains:
                replaced[key] = get(key)
            session.points.append(action)
            if len(session.points) > _POINTS:
                del self._replaced[session.points.popleft()]
        else:
            session.newest = action
        for scope in happened.scopes:
            replaced[scope] = get(scope)
        session.chains[chain] = None
        session.count += 1
        self._replaced[action] = replaced

    def refresh(self, happened: Happened, scopes: Collection[str], cells: Mapping[Hashable, object]) -> None:
        """Call it before an action changes some scopes anew; what was forgotten stays forgotten."""
        held = self._replaced.get(happened.event.request.id)
        if held is not None:
            mine = happened.scopes[0] in scopes
            for key in held:
                if key in scopes or (mine and not isinstance(key, str)):
                    held[key] = cells.get(key)

    def replaced(self, action: str) -> Mapping[Hashable, object | None] | None:
        """What an action replaced; None when that was forgotten."""
        return self._replaced.get(action)

    def forget(self, session: str | None = None) -> None:
        """Forget everything: what is there was built another way. session: only what it replaced."""
        if session is None:
            self._replaced.clear()
            self._sessions.clear()
            return
        held = self._sessions.pop(session, None)
        if held is not None:
            for action in (*held.points, *((held.newest,) if held.newest is not None else ())):
                del self._replaced[action]
