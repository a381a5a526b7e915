"""How near harm is in each scope, kept so that the score before and after an action is exact.

For a pattern of n steps, level k holds the newest time from which k of its steps have been reached
together, and which they are: while that time lies inside the window, k steps count. Levels only rise as
history grows, so the score of a scope changes only when an action moves a pattern or a window ends. Of a plain
pattern (see `mark`) no window ends, and the most of its steps reached together is all that counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from immutables import Map
from msgspec.structs import replace

from graphsvc.core.ruleset import Ruleset
from graphsvc.core.state import Level, Scope

__all__ = ["Levels", "combine", "measured", "raised", "reached", "with_levels"]

Levels = tuple[Level | None, ...]


def raised(held: Levels | None, found: Sequence[Level | None]) -> Levels:
    """Levels with new ones; reaching k steps from a time means reaching fewer from it too."""
    newest: Level | None = None
    levels = list(found)
    for index in range(len(levels) - 1, -1, -1):
        level = held[index] if held is not None else None
        if level is not None and (newest is None or level[0] > newest[0]):
            newest = level
        level = levels[index]
        if level is not None and (newest is None or level[0] > newest[0]):
            newest = level
        levels[index] = newest
    return tuple(levels)


def reached(levels: Levels, within_ms: int | None, at_ms: int) -> int:
    """The highest level that is live at a time, 0 for none."""
    for index in range(len(levels) - 1, -1, -1):
        level = levels[index]
        if level is not None and (within_ms is None or level[0] >= at_ms - within_ms):
            return index + 1
    return 0


def measured(scope: Scope, ruleset: Ruleset, at_ms: int) -> Scope:
    """The scope with the contribution of all its patterns at a time; what has left its window is forgotten."""
    if scope.due_ms is None or scope.due_ms > at_ms:
        return scope
    patterns = ruleset.patterns
    live = {
        number: levels
        for number, levels in scope.levels.items()
        if reached(levels, patterns[number].within_ms, at_ms)
    }
    still = replace(
        scope, levels=Map(live), micros=scope.lasting, total=sum(scope.lasting.values()), due_ms=None
    )
    return _add(still, live, ruleset, at_ms)


def with_levels(
    scope: Scope,
    changed: Mapping[int, Levels] | None,
    best: Mapping[int, int] | None,
    ruleset: Ruleset,
    at_ms: int,
) -> Scope:
    """The scope with levels raised. No window of it may have ended: see `measured`."""
    # Until then contributions only grow, so the largest of a class is the larger of the old and the new.
    if changed:
        scope = _add(replace(scope, levels=scope.levels.update(changed)), changed, ruleset, at_ms)
    return _add_best(scope, best, ruleset) if best else scope


def _add(scope: Scope, changed: Mapping[int, Levels], ruleset: Ruleset, at_ms: int) -> Scope:
    micros, lasting, total, due_ms = scope.micros, scope.lasting, scope.total, scope.due_ms
    for number, levels in changed.items():
        pattern = ruleset.patterns[number]
        within_ms = pattern.within_ms
        count = reached(levels, within_ms, at_ms)
        if not count:
            continue
        value, harm = pattern.micros[pattern.levels - count], pattern.harm_number
        if within_ms is None:
            if value > lasting.get(harm, 0):
                lasting = lasting.set(harm, value)
        else:
            level = levels[count - 1]
            assert level is not None
            ends_ms = level[0] + within_ms + 1
            if due_ms is None or ends_ms < due_ms:
                due_ms = ends_ms
        held = micros.get(harm, 0)
        if value > held:
            micros = micros.set(harm, value)
            total += value - held
    return replace(scope, micros=micros, lasting=lasting, total=total, due_ms=due_ms)


def _add_best(scope: Scope, best: Mapping[int, int], ruleset: Ruleset) -> Scope:
    micros, lasting, total = scope.micros, scope.lasting, scope.total
    for number, mask in best.items():
        pattern = ruleset.patterns[number]
        value, harm = pattern.micros[pattern.levels - mask.bit_count()], pattern.harm_number
        if value > lasting.get(harm, 0):
            shared = micros is lasting
            lasting = lasting.set(harm, value)
            held = micros.get(harm, 0)
            if value > held:
                # Without windows both are one.
                micros = lasting if shared else micros.set(harm, value)
                total += value - held
    return replace(scope, best=scope.best.update(best), micros=micros, lasting=lasting, total=total)


def combine(scopes: Sequence[Scope | None], *, shared: bool) -> int:
    """Micros of a session and principals together: the largest of each class, then the sum.

    scopes: the session's first. shared: a class of harm can occur in a session and with a principal.
    """
    if len(scopes) == 2 and not shared:
        session, principal = scopes
        return (session.total if session is not None else 0) + (
            principal.total if principal is not None else 0
        )
    counting = [scope for scope in scopes if scope is not None and scope.total]
    if len(counting) < 2:
        return counting[0].total if counting else 0
    if len(counting) == 2 and not shared and counting[0] is scopes[0]:
        return counting[0].total + counting[1].total
    largest: dict[int, int] = {}
    for scope in counting:
        for harm, value in scope.micros.items():
            if value > largest.get(harm, 0):
                largest[harm] = value
    return sum(largest.values())
