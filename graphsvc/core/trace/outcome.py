"""What became of a permitted action: reports and cancels in traces."""

from __future__ import annotations

from graphsvc.core.record import Cancelled, Reported
from graphsvc.core.trace.field import Fields
from graphsvc.core.value import Json

__all__ = ["cancel_record", "read_cancel", "read_report", "report_record"]

_OUTCOMES = ("success", "failure", "unknown")


def read_report(fields: Fields, at_ms: int) -> tuple[Reported]:
    """`report`: the outcome is unknown where it is left out."""
    outcome = (fields.optional_text("outcome") or "unknown").lower()
    return (
        Reported(
            at_ms=at_ms,
            action=fields.text("action"),
            outcome=fields.choice("outcome", outcome, _OUTCOMES).upper(),
            labels=fields.texts("labels"),
            tokens=fields.texts("tokens"),
            by=fields.note("caller"),
        ),
    )


def report_record(record: Reported) -> dict[str, Json]:
    """`report`."""
    return {
        "action": record.action, "outcome": record.outcome.lower(), "labels": list(record.labels),
        "tokens": list(record.tokens),
    }  # fmt: skip


def read_cancel(fields: Fields, at_ms: int) -> tuple[Cancelled]:
    """`cancel`."""
    return (Cancelled(at_ms=at_ms, action=fields.text("action"), by=fields.note("caller")),)


def cancel_record(record: Cancelled) -> dict[str, Json]:
    """`cancel`."""
    return {"action": record.action}
