"""What a completed path hung on, by the graph as it was when its steps were decided."""

from __future__ import annotations

import strawberry

from graphsvc.api.schema.exploration import GraphEdge
from graphsvc.api.schema.scalar import prefixed
from graphsvc.explore import counterfactual as core

__all__ = ["Counterfactual", "StepDependence"]


@strawberry.type(
    description="What one party's right to one step hung on, or that an identity held is near a tier."
)
class StepDependence:
    """What one party's right to one step hung on. single: each alone; cut: the fewest together."""

    step: str
    decision: strawberry.ID
    action: str
    party: strawberry.ID
    single: list[GraphEdge]
    cut: list[GraphEdge]
    grant: strawberry.ID | None

    @staticmethod
    def of(step: core.StepRight) -> StepDependence:
        """From the core's value."""
        return StepDependence(
            step=step.step,
            decision=prefixed("decision", step.action),
            action=step.action_name,
            party=prefixed("identity", step.party),
            single=[_edge(edge) for edge in step.single],
            cut=[_edge(edge) for edge in step.cut],
            grant=None if step.grant is None else prefixed("grant", step.grant),
        )


@strawberry.type(description="Without any one of `single` or `grants` the path would not have existed.")
class Counterfactual:
    """For one completion. repair: the fewest edges whose removal breaks a step or the combination; earlier: actions without which it was not complete."""

    pattern: strawberry.ID
    single: list[GraphEdge]
    grants: list[strawberry.ID]
    repair: list[GraphEdge]
    earlier: list[strawberry.ID]
    steps: list[StepDependence]

    @staticmethod
    def of(found: core.Counterfactual) -> Counterfactual:
        """From the core's value."""
        return Counterfactual(
            pattern=strawberry.ID(found.pattern),
            single=[_edge(edge) for edge in found.single],
            grants=[prefixed("grant", grant) for grant in found.grants],
            repair=[_edge(edge) for edge in found.repair],
            earlier=[prefixed("decision", action) for action in found.earlier],
            steps=[StepDependence.of(step) for step in found.steps],
        )


def _edge(edge: core.EdgeTriple) -> GraphEdge:
    kind, start, end = edge
    return GraphEdge(type=kind, from_=start, to=end)
