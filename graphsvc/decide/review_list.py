"""Which reviews a caller looks for, and the list of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from graphsvc.core.record import Decided
from graphsvc.core.world import World
from graphsvc.decide.review_view import ReviewStatus, ReviewView
from graphsvc.decide.reviewing import review_view

__all__ = ["ReviewQuery", "reviews", "texts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewQuery:
    """Every condition given must hold.

    owner: the token subject that asked for the decision; subject: who was to act; approver: who approved, answered or
    withdrew it; rule: of one of its reasons, or that reason's code; from_ms inclusive, to_ms exclusive: when it was opened;
    text: stands in what was asked, in its reasons or in the answer's, case does not count.
    """

    status: ReviewStatus | None = None
    owner: str | None = None
    subject: str | None = None
    chain: str | None = None
    pattern: str | None = None
    rule: str | None = None
    approver: str | None = None
    from_ms: int | None = None
    to_ms: int | None = None
    text: str | None = None

    def holds(self, view: ReviewView, decided: Decided) -> bool:
        """Whether every condition does."""
        return (
            self.status in (None, view.status)
            and self.owner in (None, view.owner)
            and self.subject in (None, decided.request.subject.id.removeprefix("identity:"))
            and self.chain in (None, decided.request.chain)
            and (self.pattern is None or any(each.pattern == self.pattern for each in decided.completions))
            and (self.rule is None or any(self.rule in (each.rule, each.code) for each in decided.reasons))
            and (self.approver is None or self.approver == view.by or self.approver in view.endorsed)
            and (self.from_ms is None or view.opened_ms >= self.from_ms)
            and (self.to_ms is None or view.opened_ms < self.to_ms)
            and (self.text is None or self._is_told(view, decided, self.text.casefold()))
        )

    @staticmethod
    def _is_told(view: ReviewView, decided: Decided, text: str) -> bool:
        return any(text in part.casefold() for part in (*texts(decided), view.reason or ""))


def reviews(
    world: World, now_ms: int, wanted: ReviewQuery, *, before: int | None, limit: int
) -> list[tuple[int, ReviewView]]:
    """Reviews with the number of their decision, newest first, with a smaller one than `before`."""
    governance = world.governance
    names = {
        *world.waiting, *world.reviews, *governance.withdrawn, *governance.unconfirmed, *governance.confirmed
    }  # fmt: skip
    numbered = sorted(((world.seq_of(name), name) for name in names), reverse=True)
    found: list[tuple[int, ReviewView]] = []
    for seq, name in numbered:
        view = review_view(world, name, now_ms) if before is None or seq < before else None
        if view is not None and wanted.holds(view, world.decided[name]):
            found.append((seq, view))
            if len(found) == limit:
                break
    return found


def texts(decided: Decided) -> Iterator[str]:
    """What of a decision is searched for a text: what was asked, its reasons, the patterns it completed."""
    request = decided.request
    yield from (request.action, request.subject.id, request.resource.type, request.resource.id, request.chain)
    for reason in decided.reasons:
        yield reason.message
    for completion in decided.completions:
        yield from (completion.pattern, completion.title)
