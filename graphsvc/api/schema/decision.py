"""A decision, an evaluation, and what decide answers."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import strawberry

from graphsvc.api.context import Info
from graphsvc.api.role import guarded
from graphsvc.api.schema.dependence import Counterfactual
from graphsvc.api.schema.entity import Entity
from graphsvc.api.schema.failure import Conflict, InvalidRequest, NotAllowed
from graphsvc.api.schema.node import Node
from graphsvc.api.schema.review import Review
from graphsvc.api.schema.scalar import JSON, DateTime, as_json, prefixed
from graphsvc.api.schema.verdict import (
    Completion,
    NearHarm,
    Obligation,
    Reason,
    RiskChange,
    ShadowVerdict,
    Verdict,
)  # fmt: skip
from graphsvc.core.marker import in_words
from graphsvc.core.record import Decided
from graphsvc.decide.command import Answer, Judged
from graphsvc.decide.service import GraphsvcService

__all__ = [
    "DecideResult",
    "Decision",
    "Evaluation",
    "answered",
    "decision_of",
    "evaluation_of",
    "review_of",
]


@strawberry.type(description="What was decided of one action.")
class Decision(Node):
    """What was decided of one action."""

    verdict: Verdict
    reasons: list[Reason]
    completions: list[Completion]
    risk: RiskChange
    nearest: list[NearHarm] = strawberry.field(description="The nearest patterns; told with the answer only.")
    obligations: list[Obligation]
    shadow: list[ShadowVerdict] = strawberry.field(description="What packs on trial say of it.")
    policy_version: str = strawberry.field(
        description="The version of all rules in force together; empty in decisions of before there was one."
    )
    revision: str
    audit_id: strawberry.ID
    replayed: bool = strawberry.field(description="The same key had been answered before.")
    recorded: bool = strawberry.field(
        description="False when nothing was stored: ask again with the same key."
    )
    decided_at: DateTime
    chain: strawberry.ID
    session: strawberry.ID
    index: int = strawberry.field(description="The action's place in its chain, from 1.")
    subject: Entity
    on_behalf_of: list[Entity]
    action: str
    properties: JSON = strawberry.field(description="Of the action, as they were asked for.")
    parents: list[strawberry.ID] | None = strawberry.field(
        description="Decisions whose results feed this one; null = not said, so everything earlier in the chain."
    )
    resource: Entity
    would_be: Verdict | None = strawberry.field(
        description="While observing: the verdict that was not enforced."
    )

    @guarded("The human review that it waits for, or waited for; null unless it was escalated.")
    def review(self, info: Info) -> Review | None:
        """The human review that it waits for."""
        return review_of(info.context.service, str(self.id).removeprefix("decision:"))

    @guarded(
        "For each completion what its path hung on, by the graph as it was when each step was decided."
        " Reading the log back may take a while."
    )
    async def counterfactuals(self, info: Info) -> list[Counterfactual]:
        """For each completion what its path hung on."""
        if not self.completions:
            return []
        return [
            Counterfactual.of(each) for each in await info.context.service.hindsight.counterfactuals(self.id)
        ]


@strawberry.type(description="What decide would answer now; nothing was changed.")
class Evaluation:
    """What decide would answer now; nothing was changed."""

    verdict: Verdict
    reasons: list[Reason]
    completions: list[Completion]
    risk: RiskChange
    nearest: list[NearHarm]
    revision: str
    stale: bool = strawberry.field(description="The log could not be read lately.")


def review_of(service: GraphsvcService, decision: str) -> Review | None:
    """The human review of a decision, if it was escalated."""
    view = service.review(decision)
    return Review.of(view) if view is not None else None


DecideResult: TypeAlias = Annotated[
    Decision | InvalidRequest | NotAllowed | Conflict, strawberry.union("DecideResult")
]


def decision_of(
    decided: Decided, *, revision: str, audit_id: str, nearest: list[NearHarm] | None = None,
    replayed: bool = False, recorded: bool = True,
) -> Decision:  # fmt: skip
    """From a record and its place in the log."""
    request = decided.request
    return Decision(
        id=prefixed("decision", request.id),
        verdict=decided.answered,
        reasons=[Reason.of(reason) for reason in decided.reasons],
        completions=[Completion.of(completion) for completion in decided.completions],
        risk=RiskChange.of(decided.risk),
        nearest=nearest or [],
        obligations=[],
        shadow=[ShadowVerdict.of(each) for each in decided.shadow],
        policy_version=decided.policy,
        revision=revision,
        audit_id=strawberry.ID(audit_id),
        replayed=replayed,
        recorded=recorded,
        decided_at=DateTime(decided.at_ms),
        chain=prefixed("chain", request.chain),
        session=prefixed("session", decided.session),
        index=decided.index,
        subject=Entity.of(request.subject),
        on_behalf_of=[Entity.of(entity) for entity in request.on_behalf_of],
        action=request.action,
        properties=as_json(in_words(request.action_properties)),
        parents=None if request.parents is None else [prefixed("decision", each) for each in request.parents],
        resource=Entity.of(request.resource),
        would_be=decided.verdict if decided.enforced is not None else None,
    )


def answered(answer: Answer) -> Decision:
    """From an answer."""
    decision = decision_of(
        answer.decision,
        revision=answer.revision,
        audit_id=answer.audit_id,
        nearest=[NearHarm.of(near) for near in answer.nearest],
        replayed=answer.replayed,
        recorded=answer.recorded,
    )
    decision.verdict = answer.verdict
    return decision


def evaluation_of(judged: Judged) -> Evaluation:
    """From a judgement."""
    return Evaluation(
        verdict=judged.verdict,
        reasons=[Reason.of(reason) for reason in judged.reasons],
        completions=[Completion.of(completion) for completion in judged.completions],
        risk=RiskChange.of(judged.risk),
        nearest=[NearHarm.of(near) for near in judged.nearest],
        revision=judged.revision,
        stale=judged.stale,
    )
