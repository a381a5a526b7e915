"""Draws the graph from the log, a little behind it; its place moves with what it drew or not at all."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque

from graphsvc.core.codec import decode_records
from graphsvc.core.world import World
from graphsvc.decide.draw import draw, draw_facts
from graphsvc.decide.ports import Entry, Store, Strokes
from graphsvc.errors import GraphsvcError, StoreUnavailable

__all__ = ["Projector"]

# More commits than this wait only when the store cannot be drawn in; the oldest mark is what counts.
_MARK_LIMIT = 10_000
_ENTRY_LIMIT = 50
_POLL_S = 0.5
_RETRY_S = 0.5
_REFUSED_S = 5.0


class Projector:
    """Runs as one task between `start` and `close`; any number of replicas may run one.

    Graph changes are drawn as the folded world has them, so it never draws past what was folded.
    """

    def __init__(self, store: Store, world: World) -> None:
        self._store = store
        self._world = world
        self._wake = asyncio.Event()
        self._moved = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None
        self.drawn = 0
        self.problem: str | None = None
        # Number of the newest record, and when: a mark for each commit that is not drawn yet, oldest first.
        self._undrawn: deque[tuple[int, float]] = deque()

    async def start(self) -> None:
        """Begin to draw."""
        self.drawn = await self._store.drawn()
        self._task = asyncio.create_task(self._run(), name="projector")

    async def close(self) -> None:
        """Stop; what was not drawn will be at the next start."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    def wake(self) -> None:
        """There is something new in the log."""
        if len(self._undrawn) < _MARK_LIMIT:
            self._undrawn.append((self._world.seq, asyncio.get_running_loop().time()))
        self._wake.set()

    def lag_seconds(self) -> float:
        """How long the oldest record that is not drawn has waited; 0 when everything is drawn."""
        return asyncio.get_running_loop().time() - self._undrawn[0][1] if self._undrawn else 0.0

    async def wait_drawn(self, seq: int) -> None:
        """Return when everything up to a number has been drawn."""
        async with self._moved:
            await self._moved.wait_for(lambda: self.drawn >= seq)

    async def _run(self) -> None:
        while True:
            try:
                if not await self._step():
                    self._wake.clear()
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._wake.wait(), _POLL_S)
                self.problem = None
            except StoreUnavailable:
                await asyncio.sleep(_RETRY_S)
            except GraphsvcError as error:
                # Decisions do not depend on the drawing: say it, and try again.
                self.problem = str(error)
                await asyncio.sleep(_REFUSED_S)

    async def _step(self) -> bool:
        """Draw the next entries; False when there are none."""
        entries = [
            entry
            for entry in await self._store.read(after=self.drawn, limit=_ENTRY_LIMIT)
            if entry.seq <= self._world.seq
        ]
        if not entries:
            return False
        strokes, last = self._strokes(entries), entries[-1].seq
        if await self._store.draw(strokes, expected=self.drawn, drawn=last):
            self.drawn = last
            for seq in [seq for seq in self._world.redrawn if seq <= last]:
                del self._world.redrawn[seq]
        else:
            # Another replica's projector was faster.
            self.drawn = await self._store.drawn()
        while self._undrawn and self._undrawn[0][0] <= self.drawn:
            self._undrawn.popleft()
        async with self._moved:
            self._moved.notify_all()
        return True

    def _strokes(self, entries: list[Entry]) -> Strokes:
        whole = Strokes()
        for entry in entries:
            for place, record in enumerate(decode_records(entry.body)):
                seq = entry.first + place
                touched = self._world.redrawn.get(seq)
                part = draw(record, seq) if touched is None else draw_facts(self._world.estate, *touched)
                whole.nodes += part.nodes
                whole.edges += part.edges
                whole.removed_edges += part.removed_edges
                whole.removed_nodes += part.removed_nodes
        return whole
