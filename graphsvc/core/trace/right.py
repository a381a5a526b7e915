"""What somebody may do for a while, in traces: grants, suspensions and risk signals."""

from __future__ import annotations

from graphsvc.core.duration import format_duration
from graphsvc.core.record import Granted, Reinstated, Revoked, Signalled, Suspended
from graphsvc.core.trace.field import Fields
from graphsvc.core.value import Json, format_time

__all__ = [
    "grant_record", "read_grant", "read_reinstate", "read_revoke", "read_signal", "read_suspend",
    "revoke_record", "signal_record", "suspension_record",
]  # fmt: skip

_TARGETS = ("identity", "chain", "session", "action", "pattern")


def read_grant(fields: Fields, at_ms: int) -> tuple[Granted]:
    """`grant`: from `from`, or at once, to `to`."""
    from_ms = fields.optional_time("from")
    return (
        Granted(
            at_ms=at_ms,
            id=fields.text("id"),
            identity=_identity(fields.text("identity")),
            actions=fields.texts("actions"),
            resources=fields.texts("resources"),
            from_ms=at_ms if from_ms is None else from_ms,
            to_ms=fields.time("to"),
            chain=fields.optional_text("chain"),
            uses=fields.integer("uses", least=1),
            purpose=fields.note("purpose"),
            by=fields.note("caller"),
            session=fields.optional_text("session"),
            asked=fields.note("asked"),
        ),
    )


def grant_record(record: Granted) -> dict[str, Json]:
    """`grant`."""
    return {
        "id": record.id, "identity": record.identity, "actions": list(record.actions),
        "resources": list(record.resources), "from": format_time(record.from_ms),
        "to": format_time(record.to_ms), "chain": record.chain, "uses": record.uses,
        "purpose": record.purpose, "session": record.session, **({"asked": record.asked} if record.asked else {}),
    }  # fmt: skip


def read_revoke(fields: Fields, at_ms: int) -> tuple[Revoked]:
    """`revoke`: a grant ends early."""
    return (
        Revoked(
            at_ms=at_ms, grant=fields.text("grant"), reason=fields.note("reason"), by=fields.note("caller")
        ),
    )


def revoke_record(record: Revoked) -> dict[str, Json]:
    """`revoke`."""
    return {"grant": record.grant, "reason": record.reason}


def read_suspend(fields: Fields, at_ms: int) -> tuple[Suspended]:
    """`suspend`: until `until`, or until it is reinstated."""
    kind, name = _target(fields)
    return (
        Suspended(
            at_ms=at_ms,
            target_kind=kind,
            target=name,
            reason=fields.note("reason"),
            until_ms=fields.optional_time("until"),
            by=fields.note("caller"),
        ),
    )


def read_reinstate(fields: Fields, at_ms: int) -> tuple[Reinstated]:
    """`reinstate`."""
    kind, name = _target(fields)
    return (Reinstated(at_ms=at_ms, target_kind=kind, target=name, by=fields.note("caller")),)


def suspension_record(record: Suspended | Reinstated) -> dict[str, Json]:
    """`suspend` and `reinstate`."""
    written: dict[str, Json] = {"target": {"type": record.target_kind, "id": record.target}}
    if isinstance(record, Suspended):
        written["reason"] = record.reason
        written["until"] = format_time(record.until_ms) if record.until_ms is not None else None
    return written


def read_signal(fields: Fields, at_ms: int) -> tuple[Signalled]:
    """`signal`: a warning from 0 to 1 whose weight halves every `half_life`."""
    return (
        Signalled(
            at_ms=at_ms,
            identity=_identity(fields.text("identity")),
            weight=fields.share("weight"),
            half_life_ms=fields.duration("half_life"),
            cause=fields.note("cause"),
            by=fields.note("caller"),
        ),
    )


def signal_record(record: Signalled) -> dict[str, Json]:
    """`signal`."""
    return {
        "identity": record.identity, "weight": record.weight,
        "half_life": format_duration(record.half_life_ms), "cause": record.cause,
    }  # fmt: skip


def _identity(name: str) -> str:
    return name.removeprefix("identity:") or name


def _target(fields: Fields) -> tuple[str, str]:
    target = fields.part("target")
    kind = target.choice("type", target.optional_text("type") or "identity", _TARGETS)
    name = target.text("id")
    return kind, _identity(name) if kind == "identity" else name
