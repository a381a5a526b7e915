"""How near harm is in each scope, kept so that the score before and after an action is exact.

For a pattern of which n steps were reached, level k of n holds the newest time from which k of its steps have been reached
together, and which they are: while that time lies inside the window, k steps count. The times and the bits of the steps are
the numbers of one tuple, for a scope that is asked again after a while is fetched from afar, value by value. Levels only rise as
history grows, so the score of a scope changes only when an action moves a pattern or a window ends. Of a plain
pattern (see `mark`) no window ends, and the most of its steps reached together is all that counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec
from immutables import Map

from graphsvc.core.pattern import CompiledPattern
from graphsvc.core.ruleset import Ruleset
from graphsvc.core.state import Levels, Scope

__all__ = [
    "NOTHING_REACHED",
    "Measure",
    "combine",
    "measured",
    "raised",
    "reached",
    "steps_by_pattern",
    "total_at",
    "with_levels",
]


class Measure(msgspec.Struct, frozen=True, gc=False):
    """Of a scope what says how near harm is, see there."""

    levels: Map[int, Levels]
    best: int
    total: int
    due_ms: int | None


NOTHING_REACHED = Measure(Map(), 0, 0, None)


def raised(held: Levels, found: Sequence[tuple[int, int] | None]) -> Levels:
    """Levels with new ones; reaching k steps from a time means reaching fewer from it too.

    found: for 1..n steps the start and the bits of those steps.
    """
    newest: tuple[int, int] | None = None
    levels: list[int] = []
    for index in range(len(found) - 1, -1, -1):
        place = 2 * index
        if place < len(held) and (newest is None or held[place] > newest[0]):
            newest = held[place], held[place + 1]
        level = found[index]
        if level is not None and (newest is None or level[0] > newest[0]):
            newest = level
        if newest is not None:
            levels += newest[1], newest[0]
    levels.reverse()
    return tuple(levels)


def reached(levels: Levels, within_ms: int | None, at_ms: int) -> int:
    """The highest level that is live at a time, 0 for none."""
    end = len(levels)
    if within_ms is not None:
        oldest_ms = at_ms - within_ms
        while end and levels[end - 2] < oldest_ms:
            end -= 2
    return end // 2


def steps_by_pattern(best: int, ruleset: Ruleset) -> Iterator[tuple[int, int]]:
    """The steps in `Scope.best`, by number of their pattern."""
    if best:
        for pattern in ruleset.patterns:
            if best & pattern.bits:
                yield pattern.number, (best & pattern.bits) >> pattern.shift


def measured(scope: Scope | Measure, ruleset: Ruleset, at_ms: int) -> Measure:
    """What all patterns of a scope come to at a time at which a window of theirs has ended."""
    assert scope.due_ms is not None
    # Until then no window had ended, so what counted just before is in the total.
    held, then_ms, total = scope.levels, scope.due_ms - 1, scope.total
    gone: list[int] = []
    fallen: dict[int, None] = {}
    due_ms: int | None = None
    patterns = ruleset.patterns
    for number, levels in held.items():
        pattern = patterns[number]
        within_ms = pattern.within_ms
        if within_ms is None:
            continue
        start_ms = levels[-2]
        if start_ms < at_ms - within_ms:
            count = reached(levels, within_ms, at_ms)
            if reached(levels, within_ms, then_ms) != count:
                fallen[pattern.harm_number] = None
            if not count:
                gone.append(number)
                continue
            start_ms = levels[2 * count - 2]
        ends_ms = start_ms + within_ms + 1
        if due_ms is None or ends_ms < due_ms:
            due_ms = ends_ms
    if gone:
        with held.mutate() as left:
            for number in gone:
                del left[number]
            held = left.finish()
    now = Measure(held, scope.best, total, due_ms)
    change = 0
    for harm in fallen:
        change += _worth(harm, now, ruleset, at_ms) - _worth(harm, scope, ruleset, then_ms)
    return Measure(held, scope.best, total + change, due_ms) if change else now


def total_at(scope: Scope, ruleset: Ruleset, at_ms: int) -> int:
    """What all patterns of a scope contribute to the risk at a time, in micros."""
    if scope.due_ms is None or scope.due_ms > at_ms:
        return scope.total
    return measured(scope, ruleset, at_ms).total


def with_levels(
    scope: Scope | Measure,
    changed: Mapping[int, Levels] | None,
    best: Mapping[int, int] | None,
    ruleset: Ruleset,
    at_ms: int,
) -> Measure:
    """What a scope comes to with levels raised. No window of it may have ended: see `measured`.

    best: steps of plain patterns, as in `Scope.best`, by number of the pattern.
    """
    patterns, due_ms, together = ruleset.patterns, scope.due_ms, scope.best
    total, shared = scope.total, dict[int, None]()
    if changed:
        for number, levels in changed.items():
            pattern = patterns[number]
            within_ms = pattern.within_ms
            count = reached(levels, within_ms, at_ms)
            if within_ms is not None and count:
                ends_ms = levels[2 * count - 2] + within_ms + 1
                if due_ms is None or ends_ms < due_ms:
                    due_ms = ends_ms
            if pattern.harm_number in ruleset.shared_harms:
                shared[pattern.harm_number] = None
                continue
            before = reached(scope.levels.get(number, ()), within_ms, at_ms)
            if count != before:
                total += _micros(pattern, count) - _micros(pattern, before)
    if best:
        for number, bits in best.items():
            pattern = patterns[number]
            own = together & pattern.bits
            together = together ^ own | bits
            if pattern.harm_number in ruleset.shared_harms:
                shared[pattern.harm_number] = None
            else:
                total += pattern.micros[pattern.levels - bits.bit_count()]
                if own:
                    total -= pattern.micros[pattern.levels - own.bit_count()]
    now = Measure(scope.levels.update(changed) if changed else scope.levels, together, total, due_ms)
    if not shared:
        return now
    for harm in shared:
        total += _worth(harm, now, ruleset, at_ms) - _worth(harm, scope, ruleset, at_ms)
    return Measure(now.levels, together, total, due_ms)


def _micros(pattern: CompiledPattern, count: int) -> int:
    """What a pattern contributes of which so many steps are reached."""
    return pattern.micros[pattern.levels - count] if count else 0


def _worth(harm: int, scope: Scope | Measure, ruleset: Ruleset, at_ms: int) -> int:
    """What a class of harm contributes in a scope: the most that one of its patterns does."""
    most = 0
    for pattern in ruleset.harms[harm]:
        if pattern.bits:
            count = (scope.best & pattern.bits).bit_count()
        else:
            count = reached(scope.levels.get(pattern.number, ()), pattern.within_ms, at_ms)
        if count:
            most = max(most, pattern.micros[pattern.levels - count])
    return most


def combine(scopes: Sequence[Scope | Measure | None], ruleset: Ruleset, at_ms: int) -> int:
    """Micros of a session and principals together: the largest of each class, then the sum.

    scopes: the session's first, as measured at that time.
    """
    session = scopes[0]
    mine, theirs, several = session.total if session is not None else 0, 0, False
    for scope in scopes[1:]:
        if scope is not None and scope.total:
            several = theirs > 0
            theirs += scope.total
    if not several and not (ruleset.shares_harm and mine and theirs):
        return mine + theirs
    counting = [scope for scope in scopes if scope is not None and scope.total]
    harms = {harm for scope in counting for harm in _harms(scope, ruleset)}
    return sum(max(_worth(harm, scope, ruleset, at_ms) for scope in counting) for harm in harms)


def _harms(scope: Scope | Measure, ruleset: Ruleset) -> Iterator[int]:
    patterns = ruleset.patterns
    for number in scope.levels:
        yield patterns[number].harm_number
    for number, _ in steps_by_pattern(scope.best, ruleset):
        yield patterns[number].harm_number
