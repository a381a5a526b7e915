"""What the audit log holds of records about rules on trial and in draft, reviews by several, emergencies, requests for grants, and findings.

INVARIANT: as in `shape`: a shape never changes once released.
"""

from __future__ import annotations

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
    match record:
        case PolicyShadowed():
            return {
                "kind": "policy_shadowed",
                "by": record.by,
                "comment": record.comment,
                "pack": record.pack,
                "sha256": record.sha256,
                "share_ppm": whole(record.share_ppm),
                "version": record.version,
            }
        case TrialEnded():
            return {"kind": "trial_ended", "by": record.by, "comment": record.comment, "pack": record.pack}
        case PolicyDrafted():
            hashes: list[Json] = [
                sha256(text.encode("utf-8", "surrogatepass")).hexdigest() for text, _, _ in record.packs
            ]
            return {
                "kind": "policy_drafted",
                "by": record.by,
                "comment": record.comment,
                "draft": record.draft,
                "sha256": hashes,
            }
        case DraftClosed():
            return {
                "kind": "draft_closed",
                "by": record.by,
                "comment": record.comment,
                "draft": record.draft,
                "published": record.published,
            }
        case Endorsed():
            return {
                "kind": "endorsed",
                "by": record.by,
                "decision": record.decision,
                "person": entity(record.person),
                "reason": record.reason,
            }
        case ReviewWithdrawn():
            return {
                "kind": "review_withdrawn",
                "by": record.by,
                "decision": record.decision,
                "reason": record.reason,
            }
        case GlassBroken():
            return {
                "kind": "glass_broken",
                "by": record.by,
                "chain": record.chain,
                "glass": record.id,
                "identity": record.identity,
                "pack": record.pack,
                "reason": record.reason,
                "until_ms": whole(record.until_ms),
            }
        case GrantAsked():
            return {
                "kind": "grant_asked",
                "actions": list(record.actions),
                "by": record.by,
                "chain": record.chain,
                "identity": record.identity,
                "lasts_ms": whole(record.lasts_ms),
                "on_behalf_of": list(record.on_behalf_of),
                "purpose": record.purpose,
                "request": record.id,
                "resources": list(record.resources),
                "session": record.session,
                "uses": whole(record.uses),
            }
        case GrantSettled():
            return {
                "kind": "grant_settled",
                "by": record.by,
                "grant": record.grant,
                "outcome": record.outcome,
                "reason": record.reason,
                "request": record.request,
            }
        case SignalsLowered():
            return {
                "kind": "signals_lowered",
                "before_ms": whole(record.before_ms),
                "by": record.by,
                "cause": record.cause,
                "identity": record.identity,
                "sender": record.sender,
            }
        case FindingRegistered():
            return {
                "kind": "finding_registered",
                "accepted_until": _day(record.accepted_until),
                "by": record.by,
                "due": _day(record.due),
                "entry": record.id,
                "fingerprint": record.fingerprint,
                "identity": record.identity,
                "owner": record.owner,
                "pattern": record.pattern,
                "reason": record.reason,
            }
        case FindingReleased():
            return {
                "kind": "finding_released",
                "by": record.by,
                "entry": record.entry,
                "reason": record.reason,
            }
        case Confirmed():
            return {
                "kind": "confirmed",
                "by": record.by,
                "decision": record.decision,
                "justified": record.justified,
                "person": entity(record.person),
                "reason": record.reason,
            }


def _day(day: date | None) -> Json:
    return None if day is None else day.isoformat()
