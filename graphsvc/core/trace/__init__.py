"""Traces: history as JSON objects, one a line, to and from the values and records of the core."""

from __future__ import annotations

from graphsvc.core.trace.item import (
    StoredVerdict,
    TraceAction,
    TraceApproval,
    TraceChange,
    TraceItem,
    TraceNote,
    TracePack,
    warnings_of,
)
from graphsvc.core.trace.read import item_from_record, read_trace
from graphsvc.core.trace.write import items_of, record_of, to_trace_records

__all__ = [
    "StoredVerdict",
    "TraceAction",
    "TraceApproval",
    "TraceChange",
    "TraceItem",
    "TraceNote",
    "TracePack",
    "item_from_record",
    "items_of",
    "read_trace",
    "record_of",
    "to_trace_records",
    "warnings_of",
]
