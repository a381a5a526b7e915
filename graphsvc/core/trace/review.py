"""Human reviews in traces: approvals and rejections of escalated actions (rule R12)."""

from __future__ import annotations

from graphsvc.core.record import Approved, Rejected
from graphsvc.core.trace.field import Fields, entity_record
from graphsvc.core.value import Json, format_time

__all__ = ["read_approve", "read_reject", "review_record"]

_PERSON = "human"


def read_approve(fields: Fields, at_ms: int) -> tuple[Approved]:
    """`approve`: `by` is the person, `caller` the token subject that passed it on."""
    return (
        Approved(
            at_ms=at_ms,
            decision=fields.text("decision"),
            person=fields.entity("by", _PERSON),
            reason=fields.note("reason"),
            by=fields.note("caller"),
            until_ms=fields.optional_time("until"),
            narrowed=fields.optional_mapping("narrowed"),
        ),
    )


def read_reject(fields: Fields, at_ms: int) -> tuple[Rejected]:
    """`reject`, with the same fields."""
    return (
        Rejected(
            at_ms=at_ms,
            decision=fields.text("decision"),
            person=fields.entity("by", _PERSON),
            reason=fields.note("reason"),
            by=fields.note("caller"),
        ),
    )


def review_record(record: Approved | Rejected) -> dict[str, Json]:
    """`approve` and `reject`."""
    written: dict[str, Json] = {
        "decision": record.decision,
        "by": entity_record(record.person),
        "reason": record.reason,
    }
    if isinstance(record, Approved) and record.until_ms is not None:
        written["until"] = format_time(record.until_ms)
    if isinstance(record, Approved) and record.narrowed is not None:
        written["narrowed"] = record.narrowed
    return written
