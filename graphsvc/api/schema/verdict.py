"""The parts of an answer: reasons, completed patterns with their path, risk, and harm that is near."""

from __future__ import annotations

import strawberry

from graphsvc.api.schema.scalar import JSON, DateTime, as_json, prefixed
from graphsvc.core import verdict as core
from graphsvc.core.score import as_score
from graphsvc.core.verdict import ReasonCode, Verdict

__all__ = [
    "Completion", "NearHarm", "Obligation", "PathStep", "PatternRef", "Reason", "ReasonCode",
    "RiskChange", "ShadowVerdict", "Verdict",
]  # fmt: skip

# The core's own enums are the schema's; this only tells Strawberry their descriptions.
strawberry.enum(Verdict, description="What the enforcement point must do.")
strawberry.enum(ReasonCode, description="Why; stable.")


@strawberry.type(description="One rule that spoke.")
class Reason:
    """One rule that spoke."""

    code: ReasonCode
    message: str
    rule: str | None
    verdict: Verdict
    retryable: bool = strawberry.field(description="Nothing was decided; the same call may be made again.")

    @staticmethod
    def of(reason: core.Reason) -> Reason:
        """From the core's value."""
        return Reason(
            code=reason.code,
            message=reason.message,
            rule=reason.rule,
            verdict=reason.verdict,
            retryable=reason.code.retryable,
        )


@strawberry.type(description="A pattern by name.")
class PatternRef:
    """A pattern by name."""

    id: strawberry.ID
    title: str
    severity: str


@strawberry.type(description="One step of a completed path.")
class PathStep:
    """One step of a completed path. index: the action's place in its chain, from 1."""

    step: str
    decision: strawberry.ID
    action: str
    subject: str
    resource: str
    chain: strawberry.ID
    index: int
    at: DateTime

    @staticmethod
    def of(step: core.PathStep) -> PathStep:
        """From the core's value."""
        return PathStep(
            step=step.step,
            decision=prefixed("decision", step.action),
            action=step.action_name,
            subject=step.subject,
            resource=step.resource,
            chain=prefixed("chain", step.chain),
            index=step.index,
            at=DateTime(step.at_ms),
        )


@strawberry.type(description="A pattern that the action completes, with one witness.")
class Completion:
    """A pattern that the action completes, with one witness in log order."""

    pattern: PatternRef
    on_match: str
    pack: str | None
    path: list[PathStep]
    explanation: str
    key: JSON

    @staticmethod
    def of(completion: core.Completion) -> Completion:
        """From the core's value."""
        return Completion(
            pattern=PatternRef(
                id=strawberry.ID(completion.pattern), title=completion.title, severity=completion.severity
            ),
            on_match=completion.on_match,
            pack=completion.pack,
            path=[PathStep.of(step) for step in completion.path],
            explanation=completion.explanation,
            key=as_json(completion.key),
        )


@strawberry.type(description="Risk before the action and, had it been permitted, after it; 0 to 1.")
class RiskChange:
    """Risk before and after, as scores and as micros of -ln(1 - risk), which add up exactly."""

    before: float
    after: float
    delta: float
    before_micros: int
    after_micros: int

    @staticmethod
    def of(risk: core.Risk) -> RiskChange:
        """From the core's value."""
        before, after = as_score(risk.before_micros), as_score(risk.after_micros)
        return RiskChange(
            before=before,
            after=after,
            delta=round(after - before, 6),
            before_micros=risk.before_micros,
            after_micros=risk.after_micros,
        )


@strawberry.type(description="A pattern under way.")
class NearHarm:
    """A pattern under way. remaining: the steps still missing."""

    pattern: PatternRef
    remaining: list[str]
    feasible: bool

    @staticmethod
    def of(near: core.NearHarm) -> NearHarm:
        """From the core's value."""
        return NearHarm(
            pattern=PatternRef(id=strawberry.ID(near.pattern), title=near.title, severity=near.severity),
            remaining=list(near.remaining),
            feasible=near.feasible,
        )


@strawberry.type(description="What the enforcement point must do besides obeying the verdict.")
class Obligation:
    """What the enforcement point must do besides obeying the verdict."""

    name: str
    properties: JSON


@strawberry.type(description="What a pattern of a pack on trial says of an action.")
class ShadowVerdict:
    """What a pack in trial would have answered."""

    pack: str
    version: str
    pattern: str
    verdict: Verdict
    message: str
    enforced: bool = strawberry.field(description="The session is one in which the trial takes effect.")

    @staticmethod
    def of(shadow: core.ShadowVerdict) -> ShadowVerdict:
        """From the core's value."""
        return ShadowVerdict(
            pack=shadow.pack,
            version=shadow.version,
            pattern=shadow.pattern,
            verdict=shadow.verdict,
            message=shadow.message,
            enforced=shadow.enforced,
        )
