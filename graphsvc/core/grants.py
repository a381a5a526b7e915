"""Situational grants and suspensions: what holds for a while, and how often it was used."""

from __future__ import annotations

from graphsvc.core.halt import Halts
from graphsvc.core.record import Granted, Suspended

__all__ = ["Grants"]


class Grants:
    """Situational grants and suspensions in force; changed only by folding records."""

    def __init__(self) -> None:
        self.by_id: dict[str, Granted] = {}
        self.revoked: dict[str, int] = {}
        self.suspended: dict[str, int | None] = {}  # identities
        self.halts = Halts()
        self.told: dict[
            tuple[str, str], Suspended
        ] = {}  # suspensions by kind and name, in the order of the log
        self.used: dict[str, int] = {}
        self._of: dict[str, list[Granted]] = {}

    def add(self, grant: Granted) -> None:
        """A grant begins to count."""
        self.by_id[grant.id] = grant
        self._of.setdefault(grant.identity, []).append(grant)

    def revoke(self, grant_id: str, at_ms: int) -> None:
        """A grant counts no more; unknown ids are no error."""
        grant = self.by_id.get(grant_id)
        if grant is not None and grant_id not in self.revoked:
            self.revoked[grant_id] = at_ms
            self._of[grant.identity] = [other for other in self._of[grant.identity] if other.id != grant_id]

    def use(self, grant_ids: tuple[str, ...]) -> None:
        """An action was permitted by these grants; a later cancellation gives no use back."""
        for grant_id in grant_ids:
            self.used[grant_id] = self.used.get(grant_id, 0) + 1

    def of(self, identity: str) -> list[Granted]:
        """Grants of an identity that are not revoked, past and future ones too."""
        return self._of.get(identity, [])

    def running(self, identity: str, at_ms: int) -> list[Granted]:
        """Grants of an identity that are in force."""
        held = self._of.get(identity)
        return [grant for grant in held if grant.from_ms <= at_ms < grant.to_ms] if held else []

    def suspend(self, record: Suspended) -> None:
        """An identity, or what `halts` knows, may do nothing until a time; None: until it is reinstated."""
        kind, name = record.target_kind, record.target
        self.told.pop((kind, name), None)
        self.told[kind, name] = record
        if kind == "identity":
            self.suspended[name] = record.until_ms
        else:
            self.halts.add(kind, name, record.until_ms)

    def reinstate(self, kind: str, name: str) -> None:
        """A suspension ends."""
        self.told.pop((kind, name), None)
        if kind == "identity":
            self.suspended.pop(name, None)
        else:
            self.halts.remove(kind, name)

    def is_suspended(self, identity: str, at_ms: int) -> bool:
        """True while a suspension lasts."""
        if identity not in self.suspended:
            return False
        until_ms = self.suspended[identity]
        return until_ms is None or at_ms < until_ms
