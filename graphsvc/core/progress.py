"""How near harm is in each scope, kept so that the score before and after an action is exact.

For a pattern of n steps, level k holds the newest time from which k of its steps have been reached
together, and which they are: while that time lies inside the window, k steps count. Levels only rise as
history grows, so the score of a scope changes only when an action moves a pattern or a window ends. Of a plain
pattern (see `mark`) no window ends, and the most of its steps reached together is all that counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from graphsvc.core.pattern import CompiledPattern
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
    held, lasting = scope.levels, scope.lasting
    passing: dict[int, int] = {}
    gone: list[int] = []
    due_ms: int | None = None
    for number, levels in held.items():
        pattern = ruleset.patterns[number]
        count = reached(levels, pattern.within_ms, at_ms)
        if not count:
            gone.append(number)
        elif pattern.within_ms is not None:
            due_ms = _sooner(due_ms, levels, count, pattern.within_ms)
            _raise(passing, lasting, pattern, count)
    if gone:
        with held.mutate() as left:
            for number in gone:
                del left[number]
            held = left.finish()
    micros = lasting.update(passing) if passing else lasting
    return replace(scope, levels=held, micros=micros, total=sum(micros.values()), due_ms=due_ms)


def with_levels(
    scope: Scope,
    changed: Mapping[int, Levels] | None,
    best: Mapping[int, int] | None,
    ruleset: Ruleset,
    at_ms: int,
) -> Scope:
    """The scope with levels raised. No window of it may have ended: see `measured`."""
    # Until then contributions only grow, so the largest of a class is the larger of the old and the new.
    patterns, micros, due_ms = ruleset.patterns, scope.micros, scope.due_ms
    passing: dict[int, int] = {}
    staying: dict[int, int] = {}
    if changed:
        for number, levels in changed.items():
            pattern = patterns[number]
            count = reached(levels, pattern.within_ms, at_ms)
            if not count:
                continue
            if pattern.within_ms is None:
                _raise(staying, scope.lasting, pattern, count)
            else:
                due_ms = _sooner(due_ms, levels, count, pattern.within_ms)
                _raise(passing, micros, pattern, count)
    if best:
        for number, mask in best.items():
            _raise(staying, scope.lasting, patterns[number], mask.bit_count())
    lasting = scope.lasting.update(staying) if staying else scope.lasting
    for harm, value in staying.items():
        if value > micros.get(harm, 0) and value > passing.get(harm, 0):
            passing[harm] = value
    total = scope.total
    for harm, value in passing.items():
        total += value - micros.get(harm, 0)
    if micros is scope.lasting and passing == staying:
        micros = lasting  # without windows both are one
    elif passing:
        micros = micros.update(passing)
    return replace(
        scope,
        levels=scope.levels.update(changed) if changed else scope.levels,
        best=scope.best.update(best) if best else scope.best,
        lasting=lasting,
        micros=micros,
        total=total,
        due_ms=due_ms,
    )


def _raise(found: dict[int, int], held: Mapping[int, int], pattern: CompiledPattern, count: int) -> None:
    """Note what a pattern contributes with so many steps reached, if that is more than its class holds or was found."""
    value, harm = pattern.micros[pattern.levels - count], pattern.harm_number
    if value > held.get(harm, 0) and value > found.get(harm, 0):
        found[harm] = value


def _sooner(due_ms: int | None, levels: Levels, count: int, within_ms: int) -> int:
    """The time until which all holds, when that level counts until its window ends."""
    level = levels[count - 1]
    assert level is not None
    ends_ms = level[0] + within_ms + 1
    return ends_ms if due_ms is None or ends_ms < due_ms else due_ms


def combine(scopes: Sequence[Scope | None], shared: bool) -> int:
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
