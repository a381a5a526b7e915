"""A chain of actions as history shows it."""

from __future__ import annotations

import strawberry

from graphsvc.api.schema.node import Node
from graphsvc.api.schema.scalar import DateTime, prefixed
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
