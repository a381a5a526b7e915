"""What a trace consists of: actions to judge, changes in between, and what is only noted."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from graphsvc.core.record import Record
from graphsvc.core.request import AccessRequest, Entity
from graphsvc.core.verdict import Risk, Verdict

__all__ = [
    "StoredVerdict",
    "TraceAction",
    "TraceApproval",
    "TraceChange",
    "TraceItem",
    "TraceNote",
    "TracePack",
    "warnings_of",
]


class _Item(msgspec.Struct, frozen=True, kw_only=True):
    """place: `file:line`. ignored: paths of the fields that the format does not name."""

    place: str = ""
    ignored: tuple[str, ...] = ()


class StoredVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What was answered when the action was recorded; None = the trace does not say.

    verdict: what the rules said. enforced: what the caller was told. completed: ids of the completed
    patterns, sorted. reasons: their codes in the order of the answer.
    """

    verdict: Verdict
    enforced: Verdict
    completed: tuple[str, ...] | None = None
    reasons: tuple[str, ...] | None = None
    risk: Risk | None = None


class TraceAction(_Item, frozen=True, kw_only=True):
    """An action to judge. seq: its number where it was recorded; then `at_ms` is taken as stored (rule R2).

    caller: the token subject that asked for it, empty = unknown.
    """

    request: AccessRequest
    at_ms: int
    seq: int | None = None
    stored: StoredVerdict | None = None
    caller: str = ""


class TraceChange(_Item, frozen=True, kw_only=True):
    """Anything else that changes what comes after, as the records that a store would hold."""

    records: tuple[Record, ...]


class TraceApproval(_Item, frozen=True, kw_only=True):
    """Somebody approved the review of an earlier action (rules R12, R14)."""

    decision: str
    by: Entity
    at_ms: int


class TracePack(_Item, frozen=True, kw_only=True):
    """A pack took effect whose text the trace does not hold. sha256: of the text, empty = unknown."""

    pack: str
    version: str
    sha256: str
    at_ms: int


class TraceNote(_Item, frozen=True, kw_only=True):
    """A record of a type that this version does not know: it changes nothing."""

    type: str
    at_ms: int | None = None


TraceItem: TypeAlias = TraceAction | TraceChange | TraceApproval | TracePack | TraceNote


def warnings_of(item: TraceItem) -> list[str]:
    """What of the record is not acted on, one line each, beginning with its place."""
    if isinstance(item, TraceNote):
        return [f"{item.place}: type: `{item.type}` is no type of record that this version knows; ignored"]
    return [f"{item.place}: {path}: no field of this type of record; ignored" for path in item.ignored]
