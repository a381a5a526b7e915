"""Static questions of the graph: what could go wrong at all."""

from __future__ import annotations

from typing import Annotated

import strawberry

from graphsvc.api.context import Info
from graphsvc.api.role import guarded
from graphsvc.api.schema.exploration import BlastRadius, Combinations, EdgeInput, Paths, WhatIf
from graphsvc.api.schema.narrowing import ChokePoints, Cut
from graphsvc.api.schema.node import Edge
from graphsvc.api.schema.paging import listed, window
from graphsvc.api.schema.risk import FindingEntryInput, FindingFilter, RiskFinding, RiskFindings, entries
from graphsvc.core.graph import Edge as GraphEdge
from graphsvc.core.graph import edge_from_record
from graphsvc.core.verdict import SEVERITIES
from graphsvc.errors import BadInput
from graphsvc.explore import finding

__all__ = ["ExploreQuery"]

PathStart = Annotated[strawberry.ID, strawberry.argument(name="from")]
OnlyFrom = Annotated[strawberry.ID | None, strawberry.argument(name="from")]
_MOST_HOPS = 64
_MOST_ROWS = 10_000
_MOST_EDGES = 1_000


@strawberry.type
class ExploreQuery:
    """Static questions; answered by the packs in force and the shipped ones about rights."""

    @guarded(
        "Rights that identities hold and that together give more than each; minSeverity: low to critical."
    )
    async def combinations(
        self, info: Info, identity: strawberry.ID | None = None, pattern: strawberry.ID | None = None,
        min_severity: str = "low", limit: int = 1_000,
    ) -> Combinations:  # fmt: skip
        """Rights that together give more than each."""
        if min_severity not in SEVERITIES:
            raise BadInput(
                f"minSeverity: `{min_severity}` is none of {', '.join(SEVERITIES)}", field="minSeverity"
            )
        return Combinations.of(
            await info.context.service.explorer.combinations(
                identity=identity, pattern=pattern, min_severity=min_severity, limit=_within(limit, "limit")
            )
        )

    @guarded(
        "Combinations grouped and ranked, with who answers for each as the register says; register: entries that count before it."
    )
    async def findings(
        self, info: Info, first: int | None = None, after: str | None = None,
        last: int | None = None, before: str | None = None,
        filter: FindingFilter | None = None,  # noqa: A002  # as everywhere
        register: list[FindingEntryInput] | None = None,
    ) -> RiskFindings:  # fmt: skip
        """Findings, the gravest first."""
        asked, agreed = window(first, after, last, before), entries(register)
        service = info.context.service
        answer = await service.explorer.findings(agreed, service.finding_register.today())
        wanted = [each for each in answer.found if filter is None or filter.takes(each)]
        names = [_cursor(each) for each in wanted]

        def known(given: str, field: str) -> str:
            if given not in names:
                raise BadInput(f"{field}: `{given}` is no finding of this list (any more)", field=field)
            return given

        def read(behind: str | None, limit: int) -> list[finding.Finding]:
            begin = 0 if behind is None else names.index(behind) + 1
            return wanted[begin : begin + limit]

        page, more = listed(asked, read, _cursor, known)
        edges = [Edge(cursor=_cursor(each), node=RiskFinding.of(each)) for each in page]
        return RiskFindings.of(answer, edges, asked.connection(edges, more=more).page_info, len(wanted))

    @guarded("Who an identity can become and what it can touch; to: an id, `tier:NAME` or `admin`.")
    async def paths(
        self, info: Info, from_: PathStart, to: str | None = None, max_hops: int = 16, limit: int = 100
    ) -> Paths:
        """The shortest way to each wanted node."""
        hops = _within(max_hops, "maxHops", _MOST_HOPS)
        return Paths.of(
            await info.context.service.explorer.paths(from_, to, max_hops=hops, limit=_within(limit, "limit"))
        )

    @guarded("Everything an identity can become or touch, with the number of hops.")
    async def blast_radius(
        self, info: Info, from_: PathStart, max_hops: int = 16, limit: int = 1_000
    ) -> BlastRadius:
        """Everything an identity can become or touch."""
        hops, most = _within(max_hops, "maxHops", _MOST_HOPS), _within(limit, "limit")
        return BlastRadius.of(await info.context.service.explorer.blast_radius(from_, max_hops=hops), most)

    @guarded("Which combinations of rights would appear, and which would vanish; nothing is changed.")
    async def what_if(
        self, info: Info, add: list[EdgeInput] | None = None, remove: list[EdgeInput] | None = None
    ) -> WhatIf:
        """What a change of the graph would bring."""
        more, fewer = _edges(add, "add"), _edges(remove, "remove")
        if not more and not fewer:
            raise BadInput("add: name an edge to add or to remove", field="add")
        return WhatIf.of(await info.context.service.explorer.what_if(more, fewer))

    @guarded("Nodes and hops that every way of many identities to something goes through.")
    async def choke_points(
        self, info: Info, to: str = "admin", from_: OnlyFrom = None, limit: int = 50
    ) -> ChokePoints:
        """What every way goes through."""
        most = _within(limit, "limit")
        return ChokePoints.of(await info.context.service.explorer.choke_points(to, start=from_, limit=most))

    @guarded("The smallest set of grants whose removal leaves no way to something; nothing is changed.")
    async def cut(
        self, info: Info, to: str = "admin", from_: OnlyFrom = None, pin: list[EdgeInput] | None = None
    ) -> Cut:
        """The smallest set of grants whose removal leaves no way."""
        return Cut.of(await info.context.service.explorer.cut(to, start=from_, pinned=_edges(pin, "pin")))


def _cursor(found: finding.Finding) -> str:
    # One rule held one way is two findings where one identity of it is accepted and another is not.
    return f"{found.fingerprint}:{found.identities[0]}"


def _edges(given: list[EdgeInput] | None, field: str) -> list[GraphEdge]:
    if given is not None and len(given) > _MOST_EDGES:
        raise BadInput(f"{field}: at most {_MOST_EDGES} edges", field=field)
    return [
        edge_from_record({"type": each.type, "from": each.from_, "to": each.to}, place=f"{field}.{place}")
        for place, each in enumerate(given or ())
    ]


def _within(value: int, field: str, most: int = _MOST_ROWS) -> int:
    if not 1 <= value <= most:
        raise BadInput(f"{field}: `{value}` is not between 1 and {most}", field=field)
    return value
