"""The answer: a verdict, every reason, every completed pattern with its path, and the risk."""

from __future__ import annotations

from enum import StrEnum

import msgspec

__all__ = [
    "DENY",
    "ESCALATE",
    "PERMIT",
    "SEVERITIES",
    "Completion",
    "NearHarm",
    "PathStep",
    "Reason",
    "ReasonCode",
    "Risk",
    "ShadowVerdict",
    "Verdict",
    "most_severe",
]

SEVERITIES = ("low", "medium", "high", "critical")


class Verdict(StrEnum):
    """DENY is more severe than ESCALATE, ESCALATE than PERMIT."""

    PERMIT = "PERMIT"
    ESCALATE = "ESCALATE"
    DENY = "DENY"


# An attribute of an enumeration takes ten times as long to look up as a name; these are for what every decision asks.
PERMIT, ESCALATE, DENY = Verdict.PERMIT, Verdict.ESCALATE, Verdict.DENY
_SEVERITY = {Verdict.PERMIT: 0, Verdict.ESCALATE: 1, Verdict.DENY: 2}


def most_severe(*verdicts: Verdict) -> Verdict:
    """The most severe of the verdicts; PERMIT of none."""
    return max(verdicts, key=_SEVERITY.__getitem__, default=Verdict.PERMIT)


class ReasonCode(StrEnum):
    """Why; stable, in the order in which reasons are listed. The last four are never recorded."""

    caller_not_allowed = "caller_not_allowed"
    subject_unknown = "subject_unknown"
    subject_suspended = "subject_suspended"
    not_entitled = "not_entitled"
    denied_explicitly = "denied_explicitly"
    condition_unknown = "condition_unknown"
    not_delegated = "not_delegated"
    principal_missing = "principal_missing"
    grant_expired = "grant_expired"
    outside_intent = "outside_intent"
    pattern_completed = "pattern_completed"
    provenance = "provenance"
    key_missing = "key_missing"
    risk_threshold = "risk_threshold"
    cap_reached = "cap_reached"
    chain_closed = "chain_closed"
    review_invalid = "review_invalid"
    review_rejected = "review_rejected"
    cancelled = "cancelled"
    observe_only = "observe_only"
    store_unavailable = "store_unavailable"
    deadline_exceeded = "deadline_exceeded"
    overloaded = "overloaded"
    revision_unavailable = "revision_unavailable"

    @property
    def retryable(self) -> bool:
        """True when nothing was decided or stored and the same call may be made again."""
        return self in _TRANSIENT


_TRANSIENT = frozenset(
    {
        ReasonCode.store_unavailable,
        ReasonCode.deadline_exceeded,
        ReasonCode.overloaded,
        ReasonCode.revision_unavailable,
    }
)


class Reason(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One rule that spoke. rule: the pattern, permission or setting it stands in, if any."""

    code: ReasonCode
    message: str
    verdict: Verdict
    rule: str | None = None


class PathStep(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """One step of a completed path: the action that matched it, or for the last one would.

    index: the action's place in its chain, counted from 1.
    """

    step: str
    action: str
    action_name: str
    subject: str
    resource: str
    chain: str
    index: int
    at_ms: int


class Completion(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """A pattern that the action completes, with one witness in log order."""

    pattern: str
    title: str
    severity: str
    on_match: str
    path: tuple[PathStep, ...]
    explanation: str
    pack: str | None = None
    key: dict[str, str] = {}


class ShadowVerdict(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """What a pattern of a pack on trial said of an action. enforced: the session is one in which the trial takes effect.

    completes: False when the action only lacks a key of it.
    """

    pack: str
    version: str
    pattern: str
    verdict: Verdict
    message: str
    enforced: bool = False
    completes: bool = True


class Risk(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Risk of the scope before the action and, had it been permitted, after; in micros of -ln(1-risk)."""

    before_micros: int = 0
    after_micros: int = 0


class NearHarm(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A pattern that is under way. remaining: the steps still missing, in the pattern's order."""

    pattern: str
    title: str
    severity: str
    remaining: tuple[str, ...]
    feasible: bool
