"""Reviews: requests that were escalated, and their answers."""

from __future__ import annotations

from collections.abc import Mapping

from graphsvc.core.value import Json
from graphsvc.decide import reviewing
from graphsvc.decide.command import (
    Caller,
)
from graphsvc.decide.review_list import ReviewQuery, reviews
from graphsvc.decide.review_view import ReviewView
from graphsvc.decide.service.base import UseCases

__all__ = ["Reviews"]


class Reviews(UseCases):
    """Answers escalated requests, and lists them."""

    async def approve_review(
        self,
        caller: Caller,
        review: str,
        reason: str,
        until_ms: int | None = None,
        properties: Mapping[str, Json] | None = None,
    ) -> ReviewView:
        """Let an escalated request through once, or count towards the approvals its route asks for.

        properties: of the action, narrower than was asked. NotAllowed for who took part; Conflict once answered.
        """
        review = review.removeprefix("review:")
        await self._run(reviewing.approve(caller, self.world, review, reason, until_ms, properties))
        return self._review(review)

    async def reject_review(self, caller: Caller, review: str, reason: str) -> ReviewView:
        """Refuse an escalated request."""
        review = review.removeprefix("review:")
        await self._run(reviewing.reject(caller, self.world, review, reason))
        return self._review(review)

    def review(self, review: str) -> ReviewView | None:
        """One review, None when nothing of that id was escalated."""
        return reviewing.review_view(self.world, review.removeprefix("review:"), self.sequencer.now_ms())

    def reviews(self, wanted: ReviewQuery, *, before: int | None, limit: int) -> list[tuple[int, ReviewView]]:
        """Reviews with their numbers, newest first."""
        return reviews(self.world, self.sequencer.now_ms(), wanted, before=before, limit=limit)

    def _review(self, review: str) -> ReviewView:
        view = self.review(review)
        assert view is not None
        return view
