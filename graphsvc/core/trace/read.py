"""Traces as text to items: one JSON object a line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

import msgspec
from msgspec.structs import replace

from graphsvc.core.record import Record
from graphsvc.core.trace.action import read_action
from graphsvc.core.trace.chain import read_close, read_intent, read_open
from graphsvc.core.trace.estate import read_graph, read_link, read_relabel
from graphsvc.core.trace.field import Fields
from graphsvc.core.trace.governing import GOVERN, read_govern
from graphsvc.core.trace.item import TraceChange, TraceItem, TraceNote
from graphsvc.core.trace.outcome import read_cancel, read_report
from graphsvc.core.trace.pack import read_pack
from graphsvc.core.trace.review import read_approve, read_reject
from graphsvc.core.trace.right import (
    read_grant,
    read_reinstate,
    read_revoke,
    read_signal,
    read_suspend,
)
from graphsvc.core.value import Json
from graphsvc.errors import BadInput

__all__ = ["CHANGE_TYPES", "item_from_record", "read_trace"]

CHANGE_TYPES: Final[Mapping[str, Callable[[Fields, int], tuple[Record, ...]]]] = {
    "report": read_report,
    "cancel": read_cancel,
    "approve": read_approve,
    "reject": read_reject,
    "grant": read_grant,
    "revoke": read_revoke,
    "suspend": read_suspend,
    "reinstate": read_reinstate,
    "signal": read_signal,
    "intent": read_intent,
    "open": read_open,
    "close": read_close,
    "graph": read_graph,
    "link": read_link,
    "relabel": read_relabel,
    GOVERN: read_govern,
}


def read_trace(lines: Iterable[str | bytes], file: str = "<trace>") -> Iterator[TraceItem]:
    """The items of a trace in file order; empty lines are skipped.

    BadInput names the file, the line (from 1) and the field. What the format does not name is in the
    items, see `warnings_of`.
    """
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        place = f"{file}:{number}"
        try:
            record = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            if "truncated" in str(error):
                message = f"{place}: the line ends inside a JSON value; is the file cut off? export it again"
            else:
                detail = str(error).removeprefix("JSON is malformed: ")
                message = f"{place}: not JSON: {detail}; write one object a line"
            raise BadInput(message, field=place) from error
        if not isinstance(record, dict):
            raise BadInput(f"{place}: not an object; write one object a line", field=place)
        yield item_from_record(record, place)


def item_from_record(record: Mapping[str, Json], place: str = "trace") -> TraceItem:
    """The item of one record; BadInput starts with `place` and names the field."""
    fields = Fields(record, place)
    kind = fields.text("type")
    item: TraceItem
    if kind == "action":
        item = read_action(fields)
    elif kind == "policy":
        item = read_pack(fields, fields.time("at"))
    elif kind in CHANGE_TYPES:
        item = TraceChange(records=CHANGE_TYPES[kind](fields, fields.time("at")), place=place)
    else:
        return TraceNote(type=kind, at_ms=fields.optional_time("at"), place=place)
    ignored = tuple(fields.ignored())
    return replace(item, ignored=ignored) if ignored else item
