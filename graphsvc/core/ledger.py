"""Decisions as they were recorded: the newest of them, and older ones that somebody may still answer.

The log holds every decision for ever. Here are those that are asked for without waiting for the store: what was decided
a moment ago, and what is under review. Of the others a few words are kept for longer, so that they can be counted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping

from graphsvc.core.record import Decided
from graphsvc.core.tally import NO_PATTERNS, Tallies
from graphsvc.core.verdict import ESCALATE, PERMIT

__all__ = ["Ledger"]

_KEPT = 10_000
_NOTED = 50_000
_COUNTED = 100_000


class Ledger(Mapping[str, Decided]):
    """Decisions by id, oldest first. kept: how many of the newest; None: all of them, for a world made to look back.

    Beside the newest there are the newest of those that somebody may look into: refused, observed, tried. And all that
    were escalated, or were let through in an emergency: somebody answers them, or asks what became of them.
    """

    def __init__(self, kept: int | None = _KEPT) -> None:
        self.missing = False  # decisions that were never here or are not counted any more
        self.tallies = Tallies(_COUNTED)
        self._kept = kept
        self._newest: dict[str, Decided] = {}
        self._noted: dict[str, Decided] = {}
        self._pinned: dict[str, Decided] = {}
        self._order: deque[str] = deque()
        self._noted_order: deque[str] = deque()

    def add(self, record: Decided, *, pin: bool = False) -> None:
        """Take in the next decision. pin: it is asked for later."""
        action = record.request.id
        self._newest[action] = record
        self._order.append(action)
        if self._kept is not None and len(self._order) > self._kept:
            del self._newest[self._order.popleft()]
        enforced, verdict = record.enforced, record.verdict
        answered = verdict if enforced is None else enforced
        if verdict is not PERMIT or record.shadow:
            self._noted[action] = record
            self._noted_order.append(action)
            if self._kept is not None and len(self._noted_order) > _NOTED:
                del self._noted[self._noted_order.popleft()]
        if pin or answered is ESCALATE:
            self._pinned[action] = record
        completions = record.completions
        patterns = frozenset([each.pattern for each in completions]) if completions else NO_PATTERNS
        if self.tallies.add(record.at_ms, answered, patterns):
            self.missing = True

    def change(self, changed: Callable[[Decided], Decided]) -> None:
        """Hold other content of the same decisions."""
        for held in (self._newest, self._noted, self._pinned):
            for action, record in held.items():
                held[action] = changed(record)

    def newest_first(self) -> Iterator[tuple[str, Decided]]:
        """The newest, then those of the older ones that somebody may look into."""
        yield from reversed(self._newest.items())
        for action, record in reversed(self._noted.items()):
            if action not in self._newest:
                yield action, record

    def __getitem__(self, action: str) -> Decided:
        found = self._newest.get(action) or self._noted.get(action)
        return found if found is not None else self._pinned[action]

    def __contains__(self, action: object) -> bool:
        return action in self._newest or action in self._noted or action in self._pinned

    def __iter__(self) -> Iterator[str]:
        yield from (
            action for action in self._pinned if action not in self._newest and action not in self._noted
        )
        yield from (action for action in self._noted if action not in self._newest)
        yield from self._newest

    def __len__(self) -> int:
        return sum(1 for _ in self)
