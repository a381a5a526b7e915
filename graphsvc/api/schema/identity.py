"""An identity as the graph holds it now."""

from __future__ import annotations

import strawberry

from graphsvc.api.role import guarded
from graphsvc.api.schema.grant import Grant
from graphsvc.api.schema.node import Node
from graphsvc.api.schema.scalar import JSON, as_json, prefixed
from graphsvc.core.score import as_score
from graphsvc.decide.command import IdentityView

__all__ = ["Identity"]


@strawberry.type(description="A person, service, agent or workload.")
class Identity(Node):
    """A person, service, agent or workload. permissions: how many it holds, groups and roles included."""

    kind: str
    name: str | None
    status: str
    groups: list[str]
    acts_for: list[strawberry.ID]
    permissions: int
    risk: float
    risk_micros: int
    view: strawberry.Private[IdentityView]

    @guarded("Situational grants in force.")
    def grants(self) -> list[Grant]:
        """Situational grants in force."""
        return [Grant.of(grant) for grant in self.view.grants]

    @guarded("What its sources say besides.")
    def properties(self) -> JSON:
        """What its sources say besides."""
        return as_json(self.view.properties)

    @staticmethod
    def of(view: IdentityView) -> Identity:
        """From the use case's view."""
        return Identity(
            id=prefixed("identity", view.id),
            kind=view.kind,
            name=view.name,
            status=view.status,
            groups=list(view.groups),
            acts_for=[prefixed("identity", other) for other in view.acts_for],
            permissions=view.permissions,
            risk=as_score(view.risk_micros),
            risk_micros=view.risk_micros,
            view=view,
        )
