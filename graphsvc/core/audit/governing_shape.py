"""What the audit log holds of records about rules on trial and in draft, reviews by several, emergencies, requests for grants, and findings.

INVARIANT: as in `shape`: a shape never changes once released.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from hashlib import sha256
from typing import get_args

from graphsvc.core.governing import (
    Confirmed,
    DraftClosed,
    Endorsed,
    FindingRegistered,
    FindingReleased,
    GlassBroken,
    Governing,
    GrantAsked,
    GrantSettled,
    PolicyDrafted,
    PolicyShadowed,
    ReviewWithdrawn,
    SignalsLowered,
    TrialEnded,
)
from graphsvc.core.request import Entity
from graphsvc.core.value import Json

__all__ = ["GOVERNING", "entity", "governing", "whole"]

GOVERNING: tuple[type, ...] = get_args(Governing)
_EXACT = 2**53

# By record: its kind, the fields that are told as they are, and those that are told by another name.
_TOLD: Mapping[type, tuple[str, tuple[str, ...], Mapping[str, str]]] = {
    PolicyShadowed: ("policy_shadowed", ("by", "comment", "pack", "sha256", "share_ppm", "version"), {}),
    TrialEnded: ("trial_ended", ("by", "comment", "pack"), {}),
    PolicyDrafted: ("policy_drafted", ("by", "comment", "draft"), {}),
    DraftClosed: ("draft_closed", ("by", "comment", "draft", "published"), {}),
    Endorsed: ("endorsed", ("by", "decision", "person", "reason"), {}),
    ReviewWithdrawn: ("review_withdrawn", ("by", "decision", "reason"), {}),
    FindingRegistered: (
        "finding_registered",
        ("accepted_until", "by", "due", "fingerprint", "identity", "owner", "pattern", "reason"),
        {"entry": "id"},
    ),
    FindingReleased: ("finding_released", ("by", "entry", "reason"), {}),
    GlassBroken: (
        "glass_broken",
        ("by", "chain", "identity", "pack", "reason", "until_ms"),
        {"glass": "id"},
    ),
    Confirmed: ("confirmed", ("by", "decision", "justified", "person", "reason"), {}),
    GrantAsked: (
        "grant_asked",
        (
            "actions", "by", "chain", "identity", "lasts_ms", "on_behalf_of", "purpose", "resources", "session", "uses",
        ),
        {"request": "id"},
    ),
    GrantSettled: ("grant_settled", ("by", "grant", "outcome", "reason", "request"), {}),
    SignalsLowered: ("signals_lowered", ("before_ms", "by", "cause", "identity", "sender"), {}),
}  # fmt: skip


def whole(number: int | None) -> Json:
    """A number that every JSON reader keeps exactly; one beyond becomes text."""
    if number is None or -_EXACT < number < _EXACT:
        return number
    return str(number)


def entity(named: Entity) -> Json:
    """Somebody or something by type and id."""
    return {"id": named.id, "type": named.type}


def governing(record: Governing) -> dict[str, Json]:
    """What is said of rules, reviews and emergencies; texts of packs by their hash."""
    kind, fields, renamed = _TOLD[type(record)]
    told: dict[str, Json] = {"kind": kind}
    told |= {field: _plain(getattr(record, field)) for field in fields}
    told |= {name: _plain(getattr(record, field)) for name, field in renamed.items()}
    if isinstance(record, PolicyDrafted):
        told["sha256"] = [
            sha256(text.encode("utf-8", "surrogatepass")).hexdigest() for text, _, _ in record.packs
        ]
    return told


def _plain(value: str | bool | int | date | Entity | tuple[str, ...] | None) -> Json:
    match value:
        case Entity():
            return entity(value)
        case date():
            return value.isoformat()
        case tuple():
            return list(value)
        case None | bool() | str():
            return value
        case _:
            return whole(value)
