"""What the writer takes and gives: a job proposes records, and its outcome tells where they stand."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from functools import cached_property
from typing import Protocol

import msgspec

from graphsvc.core.evaluate import Evaluation
from graphsvc.core.record import Record
from graphsvc.core.state import Overlay
from graphsvc.core.world import World

__all__ = ["Job", "Outcome", "Proposal", "Reads"]


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """Records that a job wants to add. known: the evaluations of its decisions, by place in records.

    reads: names the cells that were looked at, when a store asks.
    """

    records: tuple[Record, ...]
    reads: Callable[[], Collection[str]]
    touches: frozenset[str]
    known: Evaluation | None = None


class Reads(Collection[str]):
    """Cells that the judgements of a batch looked at, named when somebody asks: while nobody else writes, no store does."""

    def __init__(self, parts: Iterable[Callable[[], Collection[str]]]) -> None:
        self._parts = tuple(parts)

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(name for part in self._parts for name in part())

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class Outcome(msgspec.Struct, frozen=True):
    """A job's records are durable from number `first` on."""

    first: int
    records: tuple[Record, ...]


class Job(Protocol):
    """Something that adds records: judged again whenever the world moved underneath it."""

    rank: int  # 0 changes of rights, 1 reports, 2 decisions

    def propose(self, world: World, overlay: Overlay, at_ms: int, seq: int) -> Proposal | None:
        """The records to add as of this world; None when there is nothing to add.

        GraphsvcError when the job cannot be done; it then fails alone.
        """
