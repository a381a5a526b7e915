"""Answers to static questions: the same facts as `graphsvc explore` prints."""

from __future__ import annotations

from typing import Any

import strawberry

from graphsvc.api.schema.scalar import prefixed
from graphsvc.decide.exploring import Explored
from graphsvc.explore import combination, path
from graphsvc.explore.estate_view import EstateView
from graphsvc.explore.support import HeldRight
from graphsvc.explore.what_if import Difference

__all__ = [
    "BlastRadius", "Combination", "Combinations", "EdgeInput", "Finding", "Hop", "PackVersion", "Path", "Paths", "Reached",
    "RightHeld", "WhatIf", "stamp",
]  # fmt: skip


@strawberry.type(description="A pack that an answer was computed with.")
class PackVersion:
    """A pack that an answer was computed with."""

    pack: str
    version: str


@strawberry.type(description="An edge of the permission graph, between node keys such as `group:admins`.")
class GraphEdge:
    """An edge of the permission graph."""

    type: str
    from_: str = strawberry.field(name="from")
    to: str


@strawberry.type(description="A right that somebody holds, and why.")
class RightHeld:
    """A right. on: a resource, null anywhere. via: edges from the identity to the permission.

    conditions: what has to be met for it.
    """

    right: str
    on: str | None
    permission: str | None
    via: list[GraphEdge]
    conditions: list[str]

    @staticmethod
    def of(held: HeldRight) -> RightHeld:
        """From the answer."""
        return RightHeld(
            right=held.right,
            on=held.on.partition(":")[2] if held.on is not None else None,
            permission=held.permission,
            via=[GraphEdge(type=kind, from_=start, to=end) for kind, start, end in held.via],
            conditions=list(held.conditions),
        )


@strawberry.type(description="Rights of one identity that together give more than each.")
class Combination:
    """Rights of one identity. gives: `admin`, `assume` or a right; values: of whom. certainty: `yes` or `unknown`."""

    identity: strawberry.ID
    pattern: strawberry.ID
    title: str
    severity: str
    certainty: str
    permissions: list[RightHeld]
    gives: str | None
    values: list[str]

    @staticmethod
    def of(found: combination.Combination) -> Combination:
        """From the answer."""
        return Combination(
            identity=prefixed("identity", found.identity),
            pattern=strawberry.ID(found.pattern),
            title=found.title,
            severity=found.severity,
            certainty=found.certainty,
            permissions=[RightHeld.of(held) for held in found.permissions],
            gives=found.gives,
            values=list(found.values),
        )


@strawberry.type(
    description="One step of a path. how: assume, combination, right, credential, runs as, holds all."
)
class Hop:
    """One step of a path."""

    from_: str = strawberry.field(name="from")
    to: str
    how: str
    pattern: strawberry.ID | None
    rights: list[str]
    conditions: list[str]
    certainty: str


@strawberry.type(description="Hops, each beginning where the one before ends.")
class Path:
    """Hops, each beginning where the one before ends."""

    from_: str = strawberry.field(name="from")
    to: str
    hops: list[Hop]

    @staticmethod
    def of(found: path.Path) -> Path:
        """From the answer."""
        hops = [
            Hop(
                from_=_name(hop.start),
                to=_name(hop.end),
                how=hop.how,
                pattern=None if hop.pattern is None else strawberry.ID(hop.pattern),
                rights=list(hop.rights),
                conditions=list(hop.conditions),
                certainty=hop.certainty,
            )
            for hop in found.hops
        ]
        return Path(from_=_name(found.start), to=_name(found.end), hops=hops)


@strawberry.type(description="What an identity reaches, and in how many hops.")
class Reached:
    """What an identity reaches. how: the last hop's."""

    node: str
    kind: str
    tier: str | None
    hops: int
    how: str
    certainty: str


@strawberry.interface(description="An answer to a static question: at which revision, with which packs.")
class Finding:
    """truncated: a limit or the time ended the search; there may be more."""

    truncated: bool
    revision: str
    packs: list[PackVersion]


@strawberry.type(description="Combinations of rights, the gravest of each identity first.")
class Combinations(Finding):
    """Combinations of rights."""

    combinations: list[Combination]
    complete: bool = strawberry.field(
        description="All there are: the opposite of `truncated`, under the name the command uses."
    )

    @staticmethod
    def of(answer: Explored[list[combination.Combination]]) -> Combinations:
        """From the answer."""
        found = [Combination.of(each) for each in answer.found]
        return Combinations(**stamp(answer), combinations=found, complete=not answer.truncated)


@strawberry.type(description="Paths, the shortest first.")
class Paths(Finding):
    """Paths, the shortest first."""

    paths: list[Path]

    @staticmethod
    def of(answer: Explored[list[path.Path]]) -> Paths:
        """From the answer."""
        return Paths(**stamp(answer), paths=[Path.of(each) for each in answer.found])


@strawberry.type(description="Everything an identity can become or touch, nearest first.")
class BlastRadius(Finding):
    """Everything an identity can become or touch. total: how many, of which `reached` may hold fewer."""

    from_: str = strawberry.field(name="from")
    reached: list[Reached]
    total: int

    @staticmethod
    def of(answer: Explored[tuple[str, path.Reached, EstateView]], limit: int) -> BlastRadius:
        """From the answer."""
        start, found, view = answer.found
        rows = sorted(
            (_reached(view, found.path_to(node)) for node in found.came if node != start),
            key=lambda row: (row.hops, row.node),
        )
        stamped = {**stamp(answer), "truncated": answer.truncated or len(rows) > limit}
        return BlastRadius(**stamped, from_=_name(start), reached=rows[:limit], total=len(rows))


@strawberry.type(description="Combinations of rights that a change would bring and take.")
class WhatIf(Finding):
    """Combinations of rights that a change would bring and take."""

    appears: list[Combination]
    vanishes: list[Combination]

    @staticmethod
    def of(answer: Explored[Difference]) -> WhatIf:
        """From the answer."""
        appears, vanishes = (
            [Combination.of(each) for each in found]
            for found in (answer.found.appears, answer.found.vanishes)
        )
        return WhatIf(**stamp(answer), appears=appears, vanishes=vanishes)


@strawberry.input(
    description='An edge, such as `{type: GRANTED, from: "identity:bot", to: "permission:p1"}`.'
)
class EdgeInput:
    """An edge between node keys."""

    type: str
    from_: str = strawberry.field(name="from")
    to: str


def stamp(answer: Explored[Any]) -> dict[str, Any]:
    """The fields of `Finding`."""
    packs = [PackVersion(pack=pack, version=version) for pack, version in answer.packs.items()]
    return {"truncated": answer.truncated, "revision": answer.revision, "packs": packs}


def _reached(view: EstateView, found: path.Path) -> Reached:
    node = view.estate.node(found.end)
    return Reached(
        node=_name(found.end),
        kind=found.end.partition(":")[0],
        tier=node.tier if node is not None else None,
        hops=len(found.hops),
        how=found.hops[-1].how,
        certainty="unknown" if any(hop.certainty == "unknown" for hop in found.hops) else "yes",
    )


def _name(key: str) -> str:
    return key.removeprefix("identity:")
