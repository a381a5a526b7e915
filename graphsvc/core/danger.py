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
_UNCHANGED_BEST: dict[int, int] = {}


def risk_of(advance: Advance, names: tuple[str, ...], facts: Facts) -> tuple[Risk, dict[str, Measure]]:
    """The risk before and after; and what says so of scopes where it changed. names: of the scopes, the session's first."""
    ruleset, at_ms = facts.ruleset, advance.event.at_ms
    changed = _UNCHANGED
    before: list[Scope | Measure | None] = [*map(advance.scopes.get, names)]
    for place, scope in enumerate(before):
        if scope is not None and scope.due_ms is not None and scope.due_ms <= at_ms:
            before[place] = now = measured(scope, ruleset, at_ms)
            changed = {**changed, names[place]: now}
    micros = moved = combine(before, ruleset, at_ms)
    if advance.levels or advance.best:
        changed, best = changed.copy(), advance.best
        for place, name in enumerate(names):
            levels = advance.levels.get(name)
            if levels or best:
                before[place] = changed[name] = with_levels(
                    before[place] or NOTHING_REACHED, levels, best, ruleset, at_ms
                )
            best = _UNCHANGED_BEST  # only the session's
        moved = combine(before, ruleset, at_ms)
    if facts.signals.by_identity:
        fading = facts.signals.micros(advance.event.who, facts.estate, at_ms)
        micros, moved = micros + fading, moved + fading
    return (Risk(before_micros=micros, after_micros=moved) if moved else _NO_RISK), changed
