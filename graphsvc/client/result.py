"""What the service answered, as typed values."""

from __future__ import annotations

from typing import Any

import msgspec

from graphsvc.core.verdict import Verdict

__all__ = [
    "Acknowledged",
    "Chain",
    "ChainPage",
    "Completion",
    "Decision",
    "DecisionEvent",
    "DecisionPage",
    "Evaluation",
    "Gap",
    "Grant",
    "Granted",
    "NearHarm",
    "PathStep",
    "Pattern",
    "Reason",
    "Review",
    "ReviewPage",
    "Revoked",
    "RiskChange",
    "Subject",
]  # fmt: skip


class _Result(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    pass


class Reason(_Result, frozen=True, kw_only=True):
    """One rule that spoke. retryable: nothing was decided, the same call may be made again."""

    code: str
    message: str
    rule: str | None = None
    retryable: bool = False


class Pattern(_Result, frozen=True, kw_only=True):
    """A pattern by name."""

    id: str
    title: str
    severity: str


class PathStep(_Result, frozen=True, kw_only=True):
    """One step of a completed path."""

    step: str
    decision: str
    action: str
    subject: str
    resource: str
    chain: str
    index: int
    at: str


class Completion(_Result, frozen=True, kw_only=True):
    """A pattern that the action completes."""

    pattern: Pattern
    path: list[PathStep]
    explanation: str


class RiskChange(_Result, frozen=True, kw_only=True):
    """Risk before the action and, had it been permitted, after it; 0 to 1."""

    before: float = 0.0
    after: float = 0.0
    delta: float = 0.0
    before_micros: int = 0
    after_micros: int = 0


class NearHarm(_Result, frozen=True, kw_only=True):
    """A pattern under way, and the steps it still needs."""

    pattern: Pattern
    remaining: list[str]
    feasible: bool


class Subject(_Result, frozen=True, kw_only=True):
    """Somebody or something by type and id."""

    type: str
    id: str


class Review(_Result, frozen=True, kw_only=True):
    """A human review. status: OPEN, APPROVED, REJECTED, USED, EXPIRED or WITHDRAWN; pass `id` as `review` once approved.

    quorum: approvals needed; endorsed_by: who approved so far; deputies_from: when deputies may answer. narrowed:
    properties of the action that it must be asked with. afterwards: of an action of an emergency.
    """

    id: str
    status: str
    opened_at: str
    expires_at: str
    reviewed_by: str | None = None
    reviewed_at: str | None = None
    reason: str | None = None
    used_by: str | None = None
    afterwards: bool = False
    quorum: int = 1
    endorsed_by: list[str] = []
    deputies_from: str | None = None
    narrowed: dict[str, Any] | None = None


class ReviewPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of reviews, newest first. cursor: give it as `after` for the next page, None at the end."""

    reviews: list[Review]
    cursor: str | None


class Decision(_Result, frozen=True, kw_only=True):
    """A decision. Only `verdict` PERMIT lets the action happen.

    Without an answer in time the client makes one itself: DENY, with `recorded` False and a reason
    whose code is `deadline_exceeded` or `service_unreachable`; asking again with the same key is safe.
    """

    verdict: Verdict
    reasons: list[Reason]
    id: str = ""
    completions: list[Completion] = []
    risk: RiskChange = RiskChange()
    nearest: list[NearHarm] = []
    revision: str = ""
    audit_id: str = ""
    replayed: bool = False
    recorded: bool = True
    decided_at: str = ""
    chain: str = ""
    session: str = ""
    index: int = 0
    subject: Subject | None = None
    action: str = ""
    resource: Subject | None = None
    review: Review | None = None

    @property
    def permitted(self) -> bool:
        """True when the action may happen."""
        return self.verdict is Verdict.PERMIT


class Evaluation(_Result, frozen=True, kw_only=True):
    """What decide would answer now."""

    verdict: Verdict
    reasons: list[Reason]
    completions: list[Completion]
    risk: RiskChange
    nearest: list[NearHarm]
    revision: str
    stale: bool


class Acknowledged(_Result, frozen=True, kw_only=True):
    """A change is durable at `revision`."""

    revision: str
    at: str


class Grant(_Result, frozen=True, kw_only=True):
    """A situational grant."""

    id: str
    identity: str
    actions: list[str]
    resources: list[str]
    not_before: str
    expires_at: str
    purpose: str


class Granted(_Result, frozen=True, kw_only=True):
    """A grant was made."""

    grant: Grant
    revision: str


class Revoked(_Result, frozen=True, kw_only=True):
    """A grant ended. affected_chains: open chains in which it permitted something."""

    grant: Grant
    revision: str
    affected_chains: list[str]


class Chain(_Result, frozen=True, kw_only=True):
    """A chain as history shows it."""

    id: str
    session: str
    parent: str | None
    status: str
    owner: str
    opened_at: str
    length: int


class DecisionPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of decisions, newest first. cursor: give it as `after` for the next page, None at the end."""

    decisions: list[Decision]
    cursor: str | None


class ChainPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of chains, newest first. cursor: give it as `after` for the next page, None at the end."""

    chains: list[Chain]
    cursor: str | None


class DecisionEvent(_Result, frozen=True, kw_only=True):
    """A decision became durable. cursor: give it as `after` to go on behind it."""

    cursor: str
    decision: Decision


class Gap(_Result, frozen=True, kw_only=True):
    """Events before `cursor` were missed; read them as pages. missed: None when it cannot be known."""

    cursor: str
    missed: int | None = None


Variables = dict[str, Any]
