"""Rights that nobody used, and how far those that were used could be narrowed: least privilege from history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from graphsvc.core.estate import NESTED
from graphsvc.core.glob import is_literal
from graphsvc.explore.estate_view import EstateView

__all__ = ["UnusedRight", "Use", "unused_rights"]


@dataclass(frozen=True, slots=True)
class Use:
    """That an identity did something, last at a time (Unix milliseconds). identity, resource: node keys."""

    identity: str
    action: str
    resource: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class UnusedRight:
    """One grant. used: the actions that were done by it, sorted; empty when none was. members: how many hold it so.

    narrower: it is a wildcard, and these actions would have been enough.
    """

    holder: str
    permission: str
    actions: tuple[str, ...]
    used: tuple[str, ...]
    last_ms: int | None
    members: int

    @property
    def narrower(self) -> bool:
        """True when fewer actions than it names were used, and some were."""
        return bool(self.used)


def unused_rights(view: EstateView, uses: Iterable[Use]) -> list[UnusedRight]:
    """Grants of nothing that was done, and wildcards of which only some actions were; denials are left out.

    A use counts for every grant that would have allowed it: without any one of these it would still have been allowed,
    so what is listed can go without anybody missing it, as far as history tells.
    """
    by_permission: dict[str, dict[str, int]] = {}
    for use in uses:
        places = view.estate.places(use.resource)
        for permission in view.rights.permissions(use.identity):
            if not permission.deny and permission.speaks_of(use.action) and permission.covers(places):
                known = by_permission.setdefault(permission.key, {})
                known[use.action] = max(known.get(use.action, 0), use.at_ms)
    found = []
    for key in (node.key for node in view.estate.nodes() if node.kind == "permission"):
        holders = view.estate.into("GRANTED", key)
        if not holders:
            continue
        node = view.estate.node(key)
        if node is None or node.fields.get("effect") == "deny":
            continue
        listed = node.fields.get("actions")
        actions = tuple(map(str, listed)) if isinstance(listed, list) else ()
        used = by_permission.get(key, {})
        if used and not _is_wide(actions, used):
            continue
        last = max(used.values(), default=None)
        for holder in sorted(holders):
            members = _members(view, holder)
            found.append(UnusedRight(holder, key, actions, tuple(sorted(used)), last, members))
    return sorted(found, key=lambda each: (bool(each.used), -each.members, each.holder, each.permission))


def _members(view: EstateView, holder: str) -> int:
    """How many identities hold what the holder holds."""
    seen = {holder: None}
    for node in (queue := [holder]):
        for kind in NESTED:
            for member in view.estate.into(kind, node):
                if member not in seen:
                    seen[member] = None
                    queue.append(member)
    return sum(each.startswith("identity:") for each in seen)


def _is_wide(actions: tuple[str, ...], used: Mapping[str, int]) -> bool:
    """True for wildcards, and for lists of which some were never done."""
    return any(not is_literal(action) for action in actions) or len(actions) > len(used)
