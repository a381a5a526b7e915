"""The door of plain HTTP routes: who is it, and may they ask this."""

from __future__ import annotations

from starlette.requests import Request

from graphsvc.api.auth import Unauthenticated, authorization_of
from graphsvc.api.context import Parts
from graphsvc.api.rate import RateLimited
from graphsvc.decide.command import Caller
from graphsvc.errors import NotAllowed

__all__ = ["ASKING", "ENFORCING", "admitted", "may_search"]

ASKING = frozenset({"pep", "analyst", "admin"})
ENFORCING = frozenset({"pep", "admin"})


def admitted(parts: Parts, request: Request, roles: frozenset[str]) -> Caller:
    """The caller. Unauthenticated without a valid token, NotAllowed without one of the roles, RateLimited."""
    try:
        caller = parts.auth.login(authorization_of(request.headers)).caller
    except Unauthenticated:
        parts.metrics.refused.labels("unauthenticated").inc()
        raise
    if not caller.roles & roles:
        parts.metrics.refused.labels("not_allowed").inc()
        raise NotAllowed(
            f"`{request.url.path}` needs a token with one of the roles: {', '.join(sorted(roles))}"
        )
    try:
        parts.rate.charge(caller.subject)
    except RateLimited:
        parts.metrics.refused.labels("rate_limited").inc()
        raise
    return caller


def may_search(caller: Caller) -> None:
    """NotAllowed for an enforcement point whose token lacks the scope `search`."""
    if "search" not in caller.scopes and not caller.roles & (ASKING - {"pep"}):
        raise NotAllowed("searching needs a token with the scope `search`")
