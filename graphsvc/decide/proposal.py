"""What the writer takes and gives: a job proposes records, and its outcome tells where they stand."""

from __future__ import annotations

from typing import Protocol

import msgspec

from graphsvc.core.evaluate import Evaluation
from graphsvc.core.record import Record
from graphsvc.core.state import Overlay
from graphsvc.core.world import World

__all__ = ["Job", "Outcome", "Proposal"]


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """Records that a job wants to add. known: the evaluations of its decisions, by place in records."""

    records: tuple[Record, ...]
    reads: frozenset[str]
    touches: frozenset[str]
    known: Evaluation | None = None


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
