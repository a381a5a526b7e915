"""Decisions whose callers were told DENY because the deadline passed, although they may be written yet."""

from __future__ import annotations

import asyncio

import msgspec

from graphsvc.core.record import Cancelled
from graphsvc.decide.jobs import DecideJob, ReportJob
from graphsvc.decide.sequencer import Sequencer
from graphsvc.decide.waiting import Told
from graphsvc.errors import GraphsvcError, Overloaded, StoreUnavailable

__all__ = ["DEADLINE", "Late"]

# Who cancels an action because its caller was told DENY.
DEADLINE = "deadline"
_RETRY_S = 1.0


class Late:
    """Keeps such keys at DENY until the log says so too."""

    def __init__(self, sequencer: Sequencer) -> None:
        self._sequencer = sequencer
        self._denied: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def __contains__(self, dedupe: str) -> bool:
        return dedupe in self._denied

    def told(self, job: DecideJob, future: Told) -> None:
        """The caller of `job` was told DENY; `future` ends when the decision is written, or when it is not."""
        self._denied.add(job.dedupe)
        task = asyncio.create_task(self._settle(job, future), name="late")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Stop. What is not settled yet is when the key is asked for again, see `jobs`."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _settle(self, job: DecideJob, future: Told) -> None:
        await asyncio.wait([future])
        if future.cancelled() or future.exception() is not None or future.result() is None:
            # Nothing was recorded for it: the key may be used again.
            self._denied.discard(job.dedupe)
            return
        caller = msgspec.structs.replace(job.caller, subject=DEADLINE, scopes=frozenset({"chain:any"}))
        while True:
            late = ReportJob(caller, Cancelled(at_ms=0, action=job.request.id), late=True)
            try:
                await self._sequencer.submit(late)
            except (StoreUnavailable, Overloaded):
                await asyncio.sleep(_RETRY_S)
                continue
            except GraphsvcError:
                pass  # it was not permitted, so there is nothing to take back: what is recorded is the answer
            self._denied.discard(job.dedupe)
            return
