"""Resources, rights, where risk stands, and whole graphs and histories page by page."""

from __future__ import annotations

import strawberry

from graphsvc.api.schema.node import Node
from graphsvc.api.schema.scalar import JSON, DateTime, as_json, prefixed
from graphsvc.api.schema.verdict import Verdict
from graphsvc.core.rights import Right
from graphsvc.core.score import as_score
from graphsvc.decide.overview import (
    HeldPermission,
    ResourceView,
    RightsView,
    RiskyScope,
)
from graphsvc.decide.overview import (
    RiskSummary as Summary,
)

__all__ = ["RecordPage", "Resource", "ResourceFilter", "Rights", "RiskSummary"]


@strawberry.type(description="Something that can be acted on.")
class Resource(Node):
    """Something that can be acted on. within: what contains it; contains: how many things lie directly in it."""

    type: str
    labels: list[str]
    tier: str | None
    within: list[strawberry.ID]
    contains: int
    owners: list[strawberry.ID]
    properties: JSON

    @staticmethod
    def of(view: ResourceView) -> Resource:
        """From the use case's view."""
        return Resource(
            id=strawberry.ID(f"resource:{view.type}:{view.id}"),
            type=view.type,
            labels=list(view.labels),
            tier=view.tier,
            within=[strawberry.ID(key) for key in view.within],
            contains=view.contains,
            owners=[strawberry.ID(key) for key in view.owners],
            properties=as_json(view.properties),
        )


@strawberry.input(description="Every condition given must hold.")
class ResourceFilter:
    """Every condition given must hold."""

    type: str | None = None
    tier: str | None = None
    label: str | None = None


@strawberry.type(description="A permission that somebody holds.")
class Permission:
    """A permission. heldBy: the identity, or the group or role it comes by. needs: what its condition asks for."""

    id: strawberry.ID
    effect: str
    actions: list[str]
    resources: list[str]
    conditional: bool
    needs: list[str]
    held_by: strawberry.ID

    @staticmethod
    def of(held: HeldPermission) -> Permission:
        """From the use case's view."""
        return Permission(
            id=strawberry.ID(held.id),
            effect=held.effect,
            actions=list(held.actions),
            resources=[each.removeprefix("resource:") for each in held.resources],
            conditional=held.conditional,
            needs=list(held.keys),
            held_by=strawberry.ID(held.held_by),
        )


@strawberry.type(description="Whether an action on a resource is allowed by permissions alone.")
class RightCheck:
    """An answer. rule: the permission that decided; capped: a cap forbids it; missing: attributes to decide it with."""

    allowed: bool
    code: str
    rule: strawberry.ID | None
    capped: bool
    missing: list[str]

    @staticmethod
    def of(right: Right) -> RightCheck:
        """From the core's value."""
        return RightCheck(
            allowed=right.allowed,
            code=right.code,
            rule=None if right.rule is None else strawberry.ID(right.rule),
            capped=right.capped,
            missing=list(right.missing),
        )


@strawberry.type(description="What an identity may do, by the permissions it holds.")
class Rights:
    """What an identity may do. checked: of one action on one resource. endCursor: null on the last page."""

    identity: strawberry.ID
    permissions: list[Permission]
    end_cursor: str | None
    checked: RightCheck | None

    @staticmethod
    def of(view: RightsView) -> Rights:
        """From the use case's view."""
        return Rights(
            identity=prefixed("identity", view.identity),
            permissions=[Permission.of(each) for each in view.permissions],
            end_cursor=view.after,
            checked=None if view.checked is None else RightCheck.of(view.checked),
        )


@strawberry.type(description="A person or session at risk. kind: identity or session.")
class AtRisk:
    """A person or session at risk."""

    kind: str
    id: strawberry.ID
    risk: float
    risk_micros: int

    @staticmethod
    def of(scope: RiskyScope) -> AtRisk:
        """From the use case's view."""
        return AtRisk(
            kind=scope.kind,
            id=prefixed(scope.kind, scope.id),
            risk=as_score(scope.risk_micros),
            risk_micros=scope.risk_micros,
        )


@strawberry.type(description="How often something happened.")
class VerdictCount:
    """How often a verdict was given."""

    verdict: Verdict
    count: int


@strawberry.type(description="How often a pattern was completed by what was asked.")
class PatternCount:
    """How often a pattern was completed."""

    pattern: strawberry.ID
    count: int


@strawberry.type(description="Where risk stands now.")
class RiskSummary:
    """Where risk stands now. verdicts, patterns: of decisions since `since`; complete: all of them were counted.

    suspended: identities, chains, sessions, actions and patterns.
    """

    at: DateTime
    riskiest: list[AtRisk]
    open_reviews: int
    suspended: int
    grants_in_force: int
    since: DateTime
    verdicts: list[VerdictCount]
    patterns: list[PatternCount]
    complete: bool

    @staticmethod
    def of(summary: Summary) -> RiskSummary:
        """From the use case's view."""
        counted = {verdict.value: count for verdict, count in summary.verdicts.items()}
        return RiskSummary(
            at=DateTime(summary.at_ms),
            riskiest=[AtRisk.of(each) for each in summary.riskiest],
            open_reviews=summary.open_reviews,
            suspended=summary.suspended,
            grants_in_force=summary.grants_in_force,
            since=DateTime(summary.from_ms),
            verdicts=[
                VerdictCount(verdict=verdict, count=counted.get(verdict.value, 0)) for verdict in Verdict
            ],
            patterns=[
                PatternCount(pattern=strawberry.ID(name), count=count) for name, count in summary.by_pattern
            ],
            complete=summary.complete,
        )


@strawberry.type(
    description="Part of a graph or of a history. endCursor: give it as `after`; null on the last page."
)
class RecordPage:
    """Part of a graph or of a history. revision: as of which; one that changed between pages means: begin again."""

    records: list[JSON]
    end_cursor: str | None
    revision: str
