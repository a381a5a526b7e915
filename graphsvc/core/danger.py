"""The risk before and after an action: what its session and principals have come to, and signals about who acts."""

from __future__ import annotations

from graphsvc.core.advance import Advance
from graphsvc.core.facts import Facts
from graphsvc.core.progress import combine, measured, with_levels
from graphsvc.core.state import NEW_SCOPE, Scope
from graphsvc.core.verdict import Risk

__all__ = ["risk_of"]

_NO_RISK = Risk()


def risk_of(advance: Advance, names: tuple[str, ...], facts: Facts) -> tuple[Risk, dict[str, Scope]]:
    """The risk before and after; and the scopes whose measure of it changed. names: of the scopes, the session's first."""
    ruleset, at_ms = facts.ruleset, advance.event.at_ms
    scopes = advance.scopes
    before = [scopes[name] for name in names]
    changed: dict[str, Scope] = {}
    for place, scope in enumerate(before):
        if scope is not None and scope.due_ms is not None and scope.due_ms <= at_ms:
            before[place] = changed[names[place]] = measured(scope, ruleset, at_ms)
    micros = moved = combine(before, ruleset, at_ms)
    if advance.levels or advance.best:
        after = list(before)
        for place, name in enumerate(names):
            levels, best = advance.levels.get(name), None if place else advance.best
            if levels or best:
                after[place] = changed[name] = with_levels(
                    after[place] or NEW_SCOPE, levels, best, ruleset, at_ms
                )
        moved = combine(after, ruleset, at_ms)
    if facts.signals.by_identity:
        fading = facts.signals.micros(advance.event.who, facts.estate, at_ms)
        micros, moved = micros + fading, moved + fading
    return (Risk(before_micros=micros, after_micros=moved) if moved else _NO_RISK), changed
