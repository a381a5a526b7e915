"""Folds what is in the log into the world: in order, without a gap, and new rules not before they are warm."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from itertools import groupby

from graphsvc.core.codec import decode_records
from graphsvc.core.record import Record
from graphsvc.core.world import World
from graphsvc.decide.command import LogEvent
from graphsvc.decide.ports import Entry
from graphsvc.decide.warming import is_rules
from graphsvc.errors import StoreSwapped

__all__ = ["Folding", "Warmed"]

# A context within which rules can be folded without a rebuild.
Warmed = Callable[[Sequence[Record]], AbstractAsyncContextManager[None]]


class Folding:
    """Folds entries of the log. listener: told of records after they were folded; warmed: entered before rules are."""

    def __init__(
        self, world: World, listener: Callable[[Sequence[LogEvent]], None], warmed: Warmed | None
    ) -> None:
        self._world = world
        self._listener = listener
        self._warmed = warmed or _cold

    async def fold(self, entries: Sequence[Entry], *, warm: bool = True) -> None:
        """Fold those that have not been; StoreSwapped when some between are missing.

        warm: the loop stays free while rules are warmed; else they are rebuilt at once, which is sooner done.
        """
        warmed = self._warmed if warm else _cold
        events: list[LogEvent] = []
        for entry in entries:
            if entry.seq <= self._world.seq:
                continue
            if entry.first > self._world.seq + 1:
                raise StoreSwapped(
                    f"records {self._world.seq + 1} to {entry.first - 1} were cut off before they were read here"
                )
            # Whoever was stopped before rules in the middle of an entry goes on there.
            records = decode_records(entry.body)[self._world.seq + 1 - entry.first :]
            for rules, group in groupby(records, key=is_rules):
                part = tuple(group)
                if not rules:
                    self._apply(part, events)
                    continue
                # Whoever listens need not wait for what comes with the rules.
                self._tell(events)
                async with warmed(part):
                    self._apply(part, events)
        self._tell(events)

    def _apply(self, records: Sequence[Record], events: list[LogEvent]) -> None:
        for record in records:
            seq = self._world.seq + 1
            self._world.apply(record, seq)
            events.append(LogEvent(seq, record))

    def _tell(self, events: list[LogEvent]) -> None:
        if events:
            self._listener(tuple(events))
            events.clear()


def _cold(_rules: Sequence[Record]) -> AbstractAsyncContextManager[None]:
    return nullcontext()
