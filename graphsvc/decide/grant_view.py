"""Situational grants as callers see them, and the signals about an identity."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from graphsvc.core.event import identity_id
from graphsvc.core.grants import Grants
from graphsvc.core.record import Granted
from graphsvc.core.signal import Signal
from graphsvc.core.world import World
from graphsvc.errors import BadInput

__all__ = ["GrantStatus", "GrantView", "grants", "signals"]


class GrantStatus(StrEnum):
    """What a grant is worth now."""

    FUTURE = "FUTURE"
    IN_FORCE = "IN_FORCE"
    USED_UP = "USED_UP"
    EXPIRED = "EXPIRED"
    REVOKED = "REVOKED"


@dataclass(frozen=True, slots=True)
class GrantView:
    """A grant now. used: how many actions were permitted by it. revoked_ms: Unix milliseconds, None: it was not."""

    granted: Granted
    status: GrantStatus
    used: int
    revoked_ms: int | None


def grants(
    world: World,
    now_ms: int,
    *,
    identity: str | None,
    status: GrantStatus | None,
    chain: str | None,
    text: str | None,
    after: str | None,
    limit: int,
) -> list[GrantView]:
    """Grants, newest first, after the one named; BadInput when that is none.

    text: stands in the actions, resources, purpose or in who gave it; case does not count.
    """
    held = world.grants
    if after is not None and after not in held.by_id:
        raise BadInput(f"after: `{after}` is no grant", field="after")
    holder = None if identity is None else identity_id(world.estate, identity)
    found: list[GrantView] = []
    is_due = after is None
    for name, granted in reversed(held.by_id.items()):
        if not is_due:
            is_due = name == after
            continue
        if holder is not None and granted.identity != holder:
            continue
        if chain is not None and granted.chain != chain:
            continue
        if text is not None and not _is_told(granted, text.casefold()):
            continue
        view = GrantView(
            granted, _status(held, granted, now_ms), held.used.get(name, 0), held.revoked.get(name)
        )
        if status in (None, view.status):
            found.append(view)
            if len(found) == limit:
                break
    return found


def signals(world: World, identity: str) -> list[Signal]:
    """Warnings about an identity that still count, oldest first."""
    return world.signals.by_identity.get(identity_id(world.estate, identity), [])


def _is_told(granted: Granted, text: str) -> bool:
    parts = (*granted.actions, *granted.resources, granted.purpose, granted.by)
    return any(text in part.casefold() for part in parts)


def _status(held: Grants, granted: Granted, now_ms: int) -> GrantStatus:
    if granted.id in held.revoked:
        return GrantStatus.REVOKED
    if now_ms >= granted.to_ms:
        return GrantStatus.EXPIRED
    if granted.uses is not None and held.used.get(granted.id, 0) >= granted.uses:
        return GrantStatus.USED_UP
    return GrantStatus.IN_FORCE if now_ms >= granted.from_ms else GrantStatus.FUTURE
