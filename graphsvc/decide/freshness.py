"""How old the folded world may be, and what may still be answered from it."""

from __future__ import annotations

import asyncio

from graphsvc.decide.ports import Store
from graphsvc.decide.sequencer import Sequencer
from graphsvc.errors import StoreError, StoreUnavailable

__all__ = ["SILENT_AFTER_MS", "STALE_AFTER_MS", "Freshness"]

STALE_AFTER_MS = 5_000
SILENT_AFTER_MS = 30_000
_PING_WITHIN_S = 2.0
_PING_HOLDS_S = 1.0


class Freshness:
    """Answers from the world are fresh, then stale, then refused, by the time since the log was last read.

    shared: others append too, so only reading the log shows what is new; else a store that answers is enough.
    """

    def __init__(self, store: Store, sequencer: Sequencer, *, shared: bool) -> None:
        self._store = store
        self._sequencer = sequencer
        self._shared = shared
        self._pinged: tuple[float, str | None] | None = None

    async def is_stale(self) -> bool:
        """Whether the world may be behind. StoreUnavailable when it has been for too long to answer from it."""
        if self._sequencer.swapped.is_set():
            assert self._sequencer.blocked is not None
            raise self._sequencer.blocked
        age_ms = self._age_ms()
        if age_ms < STALE_AFTER_MS:
            return False
        if not self._shared and await self.problem() is None:
            self._sequencer.was_read()
            return False
        if age_ms >= SILENT_AFTER_MS:
            raise StoreUnavailable(
                f"the log could not be read for {age_ms // 1000} s, so what is known may be out of date; ask again"
            )
        return True

    async def problem(self) -> str | None:
        """Why the store cannot be used now; what it said holds for a second, so that probes cost nothing."""
        if self._sequencer.blocked is not None:
            return str(self._sequencer.blocked)
        now_s = asyncio.get_running_loop().time()
        if self._pinged is None or now_s - self._pinged[0] >= _PING_HOLDS_S:
            # It has a time limit, for which the caller need not have a task.
            self._pinged = (now_s, await asyncio.create_task(self._ping()))
        found = self._pinged[1]
        age_ms = self._age_ms()
        if found is None and self._shared and age_ms >= STALE_AFTER_MS:
            # It answers again, but what others appended meanwhile is not known yet.
            return f"the log was not read for {age_ms // 1000} s"
        return found

    def _age_ms(self) -> int:
        unread_ms = self._sequencer.unread_ms
        return SILENT_AFTER_MS if unread_ms is None else unread_ms

    async def _ping(self) -> str | None:
        try:
            async with asyncio.timeout(_PING_WITHIN_S):
                await self._store.ping()
        except TimeoutError:
            return f"no answer within {_PING_WITHIN_S:g} s"
        except StoreError as error:
            return str(error)
        return None
