"""The risk before and after an action: what its session and principals have come to, and signals about who acts."""

from __future__ import annotations

from graphsvc.core.advance import Advance
from graphsvc.core.facts import Facts
from graphsvc.core.progress import NOTHING_REACHED, Measure, combine, measured, with_levels
from graphsvc.core.state import Scope
from graphsvc.core.verdict import Risk

__all__ = ["risk_of"]

_NO_RISK = Risk()
_UNCHANGED: dict[str, Measure] = {}


def risk_of(advance: Advance, names: tuple[str, ...], facts: Facts) -> tuple[Risk, dict[str, Measure]]:
    """The risk before and after; and what says so of scopes where it changed. names: of the scopes, the session's first."""
    ruleset, at_ms = facts.ruleset, advance.event.at_ms
    scopes = advance.scopes
    before: list[Scope | Measure | None] = []
    changed = _UNCHANGED
    for name in names:
        scope = scopes[name]
        due_ms = scope.due_ms if scope is not None else None
        if scope is None or due_ms is None or due_ms > at_ms:
            before.append(scope)
        else:
            now = measured(scope, ruleset, at_ms)
            changed = {**changed, name: now}
            before.append(now)
    micros = moved = combine(before, ruleset, at_ms)
    if advance.levels or advance.best:
        changed = changed.copy()
        for place, name in enumerate(names):
            levels, best = advance.levels.get(name), None if place else advance.best
            if levels or best:
                before[place] = changed[name] = with_levels(
                    before[place] or NOTHING_REACHED, levels, best, ruleset, at_ms
                )
        moved = combine(before, ruleset, at_ms)
    if facts.signals.by_identity:
        fading = facts.signals.micros(advance.event.who, facts.estate, at_ms)
        micros, moved = micros + fading, moved + fading
    return (Risk(before_micros=micros, after_micros=moved) if moved else _NO_RISK), changed
