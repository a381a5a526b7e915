"""Earlier actions that a rule cannot place: they fit a step with a key, and of the key only a marker was kept.

A rule that comes into force later may ask for a value that nothing read when an action was judged (see `marker`). To which
key the action belongs nobody can say, so it stands for every key: what completes the pattern if it belongs there is
answered like an action that leaves its key out (rule R18). One cell of the scope, numbered by the pattern, holds when the last
such action was, or for a counting pattern what it would have counted; it goes with the pattern's window or the session.
"""

from __future__ import annotations

from typing import cast

from graphsvc.core.advance import Advance, scopes_of
from graphsvc.core.count import Counted, counting
from graphsvc.core.dispatch import Candidates
from graphsvc.core.part import Counter

__all__ = ["note_unseen"]


def note_unseen(candidates: Candidates, advance: Advance) -> None:
    """Note the patterns for which the action stands for every key."""
    event, values, paths = advance.event, advance.values, candidates.paths
    for pattern, part in candidates.keyed:
        if not any(values[place] is None and event.hides(paths[place]) for place in part.key):
            continue
        # What the graph will say of it when a path completes is not known yet.
        if not (part.matcher.live or part.matcher.fits_event(event)):
            continue
        slot = cast("int", pattern.unseen)
        for scope in scopes_of(pattern, event, advance.session):
            value: object = event.at_ms
            if isinstance(part, Counter):
                held = cast("Counted | None", advance.cells_of(scope).get(slot)) or Counted()
                value = counting(held, part.count, event, pattern.within_ms)
            advance.set_cell(scope, slot, value)
