"""What would be decided now: one request, or all that would be permitted; nothing is changed."""

from __future__ import annotations

from functools import partial

from graphsvc.core.near import nearest
from graphsvc.core.request import AccessRequest
from graphsvc.core.state import Overlay
from graphsvc.core.verdict import Verdict
from graphsvc.decide.command import (
    Caller,
    Judged,
    SearchAnswer,
    Searched,
)
from graphsvc.decide.jobs import check_chain, check_session, not_spoken_for
from graphsvc.decide.request_check import check_request
from graphsvc.decide.search import search
from graphsvc.decide.service.base import UseCases
from graphsvc.errors import StoreUnavailable

__all__ = ["Evaluations"]


class Evaluations(UseCases):
    """Judges as decisions are judged, and records nothing."""

    async def evaluate(self, caller: Caller, request: AccessRequest) -> Judged:
        """What decide would answer now; changes nothing."""
        check_request(request)
        self._check_place(caller, request)
        stale = await self._freshness.is_stale()
        now_ms = self.sequencer.now_ms()
        evaluation = self.world.evaluate(self.values.kept(self.world, request), now_ms)
        refused = not_spoken_for(caller, request)
        if refused is not None:
            evaluation = self.world.refuse(evaluation, refused)
        return Judged(
            # While observing decide answers what is enforced, and its last reason says what would have been.
            verdict=evaluation.enforced,
            reasons=evaluation.reasons,
            completions=evaluation.completions,
            risk=evaluation.risk,
            near=partial(nearest, evaluation.scopes, self.world.facts(), evaluation.at_ms),
            revision=self.revision(),
            stale=stale,
        )

    async def search(
        self, caller: Caller, searched: Searched, request: AccessRequest, *, after: str | None, limit: int
    ) -> SearchAnswer:
        """Subjects, resources or actions with which the request would be PERMIT; changes nothing.

        request: of the entity that is searched only type and properties count. StoreUnavailable while the log
        cannot be read.
        """
        check_request(request)
        self._check_place(caller, request)
        now_ms = self.sequencer.now_ms()
        if await self._freshness.is_stale():
            raise StoreUnavailable("the log could not be read lately; search again")

        def permits(asked: AccessRequest) -> bool:
            if not_spoken_for(caller, asked) is not None:
                return False
            kept = self.values.kept(self.world, asked)
            return self.world.evaluate(kept, now_ms).enforced is Verdict.PERMIT

        found = await search(self.world, searched, request, permits, after=after, limit=limit)
        return SearchAnswer(ids=found.ids, after=found.after, revision=self.revision())

    def _check_place(self, caller: Caller, request: AccessRequest) -> None:
        """Who may not act in a chain or session may not look into it either."""
        if caller.roles == {"pep"}:
            overlay = Overlay(self.world.state)
            check_chain(overlay, caller, request)
            check_session(self.world, overlay, caller, request.session)
