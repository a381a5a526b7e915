"""A chain of actions as history shows it."""

from __future__ import annotations

import strawberry

from graphsvc.api.context import Info
from graphsvc.api.role import guarded
from graphsvc.api.schema.node import Node
from graphsvc.api.schema.scalar import DateTime, prefixed
from graphsvc.api.schema.verdict import NearHarm
from graphsvc.decide.ports import ChainRow

__all__ = ["Chain"]


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
