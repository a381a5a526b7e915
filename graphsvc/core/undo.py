"""What the newest actions replaced, so that a late fact need not rebuild a whole session.

Of each session the state before its newest action is kept, which is what a report is usually about, and the state before
every sixteenth of the last ones: whatever came after is judged again from there. The values of the state are immutable, so
remembering what was there before is a reference, not a copy.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Mapping

from graphsvc.core.state import Happened

__all__ = ["Undo"]

_EVERY = 16
_POINTS = 5  # so that 64 actions back is not too far
_MOST_CHAINS = 64  # of a session; beyond that a late fact takes the long way
_MOST_SESSIONS = 1_024  # those that began last

# What was there, by the key of a chain or scope; None for nothing.
Replaced = dict[Hashable, object | None]


class _Session:
    """chains: those that it is known to have. newest: its newest action and what that replaced, unless it is one of `points`:
    actions before which all of it is remembered.
    """

    __slots__ = ("chains", "count", "newest", "points")

    def __init__(self) -> None:
        self.chains: dict[Hashable, None] = {}
        self.count = 0
        self.newest: tuple[str, Replaced] | None = None
        self.points: list[tuple[str, Replaced]] = []


class Undo:
    """The values that some of the last actions of each session replaced."""

    def __init__(self) -> None:
        self._sessions: dict[str, _Session] = {}

    def record(self, happened: Happened, cells: Mapping[Hashable, object]) -> None:
        """Call it before a new action's changes are merged."""
        get, request, name = cells.get, happened.event.request, happened.event.session
        session = self._sessions.get(name)
        if session is None:
            if len(self._sessions) >= _MOST_SESSIONS:
                del self._sessions[next(iter(self._sessions))]
            session = self._sessions[name] = _Session()
        chain = ("c", request.chain)
        replaced: Replaced = {}
        for scope in happened.scopes:
            replaced[scope] = get(scope)
        if session.count % _EVERY == 0 and len(session.chains) <= _MOST_CHAINS:
            for key in session.chains:
                replaced[key] = get(key)
            points = session.points
            points.append((request.id, replaced))
            if len(points) > _POINTS:
                del points[0]
            session.newest = None
        else:
            session.newest = request.id, replaced
        replaced[chain] = get(chain)
        session.chains[chain] = None
        session.count += 1

    def refresh(self, happened: Happened, scopes: Collection[str], cells: Mapping[Hashable, object]) -> None:
        """Call it before an action changes some scopes anew; what was forgotten stays forgotten."""
        action, mine = happened.event.request.id, happened.scopes[0] in scopes
        for name, held in self.kept(happened.event.session):
            if name == action:
                for key in held:
                    if key in scopes or (mine and not isinstance(key, str)):
                        held[key] = cells.get(key)

    def kept(self, session: str) -> Iterator[tuple[str, Replaced]]:
        """Actions of a session of which it is known what they replaced, and that; newest first."""
        held = self._sessions.get(session)
        if held is not None:
            if held.newest is not None:
                yield held.newest
            yield from reversed(held.points)

    def forget(self, session: str | None = None) -> None:
        """Forget everything: what is there was built another way. session: only what it replaced."""
        if session is None:
            self._sessions.clear()
        else:
            self._sessions.pop(session, None)
