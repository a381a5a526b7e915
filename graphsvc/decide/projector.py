"""Draws the graph from the log, a little behind it; its place moves with what it drew or not at all.

What decisions draw is left to a painter, where there is one: a process of its own that reads the log itself.
Of several replicas one draws, the holder of a lease. The lease saves work; that nothing is drawn twice or left out is
kept by the cursor, which moves only from where the drawing began. A holder that dies is replaced when its lease ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections import deque
from collections.abc import Sequence

from graphsvc.core.codec import decode_records
from graphsvc.core.world import World
from graphsvc.decide.command import LogEvent
from graphsvc.decide.draw import add_strokes, draw, draw_facts, draw_world
from graphsvc.decide.ports import Painter, Store, Strokes
from graphsvc.errors import GraphsvcError, StoreUnavailable

__all__ = ["LEASE_MS", "Projector"]

# More commits than this wait only when the store cannot be drawn in; the oldest mark is what counts.
_MARK_LIMIT = 10_000
# Records kept as they were folded, so that they need not be read again; behind them the log is read.
_HELD_LIMIT = 5_000
_ENTRY_LIMIT = 50
# A step holds up whoever wants to write meanwhile, so it is short while the drawing keeps up. Where much is decided, more
# is drawn at once, because a step writes the same pages of the same indexes whether it draws one decision or fifty; what
# comes now and then is drawn at once. A drawing that is behind takes long steps, one after the other.
_STEP_RECORDS = 100
_BEHIND_RECORDS = 250
_BEHIND_S = 0.25
# A painter's steps hold up nobody here.
_PAINT_RECORDS = 1_000
_BUSY_RECORDS = 8
_GATHER_S = 0.03
_POLL_S = 0.5
# A store that comes back plans its statements anew, which takes seconds of its time: those of decisions come first.
_RETRY_S, _RETRY_MOST_S = 0.5, 4.0
_REFUSED_S = 5.0
_LEASE = "projector"
LEASE_MS = 3_000
_RENEW_S = LEASE_MS / 3_000


class Projector:
    """Runs as one task between `start` and `close`; any number of replicas may run one, and one of them draws.

    Graph changes are drawn as the folded world has them, so it never draws past what was folded.
    """

    def __init__(self, store: Store, world: World, painter: Painter | None = None) -> None:
        self._store = store
        self._world = world
        self._painter = painter
        self._wake = asyncio.Event()
        self._moved = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None
        self.drawn = 0
        self.leads = False
        self.problem: str | None = None
        # Number of the newest record, and when: a mark for each commit that is not drawn yet, oldest first.
        self._undrawn: deque[tuple[int, float]] = deque()
        # Whole entries in the order of the log, the newest one folded last.
        self._held: deque[Sequence[LogEvent]] = deque()
        self._held_records = 0
        self._holder = uuid.uuid4().hex
        self._renew_at = 0.0
        self._begins = 0  # behind which number the log begins
        # Nothing is drawn, and the log alone cannot say what to: it was cut off, or graph changes were folded into a snapshot.
        self._is_blank = False

    async def start(self) -> None:
        """Begin to draw."""
        # What the fold of a drawn log noted for drawing is dropped at once.
        await self._moved_to(await self._store.drawn())
        base = await self._store.base()
        self._begins = 0 if base is None else base.seq
        self._is_blank = self.drawn < self._begins or (
            self.drawn == 0 and await self._store.snapshot_seq() > 0
        )
        self._task = asyncio.create_task(self._run(), name="projector")

    async def close(self) -> None:
        """Stop; what was not drawn will be at the next start."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
            if self.leads:
                # The next one need not wait for the lease to end.
                with contextlib.suppress(GraphsvcError, TimeoutError):
                    async with asyncio.timeout(1.0):
                        await self._store.lease(_LEASE, self._holder, 0)
                self.leads = False
        if self._painter is not None:
            await self._painter.close()

    def wake(self, folded: Sequence[LogEvent]) -> None:
        """There is something new in the log: whole entries, with nothing left out since the last call."""
        if self._painter is None:
            self._held.append(folded)
            self._held_records += len(folded)
        while self._held_records > _HELD_LIMIT:
            self._held_records -= len(self._held.popleft())
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
        away_s = _RETRY_S
        while True:
            try:
                if not await self._has_lease():
                    await self._watch()
                    await asyncio.sleep(_POLL_S)
                elif (pause_s := await self._step()) is not None:
                    await asyncio.sleep(pause_s)
                else:
                    self._wake.clear()
                    # Not `wait_for`: when both come at once, that of Python 3.11 loses a cancellation.
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(_POLL_S):
                            await self._wake.wait()
                self.problem, away_s = None, _RETRY_S
            except StoreUnavailable as error:
                self.problem = str(error)
                self.leads, self._renew_at = False, 0.0
                await asyncio.sleep(away_s)
                away_s = min(away_s * 2, _RETRY_MOST_S)
            except GraphsvcError as error:
                # Decisions do not depend on the drawing: say it, and try again.
                self.problem = str(error)
                await asyncio.sleep(_REFUSED_S)

    async def _has_lease(self) -> bool:
        now = asyncio.get_running_loop().time()
        if not self.leads or now >= self._renew_at:
            self.leads = await self._store.lease(_LEASE, self._holder, LEASE_MS)
            self._renew_at = now + _RENEW_S
        return self.leads

    async def _watch(self) -> None:
        """Another replica draws: only see how far it is."""
        await self._moved_to(await self._store.drawn())

    async def _moved_to(self, drawn: int) -> None:
        self.drawn = drawn
        while self._undrawn and self._undrawn[0][0] <= drawn:
            self._undrawn.popleft()
        for seq in [seq for seq in self._world.redrawn if seq <= drawn]:
            del self._world.redrawn[seq]
        async with self._moved:
            self._moved.notify_all()

    async def _step(self) -> float | None:
        """Draw the next entries; when to draw further ones, None when there were none."""
        if self._is_blank:
            # The drawing was lost, or the store made of the backup of a log that was cut off: first all as it is now.
            await self._draw(draw_world(self._world), self._begins)
            self._is_blank = False
            return 0.0
        is_behind = self.lag_seconds() > _BEHIND_S
        before, most = self.drawn, _BEHIND_RECORDS if is_behind else _STEP_RECORDS
        is_all = await self._paint()
        # Beside a painter only changes of the graph are left to be drawn here.
        if is_all is None and (self._painter is None or self._world.redrawn):
            is_all = await self._draw_next(most)
        if is_all is None:
            return None
        if is_behind or not is_all:
            return 0.0
        return _GATHER_S if self.drawn - before >= _BUSY_RECORDS else 0.0

    async def _paint(self) -> bool | None:
        """Have the painter draw up to the next change of the graph; whether that is all, None when there is nothing for it."""
        if self._painter is None:
            return None
        newest, upto = self._world.seq, self._next_change() - 1
        if upto <= self.drawn:
            return None
        last = await self._painter.paint(after=self.drawn, upto=upto, most=_PAINT_RECORDS)
        if last == self.drawn:
            return None
        await self._moved_to(last)
        return last >= newest

    async def _draw_next(self, most: int) -> bool | None:
        """Draw the next entries; whether those were all, None when there were none."""
        events, is_all = await self._next(most)
        if not events:
            return None
        await self._draw(self._strokes(events), events[-1].seq)
        return is_all

    async def _next(self, limit: int) -> tuple[list[LogEvent], bool]:
        """Records of whole entries to draw next, one step; and whether there are no others yet."""
        while self._held and self._held[0][-1].seq <= self.drawn:
            self._held_records -= len(self._held.popleft())
        events: list[LogEvent] = []
        if self._held and self._held[0][0].seq == self.drawn + 1:
            for folded in self._held:
                if self._is_step(events, limit):
                    return events, False
                events += folded
            return events, True
        entries = await self._store.read(after=self.drawn, limit=_ENTRY_LIMIT)
        for entry in entries:
            if entry.seq > self._world.seq:
                return events, True
            if self._is_step(events, limit):
                return events, False
            events += [
                LogEvent(entry.first + place, record)
                for place, record in enumerate(decode_records(entry.body))
            ]
        return events, len(entries) < _ENTRY_LIMIT

    def _is_step(self, events: Sequence[LogEvent], limit: int) -> bool:
        """Whether they are enough. A change of the graph ends a step: what a step removes goes last, and would take with it what
        later records draw there again.
        """
        if not events:
            return False
        return len(events) >= limit or events[-1].seq >= self._next_change()

    def _next_change(self) -> int:
        """The number of the next change of the graph that is not drawn; behind the newest record when there is none."""
        return min(self._world.redrawn, default=self._world.seq + 1)

    async def _draw(self, strokes: Strokes, last: int) -> None:
        """Draw up to a number, unless another replica has."""
        if not await self._store.draw(strokes, expected=self.drawn, drawn=last):
            # Another replica's projector was faster.
            last = await self._store.drawn()
        await self._moved_to(last)

    def _strokes(self, events: Sequence[LogEvent]) -> Strokes:
        whole = Strokes()
        for event in events:
            touched = self._world.redrawn.get(event.seq)
            part = (
                draw(event.record, event.seq) if touched is None else draw_facts(self._world.estate, *touched)
            )
            add_strokes(whole, part)
        return whole
