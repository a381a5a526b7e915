"""Sessions that are over: nothing of them can count again, so their state goes, and nobody can begin them again.

A session is over when all its chains are closed. It is kept for as long as anything outside it can refer to its actions:
an hour, or the longest window of the patterns that look across sessions. Then its actions, registers and keys go; what
stays for a day is the mark of its end and its closed chains, so that an action that names them is denied. After that only
eight bytes a name stay (`forgotten`), for the same. All of this follows from the records alone, so every replica forgets
the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from msgspec.structs import replace

from graphsvc.core.cap import LIVE
from graphsvc.core.forgotten import GONE, Forgotten
from graphsvc.core.intent_amount import spent_cell
from graphsvc.core.state import NOWHERE, ChainState, StateView

if TYPE_CHECKING:
    from collections.abc import Iterable

    from graphsvc.core.world import World

__all__ = ["GRACE_MS", "NAMED_MS", "Sessions", "ended_cell", "has_ended", "retire"]

GRACE_MS = 3_600_000
NAMED_MS = 86_400_000  # how much longer the closed chains of a session are there by name
_EVERY_MS = 600_000


def ended_cell(session: str) -> str:
    """The key under which the state says that a session has ended."""
    return f"x:{session}"


def has_ended(view: StateView | dict[object, object], session: str, chains: Iterable[str] = ()) -> bool:
    """Whether a session is over and forgotten, or one of the chains is."""
    if view.get(ended_cell(session)) is not None:
        return True
    gone = view.get(GONE)
    if not isinstance(gone, Forgotten):
        return False
    return ended_cell(session) in gone or any(_chain_name(chain) in gone for chain in chains)


def _chain_name(chain: str) -> str:
    return f"c:{chain}"


class Sessions:
    """What each session that is alive consists of; changed only by folding records.

    chains, keys: its chains, and hashes of idempotency keys, by session. over: when the last of its chains was closed.
    ended: the chains of those that were forgotten and are still known by name. due_ms: when sessions are looked through next.
    """

    __slots__ = ("chains", "due_ms", "ended", "keys", "over")

    def __init__(self) -> None:
        self.chains: dict[str, list[str]] = {}
        self.keys: dict[str, list[str]] = {}
        self.over: dict[str, int] = {}
        self.ended: dict[str, list[str]] = {}
        self.due_ms = 0

    def opened(self, session: str, chain: str) -> None:
        """A chain began, or was mentioned before it did."""
        chains = self.chains.setdefault(session, [])
        if chain not in chains:
            chains.append(chain)
        self.over.pop(session, None)

    def moved(self, session: str, chain: str) -> None:
        """A chain that was only mentioned begins in another session."""
        chains = self.chains.get(session, [])
        if chain in chains:
            chains.remove(chain)
        if not chains:
            self.chains.pop(session, None)

    def keyed(self, session: str, key: str) -> None:
        """An action of it was asked for with an idempotency key."""
        self.keys.setdefault(session, []).append(key)


def retire(world: World, at_ms: int) -> None:
    """Forget the sessions that have been over for long enough. Call it when `Sessions.due_ms` has come."""
    sessions = world.sessions
    sessions.due_ms = at_ms + _EVERY_MS
    keep_ms = max(GRACE_MS, world.ruleset.longest_ms)
    gone = [name for name, over_ms in sessions.over.items() if over_ms + keep_ms < at_ms]
    principals: set[str] = set()
    for session in gone:
        principals |= _forget(world, session, sessions.over[session])
    world.cells[LIVE] = len(sessions.chains)
    for name in principals:
        left = [action for action in world.names_of.get(name, ()) if action in world.history]
        if left:
            world.names_of[name] = left
        else:
            world.names_of.pop(name, None)
    _shrink(world, at_ms - keep_ms - NAMED_MS)


def _shrink(world: World, before_ms: int) -> None:
    """Of sessions that were over before a time keep no more than that they have ended."""
    cells, sessions = world.cells, world.sessions
    old = [name for name in sessions.ended if (cells.get(ended_cell(name)) or 0) < before_ms]
    if not old:
        return
    names: list[str] = []
    for session in old:
        # A chain that was moved to a session alive since stays with that one.
        for chain in sessions.ended.pop(session):
            state = cells.get(("c", chain))
            if isinstance(state, ChainState) and state.session == session:
                del cells["c", chain]
                names.append(_chain_name(chain))
        cells.pop(ended_cell(session), None)
        names.append(ended_cell(session))
    gone = cells.get(GONE)
    cells[GONE] = (gone if isinstance(gone, Forgotten) else Forgotten()).also(names)


def _forget(world: World, session: str, over_ms: int) -> set[str]:
    """Forget a session; returns the principals that acted in it."""
    cells, scope = world.cells, f"s:{session}"
    actions = world.names_of.pop(scope, [])
    for action in actions:
        world.reported.pop(action, None)
        world.cancelled.pop(action, None)
        world.approved.discard(action)
    principals = {cell for packed in world.history.forget(actions) for cell in packed.who.cells}
    world.undo.forget(session)
    for key in world.sessions.keys.pop(session, ()):
        world.answered.pop(key, None)
    ended = world.sessions.ended.setdefault(session, [])
    for chain in world.sessions.chains.pop(session, ()):
        if chain not in ended:
            ended.append(chain)
        state = cast("ChainState", cells["c", chain])
        cells["c", chain] = replace(state, front=NOWHERE, last_action=None, spawned_from=None, intent=None)
        world.opened.pop(chain, None)
        cells.pop(spent_cell(chain), None)
    world.last_opened.pop(scope, None)
    world.sightings.forget(session)
    cells.pop(scope, None)
    cells.pop(f"t{scope}", None)
    cells[ended_cell(session)] = over_ms
    del world.sessions.over[session]
    return principals
