"""Human reviews of escalated actions, and what an approval covers (rule R12)."""

from __future__ import annotations

from typing import TypeAlias

import msgspec
from msgspec.structs import replace

from graphsvc.core.record import Approved, Decided, Rejected
from graphsvc.core.request import AccessRequest
from graphsvc.core.verdict import Completion, Reason, ReasonCode, Verdict

__all__ = ["Covered", "Review", "covered_by", "refusal_of", "review_of"]

# A reason that was shown to the approver: its code, its rule, and the path up to the action itself.
Covered: TypeAlias = tuple[str, str | None, tuple[tuple[str, str], ...]]


class Review(msgspec.Struct, frozen=True, gc=False):
    """An approved or rejected review. used_by: the action that was permitted by it, once.

    at_ms, reason: of the approval or rejection; until_ms: when it can be used for the last time. narrowed: the
    request is not quite the one that was asked.
    """

    decision: str
    request: AccessRequest
    covered: frozenset[Covered]
    approved: bool
    by: str
    used_by: str | None = None
    at_ms: int = 0
    reason: str = ""
    until_ms: int | None = None
    narrowed: bool = False


def review_of(decided: Decided, answer: Approved | Rejected) -> Review:
    """The review of an escalated decision: it covers exactly the reasons that were listed."""
    covered = frozenset(
        _covered(reason, decided.completions)
        for reason in decided.reasons
        if reason.verdict is Verdict.ESCALATE
    )
    approved = isinstance(answer, Approved)
    return Review(
        decision=decided.request.id,
        request=_essence(_narrowed(decided.request, answer)),
        covered=covered,
        approved=approved,
        by=answer.person.id,
        at_ms=answer.at_ms,
        reason=answer.reason,
        until_ms=answer.until_ms if isinstance(answer, Approved) else None,
        narrowed=isinstance(answer, Approved) and bool(answer.narrowed),
    )


def _narrowed(request: AccessRequest, answer: Approved | Rejected) -> AccessRequest:
    """The request as it must be asked for: with the values that the approver put in place of its own."""
    if not isinstance(answer, Approved) or not answer.narrowed:
        return request
    return replace(request, action_properties={**request.action_properties, **answer.narrowed})


def refusal_of(review: Review | None, request: AccessRequest, at_ms: int) -> Reason | None:
    """Why a review does not help a request that names it; None when it does."""
    if review is None:
        return _invalid(f"review `{request.review}` is not approved")
    if not review.approved:
        told = f"review `{request.review}` was rejected"
        return Reason(ReasonCode.review_rejected, told, Verdict.DENY, request.review)
    if review.used_by is not None:
        return _invalid(f"review `{request.review}` was used before")
    if review.until_ms is not None and at_ms > review.until_ms:
        return _invalid(f"the approval of review `{request.review}` has expired")
    if review.request != _essence(request):
        narrower = ", or was approved with narrower properties of the action" if review.narrowed else ""
        return _invalid(f"review `{request.review}` is of another request{narrower}")
    return None


def covered_by(review: Review, reason: Reason, completions: tuple[Completion, ...]) -> bool:
    """True when the approver saw this very reason."""
    return reason.verdict is Verdict.ESCALATE and _covered(reason, completions) in review.covered


def _covered(reason: Reason, completions: tuple[Completion, ...]) -> Covered:
    path: tuple[tuple[str, str], ...] = ()
    if reason.code is ReasonCode.pattern_completed:
        completion = next(each for each in completions if each.pattern == reason.rule)
        # The last step is the action that asks: its id is new each time.
        path = tuple((step.step, step.action) for step in completion.path[:-1])
    return str(reason.code), reason.rule, path


def _essence(request: AccessRequest) -> AccessRequest:
    """What makes a request the same: all but its id, the review, and what only a chain's first one says."""
    return replace(request, id="", review=None, executed=True, session=None, parent_chain=None, intent=None)


def _invalid(told: str) -> Reason:
    return Reason(ReasonCode.review_invalid, told, Verdict.DENY)
