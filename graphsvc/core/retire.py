"""Sessions that are over: nothing of them can count again, so their state goes, and nobody can begin them again.

A session is over when all its chains are closed. It is kept for as long as anything outside it can refer to its actions:
an hour, or the longest window of the patterns that look across sessions. Then its actions, registers and keys go; what
stays is the mark of its end and its closed chains, so that an action that names them is denied. All of this follows
from the records alone, so every replica forgets the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from graphsvc.core.cap import LIVE
from graphsvc.core.intent_amount import spent_cell
from graphsvc.core.state import NOWHERE, ChainState

if TYPE_CHECKING:
    from graphsvc.core.world import World

__all__ = ["GRACE_MS", "Sessions", "ended_cell", "retire"]

GRACE_MS = 3_600_000
_EVERY_MS = 600_000


def ended_cell(session: str) -> str:
    """The key under which the state says that a session has ended."""
    return f"x:{session}"


class Sessions:
    """What each session that is alive consists of; changed only by folding records.

    chains, keys: its chains, and hashes of idempotency keys, by session. over: when the last of its chains was closed.
    due_ms: when sessions are looked through next.
    """

    __slots__ = ("chains", "due_ms", "keys", "over")

    def __init__(self) -> None:
        self.chains: dict[str, list[str]] = {}
        self.keys: dict[str, list[str]] = {}
        self.over: dict[str, int] = {}
        self.due_ms = 0

    def opened(self, session: str, chain: str) -> None:
        """A chain began, or was mentioned before it did."""
        chains = self.chains.setdefault(session, [])
        if chain not in chains:
            chains.append(chain)
        self.over.pop(session, None)

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


def _forget(world: World, session: str, over_ms: int) -> set[str]:
    """Forget a session; returns the principals that acted in it."""
    cells, scope = world.cells, f"s:{session}"
    principals: set[str] = set()
    actions = world.names_of.pop(scope, [])
    for action in actions:
        packed = world.history.get(action)
        if packed is not None:
            principals.update(packed.who.cells)
        world.reported.pop(action, None)
        world.cancelled.pop(action, None)
        world.approved.discard(action)
    world.history.forget(actions)
    world.undo.forget(session)
    for key in world.sessions.keys.pop(session, ()):
        world.answered.pop(key, None)
    for chain in world.sessions.chains.pop(session, ()):
        state = cells.get(("c", chain))
        if isinstance(state, ChainState):
            cells["c", chain] = replace(
                state, front=NOWHERE, last_action=None, spawned_from=None, intent=None
            )
        world.opened.pop(chain, None)
        cells.pop(spent_cell(chain), None)
    world.last_opened.pop(scope, None)
    world.sightings.forget(session)
    cells.pop(scope, None)
    cells.pop(f"t{scope}", None)
    cells[ended_cell(session)] = over_ms
    del world.sessions.over[session]
    return principals
