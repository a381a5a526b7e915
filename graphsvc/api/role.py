"""Which role may use which field: one table, looked up for every guarded field, closed by default."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from inspect import isawaitable
from typing import Any, TypeVar, cast

import strawberry
from graphql import GraphQLError
from strawberry.extensions import FieldExtension

from graphsvc.api.context import Context, Info
from graphsvc.api.schema.failure import NotAllowed

__all__ = [
    "FIELD_ROLES",
    "OPEN_TYPES",
    "RoleGuard",
    "guarded",
    "is_allowed",
    "not_allowed",
    "refusal",
    "watched",
]

F = TypeVar("F", bound=Callable[..., Any])
_ALL = frozenset({"pep", "analyst", "approver", "auditor", "admin"})
_READ = _ALL - {"pep"}
_ASK = frozenset({"pep", "analyst", "admin"})
_ENFORCE = frozenset({"pep", "admin"})
_GRANT = frozenset({"approver", "admin"})
_SUSPEND = frozenset({"analyst", "approver", "admin"})
_ADMIN = frozenset({"admin"})
_DECLARE = frozenset({"pep", "approver", "admin"})
_WATCH = frozenset({"pep", "analyst", "approver", "admin"})
_GRAPH = frozenset({"analyst", "admin"})
_EXPLORE = frozenset({"analyst", "admin"})
_AUDIT = frozenset({"analyst", "auditor", "admin"})

# `_ALL` on decisions and chains: a caller that is only a pep sees its own, see `Context.reads_all`.
FIELD_ROLES: dict[str, frozenset[str]] = {
    "Query.evaluate": _ASK,
    "Query.revision": _ALL,
    "Query.node": _ALL,
    "Query.nodes": _ALL,
    "Query.decision": _ALL,
    "Query.decisions": _ALL,
    "Query.chain": _ALL,
    "Query.chains": _ALL,
    "Query.identity": _READ,
    "Query.identities": _GRAPH | {"approver"},
    "Query.patterns": _READ,
    "Query.policies": _READ,
    "Query.grants": _READ,
    "Query.signals": _READ,
    "Query.auditCheckpoint": _AUDIT,
    "Query.auditProof": _AUDIT,
    "Query.resource": _READ,
    "Query.resources": _GRAPH | {"approver"},
    "Query.rights": _READ,
    "Query.riskSummary": _READ,
    "Query.graphRecords": _GRAPH,
    "Query.logRecords": _AUDIT,
    "Query.combinations": _EXPLORE,
    # Whoever accepts a risk sees what it is about.
    "Query.findings": _EXPLORE | {"approver"},
    "Query.findingRegister": _READ,
    "Query.paths": _EXPLORE,
    "Query.blastRadius": _EXPLORE,
    "Query.whatIf": _EXPLORE,
    "Query.chokePoints": _EXPLORE,
    "Query.cut": _EXPLORE,
    "Query.policyTrials": _READ,
    "Query.policyDrafts": _READ,
    "Query.policiesAt": _READ,
    "Query.replayDiff": _EXPLORE,
    "Query.wouldHaveStopped": _READ,
    "Query.reviewLoad": _READ,
    "Query.emergencies": _READ,
    "Query.suspensions": _READ,
    "Query.grantRequest": _ALL,
    "Query.grantRequests": _ALL,
    "Query.review": _ALL,
    "Query.reviews": _ALL,
    "Chain.nearest": _ALL,
    "Chain.drift": _ALL,
    "Chain.revokedGrants": _ALL,
    "Decision.review": _ALL,
    "Decision.counterfactuals": _READ,
    "Review.decision": _ALL,
    "Identity.grants": _READ,
    "Identity.properties": _GRAPH,
    "Mutation.decide": _ENFORCE,
    "Mutation.decideMany": _ENFORCE,
    "Mutation.report": _ENFORCE,
    "Mutation.cancelDecision": _ENFORCE,
    "Mutation.openChain": _ENFORCE,
    "Mutation.closeChain": _ENFORCE,
    "Mutation.declareIntent": _DECLARE,
    "Mutation.approveReview": _GRANT,
    "Mutation.rejectReview": _GRANT,
    "Mutation.grant": _GRANT,
    "Mutation.revokeGrant": _GRANT,
    "Mutation.requestGrant": _WATCH,
    "Mutation.approveGrantRequest": _GRANT,
    "Mutation.rejectGrantRequest": _GRANT,
    "Mutation.withdrawGrantRequest": _WATCH,
    "Mutation.sendSignal": _ASK,
    "Mutation.suspend": _SUSPEND,
    "Mutation.acceptRisk": _GRANT,
    "Mutation.assignFinding": _SUSPEND,
    # It only opens what was accepted again.
    "Mutation.withdrawEntry": _SUSPEND,
    "Mutation.reinstate": _GRANT,
    "Mutation.shadowPolicy": _EXPLORE,
    "Mutation.endTrial": _EXPLORE,
    "Mutation.draftPolicy": _EXPLORE,
    "Mutation.publishDraft": _ADMIN,
    "Mutation.withdrawDraft": _EXPLORE,
    "Mutation.withdrawReview": _DECLARE,
    "Mutation.breakGlass": _DECLARE,
    "Mutation.publishPolicy": _ADMIN,
    "Mutation.rollbackPolicy": _ADMIN,
    "Mutation.upsertGraph": _ADMIN,
    "Mutation.removeSource": _ADMIN,
    "Subscription.decisions": _WATCH,
    "Subscription.riskUpdates": _WATCH,
    "Subscription.reviewUpdates": _WATCH,
    "Subscription.grantRequestUpdates": _WATCH,
    "Subscription.chainUpdates": _WATCH,
    "Subscription.policyUpdates": _WATCH - {"pep"},
}

# Types whose fields carry no more than the guarded field that led to them gave away.
OPEN_TYPES = frozenset({
    "Ack", "AtRisk", "ChokePoint", "ChokePoints", "Cut", "CutEdge", "BlastRadius", "PatternCount", "Permission", "RecordPage", "Resource", "ResourceConnection", "ResourceEdge", "RightCheck", "Rights", "RiskSummary", "VerdictCount", "Combination", "Combinations", "GraphEdge", "Hop", "PackVersion", "Path", "Paths", "Reached", "RightHeld", "RegisterEntry", "RiskFinding", "RiskFindingEdge", "RiskFindings", "WhatIf",
    "AuditCheckpoint", "AuditProof", "Chain", "ChainConnection", "ChainEdge", "ChainUpdate", "Completion", "Conflict", "Counterfactual", "Decision", "DecisionConnection",
    "DecisionEdge", "DecisionEvent", "Entity", "Evaluation", "Gap", "Grant", "GrantRequest", "GrantRequestConnection", "GrantRequestEdge", "GrantRequestUpdate", "GrantState", "GrantStateConnection", "GrantStateEdge", "Granted", "Identity",
    "IdentityConnection", "IdentityEdge", "IntentDrift", "InvalidRequest", "NearHarm", "NotAllowed", "Obligation", "PageInfo",
    "PathStep", "Pattern", "PolicyUpdate", "PolicyVersion", "PatternRef", "Reason", "Review", "ReviewConnection", "ReviewEdge", "ReviewUpdate", "Refused", "Revoked", "RiskChange", "RiskUpdate",
    "Drafted", "Emergency", "PolicyDraft", "PolicyTrial", "ReplayDiff", "ReplayExample", "ReviewLoad", "RuleLoad", "Shadowed", "StoppedAction", "StoppedTally", "Touched",
    "VerdictMove", "WouldHaveStopped", "ShadowVerdict", "Signal", "StepDependence", "Suspension", "Unavailable", "Unstored",
})  # fmt: skip


def is_allowed(context: Context, path: str) -> bool:
    """True when a role of the caller is listed for `Type.field`; a field not listed is for nobody."""
    return bool(context.caller.roles & FIELD_ROLES.get(path, frozenset()))


def not_allowed(path: str) -> NotAllowed:
    """The refusal of a field as data."""
    return NotAllowed(code="not_allowed", message=_text(path), field=None)


def refusal(path: str) -> GraphQLError:
    """The top-level error of a refused field."""
    return GraphQLError(f"{_text(path)}", extensions={"code": "not_allowed"})


class RoleGuard(FieldExtension):
    """Refuses a field to callers without one of its roles.

    as_data: the field's result is a union with `NotAllowed`, so the refusal is data, not an error.
    """

    def __init__(self, *, as_data: bool = False) -> None:
        self._as_data = as_data

    # Positional only: a field may have an argument called `source`.
    def resolve(  # type: ignore[override]  # Strawberry passes these three by position
        self, next_: Callable[..., Any], source: Any, info: Info, /, **kwargs: Any
    ) -> Any:
        """The field's value, or the refusal."""
        path = _path(info)
        if not is_allowed(info.context, path):
            return self._refuse(path)
        return next_(source, info, **kwargs)

    async def resolve_async(  # type: ignore[override]  # the same
        self,
        next_: Callable[..., Awaitable[Any] | AsyncIterator[Any]],
        source: Any,
        info: Info,
        /,
        **kwargs: Any,
    ) -> Any:
        """The field's value, or the refusal."""
        path = _path(info)
        if not is_allowed(info.context, path):
            return self._refuse(path)
        value = next_(source, info, **kwargs)
        return await value if isawaitable(value) else value

    def _refuse(self, path: str) -> NotAllowed:
        if self._as_data:
            return not_allowed(path)
        raise refusal(path)


def guarded(description: str, *, as_data: bool = False) -> Callable[[F], F]:
    """Make a resolver a field that `FIELD_ROLES` guards. as_data: see `RoleGuard`."""
    made = strawberry.field(extensions=[RoleGuard(as_data=as_data)], description=description)
    return cast(Callable[[F], F], made)


def watched(description: str) -> Callable[[F], F]:
    """Make a generator a subscription; it asks `is_allowed` itself, for every event."""
    return cast(Callable[[F], F], strawberry.subscription(description=description))


def _path(info: Info) -> str:
    raw = info._raw_info  # noqa: SLF001  # the only way to the parent type's name
    return f"{raw.parent_type.name}.{raw.field_name}"


def _text(path: str) -> str:
    roles = ", ".join(sorted(FIELD_ROLES.get(path, ()))) or "nobody"
    return f"`{path.partition('.')[2]}` needs a token with one of the roles: {roles}"
