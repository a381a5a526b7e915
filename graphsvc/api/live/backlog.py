"""What waits to be sent to one subscriber: bounded, and nothing is left out untold.

Theory of operation. When the backlog is full, items that a newer one about the same thing (a chain) has overtaken are
left out; if there are none, the older half is. What was left out is counted, and told as one gap that stands before
the first item behind the first one left out, with the cursor of that one: whoever goes on from any cursor it was
given misses nothing that it was not told of.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

__all__ = ["Backlog", "Item", "Missed"]


class Item(NamedTuple):
    """One event as it is sent. text: the answer as JSON. topic: what a later item about it makes obsolete."""

    seq: int
    cursor: str
    text: str
    topic: str | None


class Missed(NamedTuple):
    """Items that were left out. seq: the number of the first."""

    seq: int
    number: int


class Backlog:
    """Items of one subscriber, oldest first."""

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._items: deque[Item] = deque()
        self._missed: Missed | None = None

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: Item) -> int:
        """Add the newest item; how many had to be left out."""
        left_out = 0
        if len(self._items) >= self._bound:
            left_out = self._shrink()
        self._items.append(item)
        return left_out

    def take(self) -> Item | Missed | None:
        """The next to send; None when nothing waits."""
        if self._missed is not None and (not self._items or self._items[0].seq > self._missed.seq):
            missed, self._missed = self._missed, None
            return missed
        return self._items.popleft() if self._items else None

    def _shrink(self) -> int:
        newest: set[str] = set()
        kept: deque[Item] = deque()
        dropped: list[Item] = []
        for item in reversed(self._items):
            if item.topic is not None and item.topic in newest:
                dropped.append(item)
                continue
            if item.topic is not None:
                newest.add(item.topic)
            kept.appendleft(item)
        while len(kept) > self._bound // 2:
            dropped.append(kept.popleft())
        first = min(item.seq for item in dropped)
        if self._missed is None:
            self._missed = Missed(first, len(dropped))
        else:
            self._missed = Missed(min(first, self._missed.seq), self._missed.number + len(dropped))
        self._items = kept
        return len(dropped)
