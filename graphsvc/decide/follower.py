"""Keeps a replica in step with the others: it reads the log again and again, at once when a bell rings.

The bell is for speed only. Whatever it loses, doubles or delays, the next look at the log finds what is new.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine
from typing import Any, Protocol

from graphsvc.core.world import World
from graphsvc.decide.ports import Store
from graphsvc.decide.sequencer import Sequencer
from graphsvc.errors import ClocksDiffer, StoreError

__all__ = ["Bell", "Follower"]

FOLLOW_S = 0.25
_CLOCK_S = 60.0
_BLOCKED_S = 2.0
_JUMP_S = 0.5
_PING_WITHIN_S = 5.0

_log = logging.getLogger("graphsvc.follower")


class Bell(Protocol):
    """Tells other replicas that the log has grown."""

    async def ring(self, seq: int) -> None:
        """Say that the log holds record `seq`; never an error."""

    async def heard(self) -> int:
        """The newest number that another replica told since the last call; waits for one, for ever if need be."""

    async def close(self) -> None:
        """Give the connection back."""


class Follower:
    """Runs between `start` and `close`. every_s: how long news may take without a bell.

    It also compares the clocks every minute, and at once when ours jumps: while they differ nothing is decided.
    """

    def __init__(
        self,
        store: Store,
        world: World,
        sequencer: Sequencer,
        *,
        every_s: float = FOLLOW_S,
        bell: Bell | None = None,
    ) -> None:
        self._store = store
        self._world = world
        self._sequencer = sequencer
        self._every_s = every_s
        self._bell = bell
        self._known = 0  # told by a bell, or rung
        self._grown = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to follow."""
        work: list[Coroutine[Any, Any, None]] = [self._tick(), self._watch_clock()]
        if self._bell is not None:
            work += [self._listen(self._bell), self._tell(self._bell)]
        self._tasks = [asyncio.create_task(each, name="follower") for each in work]

    async def close(self) -> None:
        """Stop."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        if self._bell is not None:
            await self._bell.close()

    def folded(self) -> None:
        """The world has grown: tell the others, and whoever waits for a revision."""
        self._grown.set()

    async def reach(self, seq: int, within_s: float) -> bool:
        """Whether record `seq` was folded within that time."""
        until = asyncio.get_running_loop().time() + within_s
        while self._world.seq < seq:
            left_s = until - asyncio.get_running_loop().time()
            if left_s <= 0:
                return False
            self._sequencer.follow()
            await asyncio.sleep(min(left_s, 0.01))
        return True

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            self._sequencer.follow()

    async def _listen(self, bell: Bell) -> None:
        while True:
            self._known = max(self._known, await bell.heard())
            if self._known > self._world.seq:
                self._sequencer.follow()

    async def _tell(self, bell: Bell) -> None:
        while True:
            await self._grown.wait()
            self._grown.clear()
            # What came in by the bell is not told again.
            if self._world.seq > self._known:
                self._known = self._world.seq
                await bell.ring(self._known)

    async def _watch_clock(self) -> None:
        checked = time.monotonic()
        offset = time.time() - checked
        while True:
            await asyncio.sleep(min(self._every_s, _JUMP_S))
            now = time.monotonic()
            drift, offset = abs(time.time() - now - offset), time.time() - now
            due_s = _CLOCK_S if self._sequencer.blocked is None else _BLOCKED_S
            if now - checked >= due_s or drift > _JUMP_S:
                checked = now
                await self._compare_clocks()

    async def _compare_clocks(self) -> None:
        try:
            async with asyncio.timeout(_PING_WITHIN_S):
                await self._store.ping()
        except ClocksDiffer as error:
            if self._sequencer.blocked is None:
                _log.error("clocks_differ", extra={"reason": str(error)})
                self._sequencer.blocked = error
            return
        except (StoreError, TimeoutError):
            return  # nothing is known of its clock; that it does not answer is told elsewhere
        if isinstance(self._sequencer.blocked, ClocksDiffer):
            _log.warning("clocks_agree")
            self._sequencer.blocked = None
