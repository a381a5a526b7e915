"""Fans records out to subscribers without ever making the publisher wait.

Theory of operation. Each subscriber has a bounded queue and a position, the number of the last
record it has been given. A subscriber whose queue is full is marked as lagging and its queue is
emptied: from then on it reads the log itself until it has caught up, and takes the queue again.

INVARIANT: the lagging mark is taken away *before* the log is read, so every record published after
that moment is in the queue, and every one before it is in the log. Records that are in both are
recognised by their number. Hence no gaps within the log's retention, and nothing twice.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from typing import Protocol
from weakref import WeakSet

from graphsvc.decide.command import LogEvent

__all__ = ["Bus", "Reader"]

_READ_LIMIT = 500


class Reader(Protocol):
    """Reads the log for those who lag behind."""

    async def __call__(self, *, after: int, limit: int) -> Sequence[LogEvent]:
        """Records of log entries that end after number `after`, oldest first; empty when there are none."""


class _Subscriber:
    """One queue. newest: the greatest number ever offered, queued or not."""

    def __init__(self, bound: int) -> None:
        self.bound = bound
        self.queue: deque[Sequence[LogEvent]] = deque()
        self.queued = 0
        self.newest = 0
        self.lagging = False
        self.wake = asyncio.Event()

    def offer(self, events: Sequence[LogEvent]) -> None:
        self.newest = max(self.newest, events[-1].seq)
        if not self.lagging:
            if self.queued + len(events) > self.bound:
                self.queue.clear()
                self.queued = 0
                self.lagging = True
            else:
                self.queue.append(events)
                self.queued += len(events)
        self.wake.set()

    def take(self) -> list[LogEvent]:
        taken = [event for batch in self.queue for event in batch]
        self.queue.clear()
        self.queued = 0
        return taken


class Bus:
    """The fan-out of one process. bound: how many records wait for a subscriber at most."""

    def __init__(self, *, bound: int = 1024) -> None:
        self._bound = bound
        # Weak, because a generator that is dropped before its first item never runs its `finally`.
        self._subscribers: WeakSet[_Subscriber] = WeakSet()

    @property
    def subscribers(self) -> int:
        """How many subscriptions are being read."""
        return len(self._subscribers)

    def publish(self, events: Sequence[LogEvent]) -> None:
        """Offer records, in log order, to everybody; never waits. Call it in the event loop."""
        if events:
            for subscriber in self._subscribers:
                subscriber.offer(events)

    def subscribe(
        self, *, after: int | None, head: int, read: Reader
    ) -> AsyncGenerator[list[LogEvent], None]:
        """Records after number `after` (None: after `head`, the newest number now), oldest first.

        The subscription starts with this call, not with the first item; closing the generator ends it.
        Records that the log no longer holds are left out: the reader sees it by the jump in numbers.
        """
        subscriber = _Subscriber(self._bound)
        subscriber.newest = head
        subscriber.lagging = after is not None and after < head
        self._subscribers.add(subscriber)
        return self._feed(subscriber, head if after is None else after, read)

    async def _feed(
        self, subscriber: _Subscriber, position: int, read: Reader
    ) -> AsyncGenerator[list[LogEvent], None]:
        try:
            while True:
                if subscriber.lagging:
                    subscriber.lagging = False
                    target = subscriber.newest
                    while position < target:
                        events = await read(after=position, limit=_READ_LIMIT)
                        missed = [event for event in events if event.seq > position]
                        if not missed:
                            break
                        position = missed[-1].seq
                        yield missed
                    continue
                fresh = [event for event in subscriber.take() if event.seq > position]
                if fresh:
                    position = fresh[-1].seq
                    yield fresh
                    continue
                subscriber.wake.clear()
                await subscriber.wake.wait()
        finally:
            self._subscribers.discard(subscriber)
