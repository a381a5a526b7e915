"""What is known of the time of a request that nobody has made yet: it comes after this code was written.

So `DateLessThan {"aws:TokenIssueTime": "2020-..."}` holds for no session, as every session of that time is over, and the
denial that revokes older sessions binds none of today's. Asked only where no request is judged: one of the past, as in a
replay, may well have been made then. Source: "AWS global condition context keys", "Revoke IAM role temporary security
credentials", `GetSessionToken` (36 hours at most).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from graphsvc.core.native.operator import time_of

__all__ = ["is_after"]

# Later is as true, and decides more.
_WRITTEN: Final = datetime(2026, 11, 1, tzinfo=UTC)
_EARLIEST: Final = {
    "aws:currenttime": _WRITTEN,
    "aws:epochtime": _WRITTEN,
    "aws:tokenissuetime": _WRITTEN - timedelta(hours=36),
}


def is_after(key: str, operator: str, values: Sequence[str]) -> bool | None:
    """Whether any time that the key can have from now on compares so; None when that depends on the time, or the key is no time."""
    earliest = _EARLIEST.get(key.lower())
    if earliest is None or not operator.startswith("date"):
        return None
    try:
        past = all(time_of(value) < earliest for value in values)
    except (ValueError, OverflowError, OSError):
        return None
    return operator.startswith("dategreaterthan") if past and values else None
