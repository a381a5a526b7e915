"""How much each caller may ask: a bucket of cost for every token subject, filled at a steady rate.

In memory and of this process: a few arithmetic operations for each decision, where a library's look-ups would cost more
than what they limit.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from graphsvc.errors import GraphsvcError

__all__ = ["Rate", "RateLimited"]

# Callers that were not seen for longest are forgotten; by then their buckets are full again, or nearly so.
_MAX_CALLERS = 10_000


class RateLimited(GraphsvcError):
    """The caller asks too much at once. retry_after_s: when the same call may be made."""

    code = "rate_limited"
    exit_code = 3

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(f"too much is asked at once; ask again in {retry_after_s:.1f} s")
        self.retry_after_s = retry_after_s


class Rate:
    """per_s: cost that comes back each second, and burst_s seconds of it at most are kept; 0 = no limit.

    A decision or evaluation costs 1, other operations what their document may give out, see `document_cost`.
    """

    def __init__(
        self, per_s: float = 0.0, *, burst_s: float = 2.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_s = per_s
        self._full = per_s * burst_s
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def charge(self, subject: str, cost: float = 1.0) -> None:
        """Take the cost; RateLimited when it is not there. What costs more than a whole bucket takes it all."""
        if not self._per_s:
            return
        now = self._clock()
        left, since = self._left.get(subject, (self._full, now))
        left = min(self._full, left + (now - since) * self._per_s)
        wanted = min(cost, self._full)
        if left < wanted:
            self._left[subject] = (left, now)
            raise RateLimited((wanted - left) / self._per_s)
        self._left[subject] = (left - wanted, now)
        if len(self._left) > _MAX_CALLERS:
            self._left.popitem(last=False)
