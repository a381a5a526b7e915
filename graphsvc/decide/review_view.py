"""A human review as callers see it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from graphsvc.core.value import Json

__all__ = ["REVIEW_TTL_MS", "ReviewStatus", "ReviewView"]

# An open review, and an approval that is not used, ends after this.
REVIEW_TTL_MS = 3_600_000


class ReviewStatus(StrEnum):
    """How far a review has come."""

    OPEN = "OPEN"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    USED = "USED"
    EXPIRED = "EXPIRED"
    WITHDRAWN = "WITHDRAWN"


@dataclass(frozen=True, slots=True)
class ReviewView:
    """A review as it is now. id: of the decision that it is about. by, reason: of whoever answered it.

    expires_ms: until when it can be answered, or once approved used. used_by: the action it let through.
    afterwards: the action was permitted in an emergency and is looked at after the fact; past expires_ms it is
    overdue, and open still. quorum: approvals needed; endorsed: who approved so far. deputies_ms: from when
    deputies may answer, None without any. narrowed: properties of the action that it must be asked with.
    """

    id: str
    status: ReviewStatus
    opened_ms: int
    expires_ms: int
    owner: str
    by: str | None = None
    reason: str | None = None
    answered_ms: int | None = None
    used_by: str | None = None
    afterwards: bool = False
    quorum: int = 1
    endorsed: tuple[str, ...] = ()
    deputies_ms: int | None = None
    narrowed: dict[str, Json] | None = None
