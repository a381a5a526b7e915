"""Rights asked for just in time: what is asked, and what became of it."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import strawberry

from graphsvc.api.schema.failure import Conflict, InvalidRequest, NotAllowed, Unavailable
from graphsvc.api.schema.grant import Grant, Refused
from graphsvc.api.schema.scalar import DateTime, prefixed, raw_id
from graphsvc.api.schema.watching import Gap
from graphsvc.core.duration import format_duration, parse_duration
from graphsvc.decide.asking import GrantScope, GrantWish
from graphsvc.decide.grant_request import GrantRequestStatus, GrantRequestView
from graphsvc.errors import BadInput

__all__ = [
    "GrantRequest",
    "GrantRequestFilter",
    "GrantRequestInput",
    "GrantRequestItem",
    "GrantRequestResult",
    "GrantRequestUpdate",
    "GrantScopeInput",
]

strawberry.enum(GrantRequestStatus, description="How far a request for a grant has come.")


@strawberry.input(
    description="Rights that somebody needs for a while. actions and resources are globs; resources are `type:id`."
)
class GrantRequestInput:
    """Rights that somebody needs for a while."""

    identity: strawberry.ID
    actions: list[str]
    resources: list[str]
    lasts: str = strawberry.field(
        description="How long from the approval, such as 30m; at most 30d. The grant ends then by itself."
    )
    purpose: str
    uses: int | None = None
    chain: strawberry.ID | None = strawberry.field(default=None, description="Only within that chain.")
    session: strawberry.ID | None = strawberry.field(default=None, description="Only within that session.")
    on_behalf_of: list[strawberry.ID] | None = strawberry.field(
        default=None,
        description="Whom the identity acts for, who cannot approve; null = whom the graph says it acts for.",
    )

    def as_wish(self) -> GrantWish:
        """The use case's value; BadInput names the field."""
        return GrantWish(
            identity=raw_id("identity", self.identity, "identity"),
            actions=tuple(self.actions),
            resources=tuple(self.resources),
            lasts_ms=_duration(self.lasts, "lasts"),
            purpose=self.purpose,
            uses=self.uses,
            chain=None if self.chain is None else raw_id("chain", self.chain, "chain"),
            session=None if self.session is None else raw_id("session", self.session, "session"),
            on_behalf_of=tuple(raw_id("identity", each, "onBehalfOf") for each in self.on_behalf_of or ()),
        )


@strawberry.input(
    description="What is given instead of what was asked; each part lies within it. null = as asked."
)
class GrantScopeInput:
    """What is given instead of what was asked."""

    actions: list[str] | None = None
    resources: list[str] | None = None
    lasts: str | None = None
    uses: int | None = None

    def as_scope(self) -> GrantScope:
        """The use case's value; BadInput names the field."""
        return GrantScope(
            actions=None if self.actions is None else tuple(self.actions),
            resources=None if self.resources is None else tuple(self.resources),
            lasts_ms=None if self.lasts is None else _duration(self.lasts, "scope.lasts"),
            uses=self.uses,
        )


@strawberry.input(description="Every condition given must hold.")
class GrantRequestFilter:
    """Every condition given must hold."""

    status: GrantRequestStatus | None = None
    identity: strawberry.ID | None = None


@strawberry.type(description="Rights that somebody asked for, as it is now.")
class GrantRequest:
    """Rights that somebody asked for. grant: what came of it, with its own bounds."""

    id: strawberry.ID
    status: GrantRequestStatus
    identity: strawberry.ID
    actions: list[str]
    resources: list[str]
    lasts: str
    purpose: str
    uses: int | None
    chain: strawberry.ID | None
    session: strawberry.ID | None
    on_behalf_of: list[strawberry.ID]
    requested_by: str
    requested_at: DateTime
    expires_at: DateTime = strawberry.field(description="Until when it can be answered.")
    quorum: int = strawberry.field(description="How many different people have to approve.")
    endorsed_by: list[strawberry.ID] = strawberry.field(description="Who has approved so far.")
    deputies_from: DateTime | None = strawberry.field(description="From when deputies may answer.")
    answered_by: strawberry.ID | None
    answered_at: DateTime | None
    reason: str | None
    grant: Grant | None

    @staticmethod
    def of(view: GrantRequestView) -> GrantRequest:
        """From the use case's view."""
        asked = view.asked
        return GrantRequest(
            id=prefixed("grantRequest", asked.id),
            status=view.status,
            identity=prefixed("identity", asked.identity),
            actions=list(asked.actions),
            resources=list(asked.resources),
            lasts=format_duration(asked.lasts_ms),
            purpose=asked.purpose,
            uses=asked.uses,
            chain=None if asked.chain is None else prefixed("chain", asked.chain),
            session=None if asked.session is None else prefixed("session", asked.session),
            on_behalf_of=[prefixed("identity", each) for each in asked.on_behalf_of],
            requested_by=asked.by,
            requested_at=DateTime(asked.at_ms),
            expires_at=DateTime(view.expires_ms),
            quorum=view.quorum,
            endorsed_by=[prefixed("identity", each) for each in view.endorsed],
            deputies_from=None if view.deputies_ms is None else DateTime(view.deputies_ms),
            answered_by=None if view.by is None else prefixed("identity", view.by),
            answered_at=None if view.answered_ms is None else DateTime(view.answered_ms),
            reason=view.reason,
            grant=None if view.grant is None else Grant.of(view.grant),
        )


@strawberry.type(description="A request for a grant was made, approved in part, or answered; as it is now.")
class GrantRequestUpdate:
    """A request for a grant changed."""

    cursor: str
    at: DateTime
    request: GrantRequest


GrantRequestResult: TypeAlias = Annotated[
    GrantRequest | Refused | InvalidRequest | NotAllowed | Conflict | Unavailable,
    strawberry.union("GrantRequestResult"),
]
GrantRequestItem: TypeAlias = Annotated[GrantRequestUpdate | Gap, strawberry.union("GrantRequestItem")]


def _duration(text: str, field: str) -> int:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise BadInput(f"{field}: {error}", field=field) from None
