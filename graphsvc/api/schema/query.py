"""What can be read, and asked without changing anything."""

from __future__ import annotations

import asyncio

import strawberry

from graphsvc.api.context import Context, Info
from graphsvc.api.role import guarded, is_allowed
from graphsvc.api.schema.audit import AuditCheckpoint, AuditProof
from graphsvc.api.schema.decision import (
    Evaluation,
    evaluation_of,
)  # fmt: skip
from graphsvc.api.schema.finding_register import FindingRegisterQuery
from graphsvc.api.schema.grant_asking import GrantRequestQuery
from graphsvc.api.schema.identity import Identity
from graphsvc.api.schema.node import Connection, Edge, Node
from graphsvc.api.schema.paging import listed, window
from graphsvc.api.schema.pattern import Pattern, PolicyVersion
from graphsvc.api.schema.query_estate import EstateQuery, one_resource
from graphsvc.api.schema.query_explore import ExploreQuery
from graphsvc.api.schema.query_history import HistoryQuery, one_chain, one_decision
from graphsvc.api.schema.query_review import ReviewsQuery
from graphsvc.api.schema.query_rules import RulesQuery
from graphsvc.api.schema.request import DecideInput
from graphsvc.api.schema.revision import revision_seq
from graphsvc.api.schema.scalar import prefixed, raw_id
from graphsvc.decide.command import IdentityView
from graphsvc.errors import BadInput, NotAllowed

__all__ = ["Query"]

_MAX_NODES = 100


@strawberry.input(description="Every condition given must hold.")
class IdentityFilter:
    """Every condition given must hold. text: stands in its id or name; case does not count."""

    kind: str | None = None
    status: str | None = None
    text: str | None = None


@strawberry.type
class Query(
    EstateQuery, ExploreQuery, FindingRegisterQuery, GrantRequestQuery, HistoryQuery, ReviewsQuery, RulesQuery
):
    """What can be read, and asked without changing anything."""

    @guarded(
        "What decide would answer now; changes nothing. asOf: a revision; what it would have answered then."
    )
    async def evaluate(
        self,
        info: Info,
        input: DecideInput,  # noqa: A002  # the contract's name
        as_of: str | None = None,
    ) -> Evaluation:
        """What decide would answer now, or would have answered."""
        service, caller, request = info.context.service, info.context.caller, input.as_request()
        if as_of is None:
            return evaluation_of(await service.evaluate(caller, request))
        seq = revision_seq(service, as_of)
        return evaluation_of(await service.hindsight.evaluate(caller, request, seq, as_of))

    @guarded(
        "The revision of what is known now: read first, then subscribe behind it, and nothing is missed."
    )
    def revision(self, info: Info) -> str:
        """The revision of what is known now."""
        return info.context.service.revision()

    @guarded("Anything by its prefixed id.")
    async def node(self, info: Info, id: strawberry.ID) -> Node | None:  # noqa: A002  # Relay's name
        """Anything by its prefixed id."""
        return await _node(info.context, id)

    @guarded("Several by their prefixed ids, in that order.")
    async def nodes(self, info: Info, ids: list[strawberry.ID]) -> list[Node | None]:
        """Several by their prefixed ids."""
        if len(ids) > _MAX_NODES:
            raise BadInput(f"ids: at most {_MAX_NODES} at once", field="ids")
        return list(await asyncio.gather(*(_node(info.context, one) for one in ids)))

    @guarded("One identity.")
    def identity(self, info: Info, id: strawberry.ID) -> Identity | None:  # noqa: A002
        """One identity."""
        return _identity(info.context, id)

    @guarded("Identities by id.")
    def identities(
        self, info: Info, first: int | None = None, after: str | None = None,
        last: int | None = None, before: str | None = None,
        filter: IdentityFilter | None = None,  # noqa: A002  # the contract's name
    ) -> Connection[Identity]:  # fmt: skip
        """Identities by id."""
        service, asked = info.context.service, window(first, after, last, before)
        wanted = filter or IdentityFilter()

        def read(behind: str | None, limit: int) -> list[IdentityView]:
            names = service.identities(
                after=behind,
                limit=limit,
                kind=wanted.kind,
                status=wanted.status,
                text=wanted.text,
            )
            return [view for view in map(service.identity, names) if view is not None]

        page, more = listed(
            asked, read, lambda view: view.id, lambda given, field: raw_id("identity", given, field)
        )
        edges = [Edge(cursor=str(prefixed("identity", view.id)), node=Identity.of(view)) for view in page]
        return asked.connection(edges, more=more)

    @guarded("Every publication of every pack, newest first.")
    def policies(self, info: Info) -> list[PolicyVersion]:
        """Every publication of every pack."""
        versions = info.context.service.policy_versions()
        return [PolicyVersion.of(record, in_force=in_force) for record, in_force in versions]

    @guarded(
        "The audit log now, signed; with `since`, the proof that it continues its first `since` records."
    )
    async def audit_checkpoint(self, info: Info, since: int | None = None) -> AuditCheckpoint:
        """The audit log now, signed."""
        return AuditCheckpoint.of(await info.context.service.audit_checkpoint(since))

    @guarded(
        "That a decision, or the record of an auditId, is in the log; `size`: of a checkpoint, now if left out."
    )
    async def audit_proof(
        self,
        info: Info,
        id: strawberry.ID,  # noqa: A002  # Relay's name
        size: int | None = None,
    ) -> AuditProof:
        """That a record is in the log."""
        context = info.context
        return AuditProof.of(await context.service.audit_proof(context.caller, str(id), size))

    @guarded("The patterns in force.")
    def patterns(self, info: Info) -> list[Pattern]:
        """The patterns in force."""
        return [Pattern.of(view) for view in info.context.service.patterns()]


def _identity(context: Context, given: str) -> Identity | None:
    view = context.service.identity(raw_id("identity", given, "id"))
    return None if view is None else Identity.of(view)


async def _node(context: Context, given: str) -> Node | None:
    # Each kind asks for the same role as its own field, so this door opens no others.
    kind = given.partition(":")[0]
    if kind not in {"decision", "chain", "identity", "resource"}:
        told = f"id: `{given}` starts with none of decision:, chain:, identity:, resource:"
        raise BadInput(told, field="id")
    if not is_allowed(context, f"Query.{kind}"):
        raise NotAllowed(f"`{kind}` needs a role that may read it")
    match kind:
        case "decision":
            return await one_decision(context, given)
        case "chain":
            return await one_chain(context, given)
        case "resource":
            return one_resource(context, given)
        case _:
            return _identity(context, given)
