"""How the service does: readiness and figures."""

from __future__ import annotations

from graphsvc.decide.figure import Distribution
from graphsvc.decide.service.base import UseCases

__all__ = ["Health"]


class Health(UseCases):
    """Tells whether decisions can be made, and how busy the service is."""

    def ready(self) -> tuple[bool, str]:
        """Whether decisions can be made, and what is missing if not; the store is not asked."""
        if not self._started:
            return False, "starting"
        if not self.world.packs:
            return (
                True,
                "no policy is published: only entitlement decides; publish one with `graphsvc policy publish`",
            )
        if self.audit.problem is not None:
            return True, f"decisions are made, but the audit log is not signed: {self.audit.problem}"
        if self.projector.problem is not None:
            return True, f"decisions are made, but the graph is not drawn: {self.projector.problem}"
        return True, "ready"

    async def check_ready(self) -> tuple[bool, str]:
        """The same, having asked the store; what it answered holds for a second, so that probes cost nothing."""
        ok, told = self.ready()
        if not ok:
            return ok, told
        problem = await self._freshness.problem()
        return (True, told) if problem is None else (False, f"the store cannot be reached: {problem}")

    def metrics(self) -> dict[str, float]:
        """Figures of the writer since the start (batches, committed, refusals, overloads), `queued`, places in the log."""
        return {
            **self.sequencer.figures(),
            "drawn": self.projector.drawn,
            "undrawn_seconds": self.projector.lag_seconds(),
            "seq": self.world.seq,
        }

    def distributions(self) -> dict[str, Distribution]:
        """How long commits took (`commit_seconds`) and how many records they held (`batch_records`)."""
        return {
            "commit_seconds": self.sequencer.commit_seconds,
            "batch_records": self.sequencer.batch_records,
        }
