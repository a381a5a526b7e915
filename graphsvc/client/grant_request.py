"""Rights asked for just in time, as the client sees them."""

from __future__ import annotations

import msgspec

from graphsvc.client.result import Grant

__all__ = ["GrantRequest", "GrantRequestPage"]


class GrantRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Rights that somebody asked for. status: OPEN, GRANTED, REJECTED, WITHDRAWN or EXPIRED; grant: what came of it."""

    id: str
    status: str
    identity: str
    actions: list[str]
    resources: list[str]
    lasts: str
    purpose: str
    requested_by: str
    requested_at: str
    expires_at: str
    uses: int | None = None
    chain: str | None = None
    session: str | None = None
    quorum: int = 1
    endorsed_by: list[str] = []
    answered_by: str | None = None
    answered_at: str | None = None
    reason: str | None = None
    grant: Grant | None = None


class GrantRequestPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of requests, newest first. cursor: give it as `after` for the next page, None at the end."""

    requests: list[GrantRequest]
    cursor: str | None
