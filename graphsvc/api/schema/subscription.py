"""What can be watched: decisions and risk as they become durable, resumable by cursor."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Annotated, Any, TypeAlias, cast

import strawberry

from graphsvc.api.context import Context, Info
from graphsvc.api.role import watched
from graphsvc.api.schema.decision import Decision
from graphsvc.api.schema.decision_filter import DecisionFilter, DecisionMatch
from graphsvc.api.schema.grant_asking import GrantRequestSubscription
from graphsvc.api.schema.query_history import decision_at
from graphsvc.api.schema.review import Review
from graphsvc.api.schema.scalar import DateTime, prefixed, raw_id
from graphsvc.api.schema.update import (
    ChainItem,
    ChainUpdate,
    ChainUpdateFilter,
    PolicyItem,
    chain_cause,
    policy_update,
)
from graphsvc.api.schema.verdict import NearHarm
from graphsvc.api.schema.watching import Gap, cursor_of, watch
from graphsvc.core.governance import glass_of
from graphsvc.core.governing import Confirmed, Endorsed, ReviewWithdrawn
from graphsvc.core.record import Approved, Decided, Record, Rejected
from graphsvc.core.score import as_score
from graphsvc.core.verdict import Verdict
from graphsvc.decide.command import LogEvent

__all__ = ["DecisionEvent", "DecisionItem", "Gap", "RiskFilter", "RiskItem", "RiskUpdate", "Subscription"]


@strawberry.type(description="A decision became durable.")
class DecisionEvent:
    """A decision became durable. cursor: give it as `after` to go on behind it."""

    cursor: str
    decision: Decision


@strawberry.type(description="Risk changed by an action that was permitted.")
class RiskUpdate:
    """Risk changed by an action that was permitted. cause: the decision."""

    cursor: str
    at: DateTime
    chain: strawberry.ID
    identity: strawberry.ID
    before: float
    after: float
    before_micros: int
    after_micros: int
    cause: strawberry.ID
    nearest: list[NearHarm]


@strawberry.input(description="Every condition given must hold.")
class RiskFilter:
    """Every condition given must hold. min_after: only updates that end at this risk or above."""

    identity: strawberry.ID | None = None
    chain: strawberry.ID | None = None
    min_after: float | None = None


DecisionItem: TypeAlias = Annotated[DecisionEvent | Gap, strawberry.union("DecisionItem")]
RiskItem: TypeAlias = Annotated[RiskUpdate | Gap, strawberry.union("RiskItem")]


@strawberry.type(description="A review opened, was answered, or let its action through; as it is now.")
class ReviewUpdate:
    """A review changed."""

    cursor: str
    at: DateTime
    review: Review


# What Strawberry reads of the annotations; what is given back is a `Watching`.
_Items: TypeAlias = AsyncGenerator[Any, None]
ReviewItem: TypeAlias = Annotated[ReviewUpdate | Gap, strawberry.union("ReviewItem")]


@strawberry.type
class Subscription(GrantRequestSubscription):
    """What can be watched."""

    @watched("Decisions in the order of the log, from `after`, else from now on.")
    def decisions(
        self, info: Info, after: str | None = None,
        filter: DecisionFilter | None = None,  # noqa: A002  # the contract's name
    ) -> AsyncGenerator[DecisionItem, None]:  # fmt: skip
        """Decisions in the order of the log."""
        context, wanted = info.context, DecisionMatch(filter or DecisionFilter())

        def pick(event: LogEvent) -> DecisionEvent | None:
            if not isinstance(event.record, Decided) or not wanted.holds(event.record):
                return None
            decision = decision_at(context, event.seq, event.record)
            return DecisionEvent(cursor=decision.revision, decision=decision)

        return cast("_Items", watch(context, "Subscription.decisions", after, pick))

    @watched("Changes of risk in the order of the log, from `after`, else from now on.")
    def risk_updates(
        self, info: Info, after: str | None = None,
        filter: RiskFilter | None = None,  # noqa: A002  # the contract's name
    ) -> AsyncGenerator[RiskItem, None]:  # fmt: skip
        """Changes of risk in the order of the log."""
        context, wanted = info.context, _RiskMatch(filter or RiskFilter())

        def pick(event: LogEvent) -> RiskUpdate | None:
            if not isinstance(event.record, Decided) or not wanted.holds(event.record):
                return None
            return _risk_update(context, event.seq, event.record)

        return cast("_Items", watch(context, "Subscription.riskUpdates", after, pick))

    @watched("Reviews as they open and are answered or used, from `after`, else from now on.")
    def review_updates(self, info: Info, after: str | None = None) -> AsyncGenerator[ReviewItem, None]:
        """Reviews as they open and are answered or used."""
        context = info.context

        def pick(event: LogEvent) -> ReviewUpdate | None:
            name = _reviewed(event.record)
            view = context.service.review(name) if name is not None else None
            if view is None or not (context.reads_all or view.owner == context.caller.subject):
                return None
            return ReviewUpdate(
                cursor=cursor_of(context, event.seq),
                at=DateTime(event.record.at_ms),
                review=Review.of(view),
            )

        return cast("_Items", watch(context, "Subscription.reviewUpdates", after, pick, everybody=True))

    @watched("What happens to chains, from `after`, else from now on.")
    def chain_updates(
        self, info: Info, after: str | None = None,
        filter: ChainUpdateFilter | None = None,  # noqa: A002  # the contract's name
    ) -> AsyncGenerator[ChainItem, None]:  # fmt: skip
        """What happens to chains."""
        context, wanted = info.context, filter or ChainUpdateFilter()

        def pick(event: LogEvent) -> ChainUpdate | None:
            told = chain_cause(event.record)
            if told is None:
                return None
            cause, chain, decision = told
            view = context.service.chain(chain, decision)
            if view is None or not (context.reads_all or view.owner == context.caller.subject):
                return None
            if not wanted.holds(cause, view):
                return None
            return ChainUpdate.of(cursor_of(context, event.seq), event.record, cause, view, decision)

        return cast("_Items", watch(context, "Subscription.chainUpdates", after, pick, everybody=True))

    @watched("Changes of the rules, from `after`, else from now on.")
    def policy_updates(self, info: Info, after: str | None = None) -> AsyncGenerator[PolicyItem, None]:
        """Changes of the rules."""
        context = info.context

        def pick(event: LogEvent) -> object:
            return policy_update(cursor_of(context, event.seq), event.record)

        return cast("_Items", watch(context, "Subscription.policyUpdates", after, pick, everybody=True))


def _reviewed(record: Record) -> str | None:
    """The review that a record opens, answers or uses."""
    match record:
        case Approved() | Rejected() | Endorsed() | ReviewWithdrawn() | Confirmed():
            return record.decision
        case Decided() if record.answered is Verdict.ESCALATE:
            return record.request.id
        case Decided() if record.answered is Verdict.PERMIT:
            return record.request.id if glass_of(record) is not None else record.request.review
    return None


class _RiskMatch:
    def __init__(self, wanted: RiskFilter) -> None:
        self._identity = (
            None if wanted.identity is None else raw_id("identity", wanted.identity, "filter.identity")
        )
        self._chain = None if wanted.chain is None else raw_id("chain", wanted.chain, "filter.chain")
        self._min_after = wanted.min_after

    def holds(self, decided: Decided) -> bool:
        risk = decided.risk
        return (
            # What was not permitted changed nothing.
            decided.answered is Verdict.PERMIT
            and risk.before_micros != risk.after_micros
            and (self._identity is None or _bare(decided.request.subject.id) == self._identity)
            and (self._chain is None or decided.request.chain == self._chain)
            and (self._min_after is None or as_score(risk.after_micros) >= self._min_after)
        )


def _risk_update(context: Context, seq: int, decided: Decided) -> RiskUpdate:
    decision = decision_at(context, seq, decided)
    return RiskUpdate(
        cursor=decision.revision,
        at=DateTime(decided.at_ms),
        chain=decision.chain,
        identity=prefixed("identity", decided.request.subject.id),
        before=decision.risk.before,
        after=decision.risk.after,
        before_micros=decision.risk.before_micros,
        after_micros=decision.risk.after_micros,
        cause=decision.id,
        nearest=[],
    )


def _bare(identity: str) -> str:
    return identity.removeprefix("identity:")
