"""What waits for the writer: bounded, by rank, and told at once when it would wait in vain."""

from __future__ import annotations

from collections import deque

from graphsvc.decide.waiting import Waiting
from graphsvc.errors import Overloaded

__all__ = ["BATCH_LIMIT", "Queue"]

BATCH_LIMIT = 200


class Queue:
    """Jobs by rank: changes of rights, reports, decisions. limit: how many wait at most."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._ranks: tuple[deque[Waiting], ...] = (deque(), deque(), deque())
        self._last_rank = 0
        self.overloads = 0

    def __len__(self) -> int:
        first, second, third = self._ranks
        return len(first) + len(second) + len(third)

    def put(self, waiting: Waiting) -> None:
        """Add a job behind those of its rank; Overloaded when too many wait."""
        if len(self) >= self._limit:
            self.overloads += 1
            raise Overloaded(f"{len(self)} requests are waiting; ask again later")
        self._ranks[waiting.job.rank].append(waiting)

    def check_wait(self, left_s: float, *, judge_s: float, commit_s: float) -> None:
        """Overloaded when a decision could not be made durable in the time it has.

        judge_s, commit_s: how long judging one request and a commit took of late.
        """
        waiting = len(self._ranks[2])
        expected_s = waiting * judge_s + waiting // BATCH_LIMIT * commit_s
        if waiting > BATCH_LIMIT and expected_s > left_s:
            self.overloads += 1
            told = (
                f"{waiting} requests are waiting, more than can be answered in {left_s:g} s; ask again later"
            )
            raise Overloaded(told)

    def drain(self) -> list[Waiting]:
        """The next batch: one change of rights, else reports and decisions by turns."""
        changes, reports, decisions = self._ranks
        if changes:
            queue, limit = changes, 1
        elif reports and (self._last_rank == 2 or not decisions):
            queue, limit, self._last_rank = reports, BATCH_LIMIT, 1
        else:
            queue, limit, self._last_rank = decisions or reports, BATCH_LIMIT, 2
        batch: list[Waiting] = []
        while queue and len(batch) < limit:
            waiting = queue.popleft()
            # Whoever gave up waiting must not become history.
            if not waiting.is_over:
                batch.append(waiting)
        return batch

    def fail_all(self, error: Exception) -> None:
        """Nothing comes of what waits."""
        for queue in self._ranks:
            while queue:
                queue.popleft().fail(error)
