"""How near harm is in each scope, kept so that the score before and after an action is exact.

For a pattern of n steps, level k holds the newest time from which k of its steps have been reached
together: while that time lies inside the window, k steps count. Levels only rise as history grows,
so the score of a scope changes only when an action moves a pattern or a window ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from graphsvc.core.ruleset import Ruleset
from graphsvc.core.state import Progress

__all__ = ["advance_levels", "combine", "measure", "steps_reached"]

Levels = tuple[int | None, ...]


def advance_levels(held: Levels | None, starts: Sequence[int | None]) -> Levels:
    """Levels raised by new starts; reaching k steps from a time means reaching fewer from it too."""
    newest: int | None = None
    levels: list[int | None] = []
    for index in range(len(starts) - 1, -1, -1):
        for start in (starts[index], held[index] if held is not None else None):
            if start is not None and (newest is None or start > newest):
                newest = start
        levels.append(newest)
    levels.reverse()
    return tuple(levels)


def steps_reached(levels: Levels, within_ms: int | None, at_ms: int) -> int:
    """The highest level that is live at a time, 0 for none."""
    for index in range(len(levels) - 1, -1, -1):
        start = levels[index]
        if start is not None and (within_ms is None or start >= at_ms - within_ms):
            return index + 1
    return 0


def measure(levels: Mapping[str, Levels], ruleset: Ruleset, at_ms: int) -> Progress:
    """The contribution of every pattern of a scope at a time; in a class of harm the largest counts."""
    micros: dict[str, int] = {}
    due_ms: int | None = None
    for pattern_id, held in levels.items():
        pattern = ruleset.by_id.get(pattern_id)
        if pattern is None:
            continue
        reached = steps_reached(held, pattern.within_ms, at_ms)
        if not reached:
            continue
        value = pattern.micros[len(held) - reached]
        if value > micros.get(pattern.harm, 0):
            micros[pattern.harm] = value
        if pattern.within_ms is not None:
            start = held[reached - 1]
            assert start is not None
            ends_ms = start + pattern.within_ms + 1
            due_ms = ends_ms if due_ms is None else min(due_ms, ends_ms)
    return Progress(levels, micros, due_ms)


def combine(scopes: Sequence[Progress]) -> int:
    """Micros of several scopes together: the largest of each class, then the sum."""
    if len(scopes) == 1:
        return sum(scopes[0].micros.values())
    largest: dict[str, int] = {}
    for progress in scopes:
        for harm, value in progress.micros.items():
            if value > largest.get(harm, 0):
                largest[harm] = value
    return sum(largest.values())
