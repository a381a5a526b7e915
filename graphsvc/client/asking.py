"""Calls about rights that are asked for just in time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from graphsvc.client.answer import as_kind
from graphsvc.client.calling import Calling, next_cursor
from graphsvc.client.grant_request import GrantRequest, GrantRequestPage
from graphsvc.errors import BadInput

__all__ = ["GrantAsking"]

_GRANT = "id identity actions resources notBefore expiresAt purpose"
_REQUEST = (
    "id status identity actions resources lasts purpose uses chain session requestedBy requestedAt expiresAt quorum "
    f"endorsedBy answeredBy answeredAt reason grant {{ {_GRANT} }}"
)
_ANSWER = f"{{ __typename ... on GrantRequest {{ {_REQUEST} }} ... on Failure {{ code message field }} }}"
_ASK = f"mutation($v: GrantRequestInput!) {{ r: requestGrant(input: $v) {_ANSWER} }}"
_APPROVE = (
    "mutation($v: ID!, $reason: String!, $scope: GrantScopeInput) "
    f"{{ r: approveGrantRequest(id: $v, reason: $reason, scope: $scope) {_ANSWER} }}"
)
_REJECT = (
    f"mutation($v: ID!, $reason: String!) {{ r: rejectGrantRequest(id: $v, reason: $reason) {_ANSWER} }}"
)
_WITHDRAW = (
    f"mutation($v: ID!, $reason: String!) {{ r: withdrawGrantRequest(id: $v, reason: $reason) {_ANSWER} }}"
)
_ONE = f"query($v: ID!) {{ r: grantRequest(id: $v) {{ {_REQUEST} }} }}"
_LIST = (
    "query($first: Int, $after: String, $filter: GrantRequestFilter) "
    "{ r: grantRequests(first: $first, after: $after, filter: $filter) "
    f"{{ edges {{ node {{ {_REQUEST} }} }} pageInfo {{ hasNextPage endCursor }} }} }}"
)
_POLL_S = 0.5


class GrantAsking(Calling):
    """Rights that are asked for."""

    async def request_grant(
        self, identity: str, *, actions: Sequence[str], resources: Sequence[str], lasts: str, purpose: str,
        uses: int | None = None, chain: str | None = None, session: str | None = None,
        on_behalf_of: Sequence[str] | None = None,
    ) -> GrantRequest:  # fmt: skip
        """Ask for rights for a while (such as 30m, counted from the approval).

        Asked again while it waits, the same is one request. CallFailed with the reason `grant_refused` says which
        combination of rights the grant would complete.
        """
        given = {
            "identity": identity,
            "actions": list(actions),
            "resources": list(resources),
            "lasts": lasts,
            "purpose": purpose,
            "uses": uses,
            "chain": chain,
            "session": session,
            "onBehalfOf": None if on_behalf_of is None else list(on_behalf_of),
        }
        return as_kind(GrantRequest, await self._call(_ASK, {"v": given}))

    async def await_grant(self, request: str, *, wait_s: float) -> GrantRequest:
        """A request once it is answered, or as it is after `wait_s`; ask whether its `grant` is there."""
        loop = asyncio.get_running_loop()
        ends_s = loop.time() + wait_s
        while True:
            found = await self.grant_request(request)
            left_s = ends_s - loop.time()
            if found.status != "OPEN" or left_s <= 0:
                return found
            await asyncio.sleep(min(_POLL_S, left_s))

    async def grant_request(self, request: str) -> GrantRequest:
        """One request as it is now; BadInput when there is none that the caller may see."""
        found = await self._read(_ONE, {"v": request})
        if found is None:
            raise BadInput(f"no request `{request}`", field="request")
        return as_kind(GrantRequest, found)

    async def grant_requests(
        self,
        *,
        first: int = 50,
        after: str | None = None,
        status: str | None = None,
        identity: str | None = None,
    ) -> GrantRequestPage:
        """Requests, newest first. status: OPEN, GRANTED, REJECTED, WITHDRAWN or EXPIRED."""
        wanted = {"status": status, "identity": identity}
        value = await self._read(_LIST, {"first": first, "after": after, "filter": wanted})
        return GrantRequestPage(
            requests=[as_kind(GrantRequest, edge["node"]) for edge in value["edges"]],
            cursor=next_cursor(value),
        )

    async def approve_grant_request(
        self, request: str, reason: str, *, actions: Sequence[str] | None = None,
        resources: Sequence[str] | None = None, lasts: str | None = None, uses: int | None = None,
    ) -> GrantRequest:  # fmt: skip
        """Give what was asked for, or less of it; not for whoever took part."""
        scope = {
            "actions": None if actions is None else list(actions),
            "resources": None if resources is None else list(resources),
            "lasts": lasts,
            "uses": uses,
        }
        given = {
            "v": request,
            "reason": reason,
            "scope": scope if any(each is not None for each in scope.values()) else None,
        }
        return as_kind(GrantRequest, await self._call(_APPROVE, given))

    async def reject_grant_request(self, request: str, reason: str) -> GrantRequest:
        """Give nothing."""
        return as_kind(GrantRequest, await self._call(_REJECT, {"v": request, "reason": reason}))

    async def withdraw_grant_request(self, request: str, reason: str) -> GrantRequest:
        """Nobody waits for it any more."""
        return as_kind(GrantRequest, await self._call(_WITHDRAW, {"v": request, "reason": reason}))
