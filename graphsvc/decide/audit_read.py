"""Reads of the audit log are recorded in it.

One record a minute for each reader and kind of reading: a report of a thousand pages is one reading. Checkpoints hold no
record, so asking for one is none.
"""

from __future__ import annotations

from typing import Literal

from graphsvc.core.record import AuditRead
from graphsvc.decide.cell import AUDIT_CELL
from graphsvc.decide.command import Caller
from graphsvc.decide.jobs import ChangeJob
from graphsvc.decide.sequencer import Sequencer

__all__ = ["AuditReads"]

What = Literal["proof", "records"]
_ONCE_MS = 60_000
_LIMIT = 10_000


class AuditReads:
    """Of a running service."""

    def __init__(self, sequencer: Sequencer) -> None:
        self._sequencer = sequencer
        self._noted_ms: dict[tuple[str, str], int] = {}

    async def note(self, caller: Caller, what: What, first: int, last: int) -> None:
        """Record it before it is answered; StoreUnavailable when that is not possible, so nothing is read unseen."""
        now_ms, name = self._sequencer.now_ms(), (caller.subject, what)
        noted_ms = self._noted_ms.get(name)
        if noted_ms is not None and now_ms - noted_ms < _ONCE_MS:
            return
        job = ChangeJob(
            lambda now: [AuditRead(at_ms=now.at_ms, what=what, first=first, last=last, by=caller.subject)],
            frozenset((AUDIT_CELL,)),
            reads=frozenset(),
            rank=1,
        )
        await self._sequencer.submit(job)
        if len(self._noted_ms) >= _LIMIT:
            self._noted_ms.clear()
        self._noted_ms[name] = now_ms
