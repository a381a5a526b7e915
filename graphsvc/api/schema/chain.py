"""A chain of actions as history shows it."""

from __future__ import annotations

import strawberry

from graphsvc.api.context import Info
from graphsvc.api.role import guarded
from graphsvc.api.schema.node import Node
from graphsvc.api.schema.scalar import JSON, DateTime, as_json, prefixed
from graphsvc.api.schema.verdict import NearHarm
from graphsvc.decide.ports import ChainRow

__all__ = ["Chain", "IntentDrift"]


@strawberry.type(description="How far a chain has strayed from its declared intent.")
class IntentDrift:
    """How far a chain has strayed. outside: actions beyond its intent or one above it; newest: the last of them."""

    intent: JSON | None
    actions: int
    outside: int
    share: float
    newest: strawberry.ID | None


@strawberry.type(description="A task in flight or ended: actions in the order in which they were judged.")
class Chain(Node):
    """A task in flight or ended. length: actions judged so far."""

    session: strawberry.ID
    parent: strawberry.ID | None
    status: str
    owner: str
    opened_at: DateTime
    length: int

    @guarded("The patterns that are furthest under way for it: the nearest harm.")
    def nearest(self, info: Info) -> list[NearHarm]:
        """The patterns that are furthest under way for it."""
        chain = str(self.id).removeprefix("chain:")
        return [NearHarm.of(each) for each in info.context.service.nearest(chain)]

    @guarded(
        "Grants by which its actions were permitted, as far as these are in memory, and that have been revoked since."
    )
    def revoked_grants(self, info: Info) -> list[strawberry.ID]:
        """Grants that it relied on and that are gone."""
        found = info.context.service.revoked_under(str(self.id).removeprefix("chain:"))
        return [prefixed("grant", grant) for grant in found]

    @guarded("How far it has strayed from what it was declared to be for, by the decisions in memory.")
    def drift(self, info: Info) -> IntentDrift | None:
        """How far it has strayed."""
        found = info.context.service.drift(str(self.id).removeprefix("chain:"))
        if found is None:
            return None
        return IntentDrift(
            intent=None if found.intent is None else as_json(found.intent),
            actions=found.actions,
            outside=found.outside,
            share=round(found.share, 6),
            newest=None if found.newest is None else prefixed("decision", found.newest),
        )

    @staticmethod
    def of(row: ChainRow) -> Chain:
        """From a drawn chain."""
        return Chain(
            id=prefixed("chain", row.id),
            session=prefixed("session", row.session),
            parent=None if row.parent is None else prefixed("chain", row.parent),
            status=row.status,
            owner=row.owner,
            opened_at=DateTime(row.opened_ms),
            length=row.length,
        )
