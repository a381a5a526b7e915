"""What can be asked, changed and watched about rights that are asked for just in time."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable
from typing import Any, TypeAlias, cast

import strawberry

from graphsvc.api.context import Info
from graphsvc.api.role import guarded, watched
from graphsvc.api.schema.failure import Conflict, InvalidRequest, NotAllowed, Unavailable, failed
from graphsvc.api.schema.grant import Refused
from graphsvc.api.schema.grant_request import (
    GrantRequest,
    GrantRequestFilter,
    GrantRequestInput,
    GrantRequestItem,
    GrantRequestResult,
    GrantRequestUpdate,
    GrantScopeInput,
)
from graphsvc.api.schema.node import Connection, Edge
from graphsvc.api.schema.paging import listed, window
from graphsvc.api.schema.scalar import DateTime, prefixed, raw_id
from graphsvc.api.schema.watching import cursor_of, watch
from graphsvc.api.whole import whole
from graphsvc.core.governing import Endorsed, GrantAsked, GrantSettled
from graphsvc.core.record import Record
from graphsvc.decide.command import LogEvent
from graphsvc.decide.grant_request import GrantRequestView
from graphsvc.errors import BadInput, GrantRefused, GraphsvcError

__all__ = ["GrantRequestMutation", "GrantRequestQuery", "GrantRequestSubscription"]

_KIND = "grantRequest"
# What Strawberry reads of the annotations; what is given back is a `Watching`.
_Items: TypeAlias = AsyncGenerator[Any, None]
_Result: TypeAlias = GrantRequest | Refused | InvalidRequest | NotAllowed | Conflict | Unavailable


@strawberry.type
class GrantRequestQuery:
    """What can be asked about rights that are asked for."""

    @guarded("One request for a grant.")
    def grant_request(self, info: Info, id: strawberry.ID) -> GrantRequest | None:  # noqa: A002
        """One request for a grant."""
        context = info.context
        view = context.service.grant_desk.request(raw_id(_KIND, id, "id"))
        if view is None or not (context.reads_all or view.asked.by == context.caller.subject):
            return None
        return GrantRequest.of(view)

    @guarded("Requests for grants, newest first.")
    def grant_requests(
        self, info: Info, first: int | None = None, after: str | None = None,
        last: int | None = None, before: str | None = None,
        filter: GrantRequestFilter | None = None,  # noqa: A002  # the contract's name
    ) -> Connection[GrantRequest]:  # fmt: skip
        """Requests for grants, newest first."""
        context, asked = info.context, window(first, after, last, before)
        wanted = filter or GrantRequestFilter()
        owner = None if context.reads_all else context.caller.subject
        identity = None if wanted.identity is None else raw_id("identity", wanted.identity, "filter.identity")

        def read(behind: str | None, limit: int) -> list[GrantRequestView]:
            return context.service.grant_desk.requests(
                status=wanted.status, owner=owner, identity=identity, after=behind, limit=limit
            )

        def known(cursor: str, field: str) -> str:
            name = raw_id(_KIND, cursor, field)
            if context.service.grant_desk.request(name) is None:
                raise BadInput(f"{field}: `{cursor}` is no request for a grant", field=field)
            return name

        views, more = listed(asked, read, lambda view: view.asked.id, known)
        edges = [Edge(cursor=prefixed(_KIND, view.asked.id), node=GrantRequest.of(view)) for view in views]
        return asked.connection(edges, more=more)


@strawberry.type
class GrantRequestMutation:
    """What can be changed about rights that are asked for."""

    @guarded(
        "Ask for rights for a while; asked again while it waits, the same is one request. Refused says which "
        "combination of rights the grant would complete.",
        as_data=True,
    )
    async def request_grant(self, info: Info, input: GrantRequestInput) -> GrantRequestResult:  # noqa: A002
        """Ask for rights for a while."""
        context = info.context

        async def call() -> GrantRequestView:
            return await context.service.grant_desk.ask(context.caller, input.as_wish())

        return await _answered(call())

    @guarded(
        "Give what was asked for, or less of it, from now on; or count towards it where several have to approve.",
        as_data=True,
    )
    async def approve_grant_request(
        self,
        info: Info,
        id: strawberry.ID,  # noqa: A002
        reason: str,
        scope: GrantScopeInput | None = None,
    ) -> GrantRequestResult:
        """Give what was asked for, or less of it."""
        context = info.context

        async def call() -> GrantRequestView:
            given = None if scope is None else scope.as_scope()
            name = raw_id(_KIND, id, "id")
            return await context.service.grant_desk.approve(context.caller, name, reason, given)

        return await _answered(call())

    @guarded("Give nothing.", as_data=True)
    async def reject_grant_request(self, info: Info, id: strawberry.ID, reason: str) -> GrantRequestResult:  # noqa: A002
        """Give nothing."""
        context = info.context

        async def call() -> GrantRequestView:
            return await context.service.grant_desk.reject(context.caller, raw_id(_KIND, id, "id"), reason)

        return await _answered(call())

    @guarded("Nobody waits for these rights any more.", as_data=True)
    async def withdraw_grant_request(self, info: Info, id: strawberry.ID, reason: str) -> GrantRequestResult:  # noqa: A002
        """Nobody waits for these rights any more."""
        context = info.context

        async def call() -> GrantRequestView:
            return await context.service.grant_desk.withdraw(context.caller, raw_id(_KIND, id, "id"), reason)

        return await _answered(call())


@strawberry.type
class GrantRequestSubscription:
    """What can be watched of rights that are asked for."""

    @watched("Requests for grants as they are made and answered, from `after`, else from now on.")
    def grant_request_updates(
        self, info: Info, after: str | None = None
    ) -> AsyncGenerator[GrantRequestItem, None]:
        """Requests for grants as they are made and answered."""
        context = info.context

        def pick(event: LogEvent) -> GrantRequestUpdate | None:
            name = _requested(event.record)
            view = context.service.grant_desk.request(name) if name is not None else None
            if view is None or not (context.reads_all or view.asked.by == context.caller.subject):
                return None
            return GrantRequestUpdate(
                cursor=cursor_of(context, event.seq),
                at=DateTime(event.record.at_ms),
                request=GrantRequest.of(view),
            )

        return cast("_Items", watch(context, "Subscription.grantRequestUpdates", after, pick, everybody=True))


def _requested(record: Record) -> str | None:
    match record:
        case GrantAsked():
            return record.id
        case GrantSettled():
            return record.request
        case Endorsed():
            return record.decision
    return None


async def _answered(call: Awaitable[GrantRequestView]) -> _Result:
    try:
        return GrantRequest.of(await whole(call))
    except GrantRefused as refused:
        return Refused.of(refused)
    except GraphsvcError as error:
        return failed(error)
