"""Which harm is nearest: the patterns under way in some scopes, those with the fewest missing steps first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from graphsvc.core.facts import Facts
from graphsvc.core.pattern import CompiledPattern
from graphsvc.core.progress import reached, steps_by_pattern
from graphsvc.core.state import NEW_SCOPE, Scope
from graphsvc.core.verdict import SEVERITIES, NearHarm

__all__ = ["nearest"]


def nearest(scopes: Sequence[str], facts: Facts, at_ms: int, *, limit: int = 5) -> tuple[NearHarm, ...]:
    """The patterns that are furthest under way in some scopes, fewest missing steps first.

    remaining: the steps that the furthest instance still lacks; feasible is not judged here and is True.
    """
    best: dict[int, tuple[int, int]] = {}
    for name in scopes:
        scope = cast("Scope | None", facts.view.get(name)) or NEW_SCOPE
        for number, mask in steps_by_pattern(scope.best, facts.ruleset):
            missing = facts.ruleset.patterns[number].levels - mask.bit_count()
            best[number] = min((missing, mask), best.get(number, (missing + 1, 0)))
        for number, levels in scope.levels.items():
            # None of a pattern on trial: those only watch, and what only watches has no levels.
            pattern = facts.ruleset.patterns[number]
            count = reached(levels, pattern.within_ms, at_ms)
            if count:
                missing = pattern.levels - count
                best[number] = min((missing, levels[2 * count - 1]), best.get(number, (missing + 1, 0)))
    ordered = sorted(
        (missing, -SEVERITIES.index(facts.ruleset.patterns[number].severity), facts.ruleset.patterns[number].id, number, mask)
        for number, (missing, mask) in best.items()
    )  # fmt: skip
    return tuple(
        _near(facts.ruleset.patterns[number], missing, mask)
        for missing, _, _, number, mask in ordered[:limit]
    )


def _near(pattern: CompiledPattern, missing: int, mask: int) -> NearHarm:
    names = tuple(step.name for step in pattern.steps if not mask >> step.number & 1)
    if pattern.count is not None:
        names = ("counted",) if missing else ()
    return NearHarm(
        pattern=pattern.id, title=pattern.title, severity=pattern.severity, remaining=names, feasible=True
    )
