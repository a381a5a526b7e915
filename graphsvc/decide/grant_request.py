"""Grants that are asked for just in time, as callers see them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from graphsvc.core.governing import GrantAsked
from graphsvc.core.policy.protection import ReviewRoute
from graphsvc.core.record import Granted
from graphsvc.core.world import World
from graphsvc.decide.review_view import REVIEW_TTL_MS
from graphsvc.decide.routing import grant_route
from graphsvc.errors import BadInput

__all__ = ["GrantRequestStatus", "GrantRequestView", "expires_at", "grant_request", "grant_requests"]

_ANSWERED = {"granted": "GRANTED", "rejected": "REJECTED", "withdrawn": "WITHDRAWN"}


class GrantRequestStatus(StrEnum):
    """How far a request for a grant has come."""

    OPEN = "OPEN"
    GRANTED = "GRANTED"
    REJECTED = "REJECTED"
    WITHDRAWN = "WITHDRAWN"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True, slots=True)
class GrantRequestView:
    """A request as it is now. expires_ms: until when it can be answered. by, reason, answered_ms: of the answer.

    quorum: approvals needed; endorsed: who approved so far; deputies_ms: from when deputies may answer. grant: what
    came of it.
    """

    asked: GrantAsked
    status: GrantRequestStatus
    expires_ms: int
    quorum: int = 1
    endorsed: tuple[str, ...] = ()
    deputies_ms: int | None = None
    by: str | None = None
    reason: str | None = None
    answered_ms: int | None = None
    grant: Granted | None = None


def grant_request(world: World, request: str, now_ms: int) -> GrantRequestView | None:
    """One request; None when there is none of that id."""
    asked = world.governance.asked.get(request)
    if asked is None:
        return None
    route = grant_route(world, asked)
    expires_ms = expires_at(asked, route)
    endorsed = tuple(each.person.id for each in world.governance.endorsed.get(request, ()))
    deputies_ms = asked.at_ms + route.after_ms if route.after_ms is not None else None
    settled = world.governance.settled.get(request)
    if settled is None:
        status = GrantRequestStatus.OPEN if now_ms <= expires_ms else GrantRequestStatus.EXPIRED
        return GrantRequestView(asked, status, expires_ms, route.quorum, endorsed, deputies_ms)
    grant = world.grants.by_id.get(settled.grant) if settled.grant is not None else None
    return GrantRequestView(
        asked,
        GrantRequestStatus(_ANSWERED[settled.outcome]),
        expires_ms,
        route.quorum,
        (*endorsed, *((settled.by,) if grant is not None else ())),
        deputies_ms,
        settled.by,
        settled.reason,
        settled.at_ms,
        grant,
    )


def grant_requests(
    world: World, now_ms: int, *, status: GrantRequestStatus | None, owner: str | None, identity: str | None,
    after: str | None,
) -> Iterator[GrantRequestView]:  # fmt: skip
    """Requests, newest first, behind the one named; BadInput when that is none.

    owner: only those of this token subject; identity: only for this one.
    """
    held = world.governance.asked
    if after is not None and after not in held:
        raise BadInput(f"after: `{after}` is no request for a grant", field="after")
    is_due = after is None
    for name, asked in reversed(held.items()):
        if not is_due:
            is_due = name == after
            continue
        if owner not in (None, asked.by) or identity not in (None, asked.identity):
            continue
        view = grant_request(world, name, now_ms)
        if view is not None and status in (None, view.status):
            yield view


def expires_at(asked: GrantAsked, route: ReviewRoute) -> int:
    """Until when a request can be answered, Unix milliseconds."""
    return asked.at_ms + (route.expires_ms or REVIEW_TTL_MS)
