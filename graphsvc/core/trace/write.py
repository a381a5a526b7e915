"""Items to records of a trace: what a store holds, so that a replay gives it again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import assert_never

from graphsvc.core.graph import Edge, Node, to_record
from graphsvc.core.record import (
    Approved,
    AuditRead,
    Cancelled,
    ChainClosed,
    ChainOpened,
    Decided,
    Granted,
    GraphCommitted,
    GraphStaged,
    IntentDeclared,
    PolicyPublished,
    Record,
    Reinstated,
    Rejected,
    Relabelled,
    Reported,
    Revoked,
    Signalled,
    SourceRemoved,
    Suspended,
)
from graphsvc.core.trace.action import action_of, action_record
from graphsvc.core.trace.chain import close_record, intent_record, open_record
from graphsvc.core.trace.estate import graph_record, relabel_record, removal_record
from graphsvc.core.trace.field import entity_record
from graphsvc.core.trace.governing import GOVERN, govern_record
from graphsvc.core.trace.item import (
    TraceAction,
    TraceApproval,
    TraceChange,
    TraceItem,
    TraceNote,
    TracePack,
)
from graphsvc.core.trace.outcome import cancel_record, report_record
from graphsvc.core.trace.pack import pack_record
from graphsvc.core.trace.review import review_record
from graphsvc.core.trace.right import grant_record, revoke_record, signal_record, suspension_record
from graphsvc.core.value import Json, format_time

__all__ = ["items_of", "record_of", "to_trace_records"]


def items_of(records: Iterable[tuple[int, Record]]) -> Iterator[TraceItem]:
    """The history of a store as items of a trace.

    A staged part of an import comes with its commit, when it becomes visible.
    """
    staged: dict[str, list[GraphStaged]] = {}
    for seq, record in records:
        place = f"record {seq}"
        match record:
            case Decided():
                yield action_of(seq, record)
            case AuditRead():
                pass  # nothing that was judged depends on it
            case GraphStaged():
                staged.setdefault(record.load, []).append(record)
            case GraphCommitted():
                yield TraceChange(records=(*staged.pop(record.load, ()), record), place=place)
            case _:
                yield TraceChange(records=(record,), place=place)


def to_trace_records(records: Iterable[tuple[int, Record]]) -> Iterator[dict[str, Json]]:
    """Trace records of numbered records; reading them gives the same history."""
    return map(record_of, items_of(records))


def record_of(item: TraceItem) -> dict[str, Json]:
    """The record of an item; reading it gives an equal item, apart from its place."""
    match item:
        case TraceAction():
            return action_record(item)
        case TraceChange():
            return _change_record(item.records)
        case TraceApproval():
            by = entity_record(item.by)
            return {"type": "approve", "decision": item.decision, "by": by, "at": format_time(item.at_ms)}
        case TracePack():
            return {"type": "policy", **pack_record(item), "at": format_time(item.at_ms)}
        case TraceNote():
            at = format_time(item.at_ms) if item.at_ms is not None else None
            return {"type": item.type, "at": at}
        case _:
            assert_never(item)


def _change_record(records: tuple[Record, ...]) -> dict[str, Json]:
    record = records[-1]
    kind, body = _body(record, records)
    written: dict[str, Json] = {"type": kind, **body, "at": format_time(record.at_ms)}
    caller = "" if isinstance(record, ChainOpened | GraphStaged) else record.by
    if caller:
        written["caller"] = caller
    return written


def _body(record: Record, records: tuple[Record, ...]) -> tuple[str, dict[str, Json]]:  # noqa: C901  one line a kind
    match record:
        case Reported():
            return "report", report_record(record)
        case Cancelled():
            return "cancel", cancel_record(record)
        case Approved():
            return "approve", review_record(record)
        case Rejected():
            return "reject", review_record(record)
        case Granted():
            return "grant", grant_record(record)
        case Revoked():
            return "revoke", revoke_record(record)
        case Suspended():
            return "suspend", suspension_record(record)
        case Reinstated():
            return "reinstate", suspension_record(record)
        case Signalled():
            return "signal", signal_record(record)
        case IntentDeclared():
            return "intent", intent_record(record)
        case ChainOpened():
            return "open", open_record(record)
        case ChainClosed():
            return "close", close_record(record)
        case PolicyPublished():
            return "policy", pack_record(record)
        case SourceRemoved():
            return "graph", removal_record(record)
        case Relabelled():
            return "relabel", relabel_record(record)
        case GraphCommitted():
            facts: list[Node | Edge] = []
            for part in records:
                if isinstance(part, GraphStaged):
                    facts += (*part.nodes, *part.edges)
            return "graph", graph_record(record, [to_record(fact) for fact in facts])
        case Decided() | GraphStaged() | AuditRead():
            raise TypeError(f"a {type(record).__name__} is no change of its own")
        case _:
            return GOVERN, govern_record(record)
