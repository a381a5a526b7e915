"""Grants that are asked for, as adapters call it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import islice

from graphsvc.core.event import identity_id
from graphsvc.core.world import World
from graphsvc.decide.asking import (
    GrantScope,
    GrantWish,
    approve_grant,
    ask_grant,
    same_open,
    settle_grant,
)
from graphsvc.decide.command import Ack, Caller
from graphsvc.decide.grant_request import (
    GrantRequestStatus,
    GrantRequestView,
    grant_request,
    grant_requests,
)
from graphsvc.decide.proposal import Job

__all__ = ["GrantDesk"]


class GrantDesk:
    """run: makes a change durable. ids: makes names."""

    def __init__(
        self,
        world: World,
        run: Callable[[Job], Awaitable[Ack]],
        ids: Callable[[], str],
        now_ms: Callable[[], int],
    ) -> None:
        self._world = world
        self._run = run
        self._ids = ids
        self._now_ms = now_ms

    async def ask(self, caller: Caller, wish: GrantWish) -> GrantRequestView:
        """Ask for rights; asked again while it waits, the very same request is the same request.

        GrantRefused when the grant would complete a combination of rights.
        """
        held = same_open(caller, self._world, wish, self._now_ms())
        if held is not None:
            return self._view(held.id)
        request = self._ids()
        await self._run(ask_grant(caller, request, self._world, wish))
        return self._view(request)

    async def approve(
        self, caller: Caller, request: str, reason: str, scope: GrantScope | None = None
    ) -> GrantRequestView:
        """Give what was asked, or less, or count towards it; NotAllowed for whoever took part."""
        await self._run(
            approve_grant(caller, self._ids(), self._world, request, reason, scope or GrantScope())
        )
        return self._view(request)

    async def reject(self, caller: Caller, request: str, reason: str) -> GrantRequestView:
        """Nothing is given."""
        await self._run(settle_grant(caller, self._world, request, reason, "rejected"))
        return self._view(request)

    async def withdraw(self, caller: Caller, request: str, reason: str) -> GrantRequestView:
        """Nobody waits for it any more."""
        await self._run(settle_grant(caller, self._world, request, reason, "withdrawn"))
        return self._view(request)

    def request(self, request: str) -> GrantRequestView | None:
        """One request; None when there is none of that id."""
        return grant_request(self._world, request, self._now_ms())

    def requests(
        self,
        *,
        status: GrantRequestStatus | None,
        owner: str | None,
        identity: str | None,
        after: str | None,
        limit: int,
    ) -> list[GrantRequestView]:
        """Requests, newest first, behind the one named. owner: only those of this token subject."""
        wanted = None if identity is None else identity_id(self._world.estate, identity)
        found = grant_requests(
            self._world, self._now_ms(), status=status, owner=owner, identity=wanted, after=after
        )
        return list(islice(found, limit))

    def _view(self, request: str) -> GrantRequestView:
        view = self.request(request)
        assert view is not None
        return view
