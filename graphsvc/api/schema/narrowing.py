"""Choke points and cuts: where ways to something are narrow, and what closes them all."""

from __future__ import annotations

import strawberry

from graphsvc.api.schema.exploration import Finding, Path, stamp
from graphsvc.api.schema.scalar import prefixed
from graphsvc.decide.exploring import Explored
from graphsvc.explore import choke, cut

__all__ = ["ChokePoint", "ChokePoints", "Cut", "CutEdge"]


@strawberry.type(
    description="A node, or a hop with from, to and how, that every way of some identities goes through."
)
class ChokePoint:
    """A node or a hop. cutsOff: identities that have no way around it; suchAs: some of them."""

    node: str | None
    from_: str | None = strawberry.field(name="from")
    to: str | None
    how: str | None
    cuts_off: int
    such_as: list[strawberry.ID]

    @staticmethod
    def of(point: choke.ChokePoint) -> ChokePoint:
        """From the answer."""
        return ChokePoint(
            node=point.node,
            from_=point.start,
            to=point.end,
            how=point.how,
            cuts_off=point.cuts_off,
            such_as=[prefixed("identity", each) for each in point.such_as],
        )


@strawberry.type(description="Choke points, those that cut off most first.")
class ChokePoints(Finding):
    """Choke points. sources: how many identities have a way at all."""

    choke_points: list[ChokePoint]
    sources: int

    @staticmethod
    def of(answer: Explored[choke.ChokePoints]) -> ChokePoints:
        """From the answer."""
        points = [ChokePoint.of(each) for each in answer.found.points]
        return ChokePoints(**stamp(answer), choke_points=points, sources=answer.found.sources)


@strawberry.type(description="An edge to remove; ways: how many of those that were looked at go over it.")
class CutEdge:
    """An edge to remove."""

    type: str
    from_: str = strawberry.field(name="from")
    to: str
    ways: int


@strawberry.type(description="The smallest set of grants whose removal leaves no way.")
class Cut(Finding):
    """edges: null when there is none: `uncut` is a way of which nothing may be removed, or the time ran out.

    lowerBound: no cut has fewer; proven: this one has no more. sources: identities with a way.
    """

    edges: list[CutEdge] | None
    lower_bound: int
    proven: bool
    sources: int
    uncut: Path | None

    @staticmethod
    def of(answer: Explored[cut.Cut]) -> Cut:
        """From the answer."""
        found = answer.found
        edges = None
        if found.removed is not None and not found.truncated:
            edges = [
                CutEdge(type=kind, from_=start, to=end, ways=found.severed.get((kind, start, end), 0))
                for kind, start, end in found.removed
            ]
        return Cut(
            **stamp(answer),
            edges=edges,
            lower_bound=found.at_least,
            proven=found.proven,
            sources=found.sources,
            uncut=None if found.uncut is None else Path.of(found.uncut),
        )
