"""The log as others read it: records, live events, and proofs of the audit log."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Literal

from graphsvc.decide.audit import AuditProof, SignedCheckpoint
from graphsvc.decide.command import (
    Caller,
    LogEvent,
)
from graphsvc.decide.service.base import UseCases
from graphsvc.errors import BadInput, StoreError

__all__ = ["Journal"]


class Journal(UseCases):
    """Hands out records as they become durable, and proves that they are in the log."""

    async def records(self, *, after: int, limit: int) -> list[LogEvent]:
        """Records behind number `after`, oldest first; fewer than `limit` only at the end of the log."""
        found: list[LogEvent] = []
        while len(found) < limit:
            # An entry holds one record or more.
            read = await self._read_events(after=after, limit=limit - len(found))
            if not read:
                break
            found += read
            after = read[-1].seq
        return found[:limit]

    def events(self, *, after: int | None) -> AsyncIterator[list[LogEvent]]:
        """Records as they become durable, from `after` (None: from now on), in order, without gaps.

        A reader that falls behind by more than the bound gets what it missed from the log.
        """
        if self._bus is None:
            raise StoreError("this process has no event bus")
        return self._bus.subscribe(after=after, head=self.world.seq, read=self._read_events)

    async def note_audit_read(
        self, caller: Caller, what: Literal["proof", "records"], first: int, last: int
    ) -> None:
        """Record that somebody reads the audit log, before they do."""
        await self._audit_reads.note(caller, what, first, last)

    async def audit_checkpoint(self, since: int | None) -> SignedCheckpoint:
        """The log as it is now, signed; with the proof that it continues its first `since` records."""
        return await self.audit.checkpoint(since)

    async def audit_proof(self, caller: Caller, audit_id: str, size: int | None) -> AuditProof:
        """That a record is in the log of `size` records. audit_id: a revision, or the id of a decision."""
        seq = self.cursor_seq(audit_id) or self.world.seq_of(audit_id.removeprefix("decision:"))
        if not seq:
            raise BadInput(
                f"`{audit_id}` is no record of this log; give an auditId or a decision", field="id"
            )
        await self.note_audit_read(caller, "proof", seq, seq)
        return await self.audit.proof(seq, size)
