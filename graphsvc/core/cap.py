"""Limits of what is remembered: reached, an action is denied and says so, for nothing is dropped in silence."""

from __future__ import annotations

from graphsvc.core.advance import Advance
from graphsvc.core.place import Place
from graphsvc.core.ruleset import Ruleset
from graphsvc.core.state import StateView
from graphsvc.core.sweep import swept

__all__ = ["LIVE", "MAX_KEYS", "MAX_SESSIONS", "is_near_cap", "reached_cap"]

MAX_KEYS = 100_000  # registers, guards and counters of one session or principal that can still count
MAX_SESSIONS = 200_000  # that are alive at once
LIVE = "#"  # under which the state holds their number
# From so few before the limit on, how many are alive decides.
_NEAR = 10_000

_KEYS = f"more than {MAX_KEYS:,} keys would have to be followed in `{{}}`; wait until a window has passed"
_SESSIONS = f"{MAX_SESSIONS:,} sessions are alive; close chains that are done"


def is_near_cap(view: StateView) -> bool:
    """Whether so many sessions are alive that those which others begin meanwhile may decide whether one more may."""
    return bool((view.get(LIVE) or 0) >= MAX_SESSIONS - _NEAR)


def reached_cap(place: Place, advance: Advance, ruleset: Ruleset, view: StateView) -> tuple[str, str] | None:
    """The limit that the action would go beyond and what to tell of it; None when there is room."""
    if place.opened and (view.get(LIVE) or 0) >= MAX_SESSIONS and view.get(f"t{advance.session}") is None:
        return "sessions", _SESSIONS
    for name, cells in advance.cells.items():
        scope = advance.scope(name)
        if scope is None or len(scope.cells) + len(cells) <= MAX_KEYS:
            continue
        left = swept(scope, ruleset.windows, advance.event.at_ms).cells
        if len(left) + sum(slot not in left for slot in cells) > MAX_KEYS:
            return "keys", _KEYS.format(name)
    return None
