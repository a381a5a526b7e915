"""A real store that fails on command, and a loop in which waiting takes no time."""

import asyncio
from collections import deque
from collections.abc import Collection, Coroutine, Sequence
from typing import Literal

from graphsvc.decide.ports import Accepted, Base, Draft, Entry, Refused
from graphsvc.errors import StoreUnavailable
from graphsvc.store.memory import MemoryStore

__all__ = ["Fault", "FaultyStore", "VirtualLoop", "without_waiting"]

# What becomes of one append: refused at once; written or not, and the answer lost; written after the answer was
# given up; the process ends before or after the write; slower than any deadline.
Fault = Literal["none", "down", "lost", "dropped", "late", "crash before", "crash after", "slow"]
LATE_S = 5.0
SLOW_S = 60.0


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to the next timer as soon as nothing else is left to do."""

    def __init__(self) -> None:
        self._now_s = 0.0
        super().__init__()

    def time(self) -> float:
        """Seconds since the loop was made, of the loop's own time."""
        return self._now_s

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]
            self._now_s = max(self._now_s, self._scheduled[0].when())  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]


def without_waiting(story: Coroutine[object, object, None]) -> None:
    """Run a story to its end in a loop of its own, in which waiting takes no time."""
    loop = VirtualLoop()
    try:
        loop.run_until_complete(story)
    finally:
        loop.close()


class FaultyStore(MemoryStore):
    """One replica's way to the shared disk: reads and writes are the disk's, faults are this way's.

    faults: one for each append to come. pauses_s: how long each append waits before it is at the disk.
    lookups_down: how many look-ups and reads fail first.
    """

    def __init__(self, disk: MemoryStore) -> None:
        super().__init__()
        self.disk = disk
        self.faults: deque[Fault] = deque()
        self.pauses_s: deque[float] = deque()
        self.lookups_down = 0
        self.crashed = asyncio.Event()
        self._landing: set[asyncio.Task[None]] = set()

    @property
    def incarnation(self) -> str:
        """The disk's."""
        return self.disk.incarnation

    async def salt(self) -> bytes:
        """The disk's."""
        return await self.disk.salt()

    async def append(self, draft: Draft, *, seen: int, reads: Collection[str]) -> Accepted | Refused:
        """Append to the disk, or fail in the way that comes next."""
        fault = self.faults.popleft() if self.faults else "none"
        await asyncio.sleep(self.pauses_s.popleft() if self.pauses_s else 0)
        if fault == "down":
            raise StoreUnavailable("the store is down")
        if fault in {"dropped", "late"}:
            if fault == "late":
                self._land(draft, seen, reads)
            raise StoreUnavailable("connection lost", outcome_unknown=True)
        if fault == "crash before":
            await self._crash()
        if fault == "slow":
            await asyncio.sleep(SLOW_S)
        answer = await self.disk.append(draft, seen=seen, reads=reads)
        if fault == "crash after":
            await self._crash()
        if fault == "lost":
            raise StoreUnavailable("connection lost", outcome_unknown=True)
        return answer

    def _land(self, draft: Draft, seen: int, reads: Collection[str]) -> None:
        async def later() -> None:
            await asyncio.sleep(LATE_S)
            await self.disk.append(draft, seen=seen, reads=reads)

        task = asyncio.get_running_loop().create_task(later())
        self._landing.add(task)
        task.add_done_callback(self._landing.discard)

    async def _crash(self) -> None:
        self.crashed.set()
        await asyncio.Event().wait()

    async def read(self, *, after: int, limit: int) -> Sequence[Entry]:
        """The disk's entries."""
        return await self.disk.read(after=after, limit=limit)

    async def find(self, entry_id: str) -> Entry | None:
        """The disk's entry of a draft's id, once the look-ups work again."""
        if self.lookups_down:
            self.lookups_down -= 1
            raise StoreUnavailable("the store is down")
        return await self.disk.find(entry_id)

    async def head(self) -> int:
        """The disk's newest number."""
        return await self.disk.head()

    async def base(self) -> Base | None:
        """What was cut off from the disk's log."""
        return await self.disk.base()

    async def set_base(self, base: Base) -> None:
        """Nothing is cut off here."""
        await self.disk.set_base(base)

    async def prune(self, limit: int) -> int:
        """Nothing is cut off here."""
        return await self.disk.prune(limit)

    async def rewrite(self, entry: Entry, body: bytes) -> None:
        """Nothing is erased here."""
        await self.disk.rewrite(entry, body)
