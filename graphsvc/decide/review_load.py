"""How much work reviews are: how many a hundred actions make, of which rules, and how long they wait for an answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from graphsvc.core.record import Decided
from graphsvc.core.verdict import ReasonCode, Verdict
from graphsvc.core.world import World

__all__ = ["ReviewLoad", "RuleLoad", "review_load"]


@dataclass(slots=True)
class RuleLoad:
    """Reviews of one rule (of one code, where no rule is named). median_ms: time to decision, None before the first."""

    rule: str
    opened: int = 0
    approved: int = 0
    rejected: int = 0
    withdrawn: int = 0
    median_ms: int | None = None


@dataclass(slots=True)
class ReviewLoad:
    """Since a time. per_100: reviews opened per hundred actions decided. waiting: open now, whenever opened.

    capped: escalations that a cap made denials. median_ms, p90_ms: time to decision of those answered.
    """

    actions: int = 0
    opened: int = 0
    approved: int = 0
    rejected: int = 0
    withdrawn: int = 0
    capped: int = 0
    waiting: int = 0
    oldest_ms: int | None = None
    median_ms: int | None = None
    p90_ms: int | None = None
    by_rule: list[RuleLoad] = field(default_factory=list)

    @property
    def per_100(self) -> float:
        """Reviews per hundred actions."""
        return round(100.0 * self.opened / self.actions, 2) if self.actions else 0.0


def review_load(world: World, decisions: Iterable[Decided], is_waiting: Sequence[int]) -> ReviewLoad:
    """The load of some decisions. is_waiting: when each review that can still be answered was opened."""
    load = ReviewLoad(waiting=len(is_waiting), oldest_ms=min(is_waiting, default=None))
    rules: dict[str, RuleLoad] = {}
    times: dict[str, list[int]] = {}
    every: list[int] = []
    for decided in decisions:
        load.actions += 1
        if any(
            reason.code is ReasonCode.cap_reached and reason.rule == "review_cap"
            for reason in decided.reasons
        ):
            load.capped += 1
        if decided.answered is not Verdict.ESCALATE:
            continue
        load.opened += 1
        named = _rules(decided)
        answered = world.reviews.get(decided.request.id)
        is_withdrawn = decided.request.id in world.governance.withdrawn
        load.withdrawn += is_withdrawn
        if answered is not None:
            load.approved += answered.approved
            load.rejected += not answered.approved
            every.append(answered.at_ms - decided.at_ms)
        for name in named:
            rule = rules.setdefault(name, RuleLoad(name))
            rule.opened += 1
            rule.withdrawn += is_withdrawn
            if answered is not None:
                rule.approved += answered.approved
                rule.rejected += not answered.approved
                times.setdefault(name, []).append(answered.at_ms - decided.at_ms)
    for name, rule in rules.items():
        rule.median_ms = _quantile(times.get(name, []), 0.5)
    load.by_rule = sorted(rules.values(), key=lambda each: (-each.opened, each.rule))
    load.median_ms, load.p90_ms = _quantile(every, 0.5), _quantile(every, 0.9)
    return load


def _rules(decided: Decided) -> list[str]:
    return list(
        dict.fromkeys(
            reason.rule or reason.code.value
            for reason in decided.reasons
            if reason.verdict is Verdict.ESCALATE
        )
    )


def _quantile(values: list[int], share: float) -> int | None:
    if not values:
        return None
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
