"""Chains that nothing happened in for a day end by themselves.

A chain without an end keeps its state for ever, and an agent that comes back to it after days would go on where nobody
remembers having let it. Whoever has more to do opens a new chain. Of several replicas one does this, by a lease; that a chain
is ended once, and not while an action is being recorded in it, is kept by the log.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections import OrderedDict
from collections.abc import Sequence

from graphsvc.core.record import ChainClosed, ChainOpened, Decided, Record
from graphsvc.core.state import ChainState
from graphsvc.core.world import World
from graphsvc.decide.cell import chain_cell
from graphsvc.decide.command import LogEvent
from graphsvc.decide.jobs import ChangeJob, Moment
from graphsvc.decide.ports import Leases
from graphsvc.decide.sequencer import Sequencer
from graphsvc.errors import GraphsvcError

__all__ = ["IDLE_S", "RETENTION", "Retention"]

IDLE_S = 86_400
# Who ends a chain that was idle for too long.
RETENTION = "retention"
_EVERY_S = 60.0
_LEASE_MS = 150_000
_BATCH = 200


class Retention:
    """Runs as one task between `start` and `close`. idle_s: how long a chain may be idle; every_s: between two looks."""

    def __init__(
        self,
        leases: Leases,
        world: World,
        sequencer: Sequencer,
        *,
        idle_s: int = IDLE_S,
        every_s: float = _EVERY_S,
    ) -> None:
        self._leases = leases
        self._world = world
        self._sequencer = sequencer
        self._idle_ms = idle_s * 1000
        self._every_s = every_s
        self._holder = uuid.uuid4().hex
        # Open chains by when something happened in them last, the longest ago first.
        self._last_ms: OrderedDict[str, int] = OrderedDict()
        self._task: asyncio.Task[None] | None = None

    @property
    def open_chains(self) -> int:
        """How many chains have not ended."""
        return len(self._last_ms)

    def start(self) -> None:
        """Begin; the world is folded already."""
        found = [
            (self._last(state), name) for name, state in self._chains() if state.used and not state.closed
        ]
        self._last_ms = OrderedDict((name, at_ms) for at_ms, name in sorted(found))
        self._task = asyncio.create_task(self._run(), name="retention")

    async def close(self) -> None:
        """Stop."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    def happened(self, events: Sequence[LogEvent]) -> None:
        """Records have been folded."""
        for event in events:
            record = event.record
            match record:
                case Decided():
                    self._moved(record.request.chain, record.at_ms)
                case ChainOpened():
                    self._moved(record.chain, record.at_ms)
                case ChainClosed():
                    self._last_ms.pop(record.chain, None)

    async def end_idle(self) -> int:
        """End the chains that have been idle for too long; how many."""
        ended = 0
        while names := self._idle():
            cells = frozenset(map(chain_cell, names))
            outcome = await self._sequencer.submit(
                ChangeJob(lambda now, names=names: self._ends(now, names), cells, reads=cells, rank=1)  # type: ignore[misc]
            )
            for name in names:
                self._last_ms.pop(name, None)
            ended += len(outcome.records) if outcome is not None else 0
        return ended

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            with contextlib.suppress(GraphsvcError):
                if self._idle() and await self._leases.lease(RETENTION, self._holder, _LEASE_MS):
                    await self.end_idle()

    def _idle(self) -> list[str]:
        before_ms = self._sequencer.now_ms() - self._idle_ms
        found: list[str] = []
        for name, at_ms in self._last_ms.items():
            if at_ms >= before_ms or len(found) == _BATCH:
                break
            found.append(name)
        return found

    def _ends(self, now: Moment, names: Sequence[str]) -> list[Record]:
        ended: list[Record] = []
        for name in names:
            state = now.overlay.get(("c", name))
            if not isinstance(state, ChainState) or not state.used or state.closed:
                continue
            # What happened meanwhile, in this batch or in another replica, keeps it open.
            if now.at_ms - self._last(state) >= self._idle_ms:
                ended.append(ChainClosed(at_ms=now.at_ms, chain=name, by=RETENTION))
        return ended

    def _moved(self, chain: str, at_ms: int) -> None:
        self._last_ms[chain] = at_ms
        self._last_ms.move_to_end(chain)

    def _last(self, state: ChainState) -> int:
        lies = self._world.history.get(state.last_action) if state.last_action is not None else None
        return lies.at_ms if lies is not None else state.opened_ms

    def _chains(self) -> list[tuple[str, ChainState]]:
        return [
            (key[1], state)
            for key, state in self._world.cells.items()
            if isinstance(state, ChainState) and isinstance(key, tuple)
        ]
