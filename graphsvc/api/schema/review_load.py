"""How much work reviews are, in all and by rule."""

from __future__ import annotations

import strawberry

from graphsvc.api.schema.scalar import DateTime
from graphsvc.decide import review_load

__all__ = ["ReviewLoad"]


@strawberry.type(description="Reviews of one rule. medianMs: time to decision.")
class RuleLoad:
    """Reviews of one rule."""

    rule: str
    opened: int
    approved: int
    rejected: int
    withdrawn: int
    median_ms: int | None


@strawberry.type(description="How much work reviews are.")
class ReviewLoad:
    """per_100: reviews opened per hundred actions. waiting: open now; oldest_at: since when the oldest waits. capped:
    escalations that a cap made denials. median_ms, p90_ms: time to decision of those answered.
    """

    actions: int
    opened: int
    approved: int
    rejected: int
    withdrawn: int
    capped: int
    per_100: float
    waiting: int
    oldest_at: DateTime | None
    median_ms: int | None
    p90_ms: int | None
    by_rule: list[RuleLoad]

    @staticmethod
    def of(load: review_load.ReviewLoad) -> ReviewLoad:
        """From the use case's answer."""
        return ReviewLoad(
            actions=load.actions,
            opened=load.opened,
            approved=load.approved,
            rejected=load.rejected,
            withdrawn=load.withdrawn,
            capped=load.capped,
            per_100=load.per_100,
            waiting=load.waiting,
            oldest_at=DateTime(load.oldest_ms) if load.oldest_ms is not None else None,
            median_ms=load.median_ms,
            p90_ms=load.p90_ms,
            by_rule=[
                RuleLoad(
                    rule=each.rule,
                    opened=each.opened,
                    approved=each.approved,
                    rejected=each.rejected,
                    withdrawn=each.withdrawn,
                    median_ms=each.median_ms,
                )
                for each in load.by_rule
            ],
        )
