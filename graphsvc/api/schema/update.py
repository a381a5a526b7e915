"""What subscribers are told of chains and of policies."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, TypeAlias

import strawberry

from graphsvc.api.schema.pattern import PolicyVersion
from graphsvc.api.schema.scalar import DateTime, prefixed, raw_id
from graphsvc.api.schema.verdict import Verdict
from graphsvc.api.schema.watching import Gap
from graphsvc.core.governing import DraftClosed, PolicyDrafted, PolicyShadowed, TrialEnded
from graphsvc.core.record import (
    Cancelled,
    ChainClosed,
    ChainOpened,
    Decided,
    IntentDeclared,
    PolicyPublished,
    Record,
    Reinstated,
    Reported,
    Suspended,
)
from graphsvc.decide.command import ChainView

__all__ = [
    "ChainCause", "ChainItem", "ChainUpdate", "ChainUpdateFilter", "PolicyCause", "PolicyItem", "PolicyUpdate", "chain_cause",
    "policy_update",
]  # fmt: skip


@strawberry.enum(description="What happened to a chain.")
class ChainCause(StrEnum):
    """What happened to a chain."""

    OPENED = "OPENED"
    DECIDED = "DECIDED"
    REPORTED = "REPORTED"
    CANCELLED = "CANCELLED"
    INTENT = "INTENT"
    SUSPENDED = "SUSPENDED"
    REINSTATED = "REINSTATED"
    CLOSED = "CLOSED"


@strawberry.type(description="Something happened to a chain; status and length are those of now.")
class ChainUpdate:
    """Something happened to a chain. decision: that was made, reported or cancelled. length: actions judged so far."""

    cursor: str
    at: DateTime
    chain: strawberry.ID
    session: strawberry.ID
    owner: str
    status: str
    length: int
    cause: ChainCause
    decision: strawberry.ID | None
    verdict: Verdict | None

    @staticmethod
    def of(
        cursor: str, record: Record, cause: ChainCause, view: ChainView, decision: str | None
    ) -> ChainUpdate:
        """From a record and the chain as it is now."""
        return ChainUpdate(
            cursor=cursor,
            at=DateTime(record.at_ms),
            chain=prefixed("chain", view.id),
            session=prefixed("session", view.session),
            owner=view.owner,
            status="closed" if view.closed else "open",
            length=view.length,
            cause=cause,
            decision=None if decision is None else prefixed("decision", decision),
            verdict=Verdict(record.answered.value) if isinstance(record, Decided) else None,
        )


@strawberry.input(description="Every condition given must hold.")
class ChainUpdateFilter:
    """Every condition given must hold."""

    chain: strawberry.ID | None = None
    session: strawberry.ID | None = None
    owner: str | None = None
    causes: list[ChainCause] | None = None

    def holds(self, cause: ChainCause, view: ChainView) -> bool:
        """True when every condition does."""
        return (
            (self.chain is None or raw_id("chain", self.chain, "filter.chain") == view.id)
            and (self.session is None or raw_id("session", self.session, "filter.session") == view.session)
            and self.owner in (None, view.owner)
            and (self.causes is None or cause in self.causes)
        )


ChainItem: TypeAlias = Annotated[ChainUpdate | Gap, strawberry.union("ChainItem")]


@strawberry.enum(description="What happened to the rules.")
class PolicyCause(StrEnum):
    """What happened to the rules."""

    PUBLISHED = "PUBLISHED"
    SUSPENDED = "SUSPENDED"
    REINSTATED = "REINSTATED"
    SHADOWED = "SHADOWED"
    TRIAL_ENDED = "TRIAL_ENDED"
    DRAFTED = "DRAFTED"
    DRAFT_CLOSED = "DRAFT_CLOSED"


@strawberry.type(
    description="A pack came into force, on trial or in draft, or a pattern was suspended or reinstated."
)
class PolicyUpdate:
    """A change of the rules. version: of a publication; pattern: of the others."""

    cursor: str
    at: DateTime
    cause: PolicyCause
    version: PolicyVersion | None
    pattern: strawberry.ID | None


PolicyItem: TypeAlias = Annotated[PolicyUpdate | Gap, strawberry.union("PolicyItem")]


def chain_cause(record: Record) -> tuple[ChainCause, str | None, str | None] | None:
    """What a record means to a chain: the cause, the chain (None: that of the decision) and the decision."""
    match record:
        case Decided():
            return ChainCause.DECIDED, record.request.chain, record.request.id
        case Reported():
            return ChainCause.REPORTED, None, record.action
        case Cancelled():
            return ChainCause.CANCELLED, None, record.action
        case ChainOpened():
            return ChainCause.OPENED, record.chain, None
        case ChainClosed():
            return ChainCause.CLOSED, record.chain, None
        case IntentDeclared():
            return ChainCause.INTENT, record.chain, None
        case Suspended() if record.target_kind == "chain":
            return ChainCause.SUSPENDED, record.target, None
        case Reinstated() if record.target_kind == "chain":
            return ChainCause.REINSTATED, record.target, None
    return None


_LIFE: dict[type, PolicyCause] = {
    PolicyShadowed: PolicyCause.SHADOWED,
    TrialEnded: PolicyCause.TRIAL_ENDED,
    PolicyDrafted: PolicyCause.DRAFTED,
    DraftClosed: PolicyCause.DRAFT_CLOSED,
}


def policy_update(cursor: str, record: Record) -> PolicyUpdate | None:
    """What a record means to the rules, if anything."""
    at = DateTime(record.at_ms)
    match record:
        case PolicyPublished():
            version = PolicyVersion.of(record, in_force=True)
            return PolicyUpdate(
                cursor=cursor, at=at, cause=PolicyCause.PUBLISHED, version=version, pattern=None
            )
        case PolicyShadowed() | TrialEnded() | PolicyDrafted() | DraftClosed():
            return PolicyUpdate(cursor=cursor, at=at, cause=_LIFE[type(record)], version=None, pattern=None)
        case Suspended() | Reinstated() if record.target_kind == "pattern":
            cause = PolicyCause.SUSPENDED if isinstance(record, Suspended) else PolicyCause.REINSTATED
            pattern = strawberry.ID(record.target)
            return PolicyUpdate(cursor=cursor, at=at, cause=cause, version=None, pattern=pattern)
    return None
