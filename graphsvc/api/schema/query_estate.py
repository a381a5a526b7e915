"""What there is, who may do what, and where risk stands."""

from __future__ import annotations

import msgspec
import strawberry

from graphsvc.api.context import Context, Info
from graphsvc.api.role import guarded
from graphsvc.api.schema.estate import RecordPage, Resource, ResourceFilter, Rights, RiskSummary
from graphsvc.api.schema.node import Connection, Edge, page_size
from graphsvc.api.schema.paging import listed, window
from graphsvc.api.schema.revision import revision_seq
from graphsvc.api.schema.scalar import as_json, raw_id
from graphsvc.core.graph import Edge as GraphEdge
from graphsvc.core.graph import Node as GraphNode
from graphsvc.core.graph import to_record
from graphsvc.errors import BadInput

__all__ = ["EstateQuery", "one_resource"]

_MOST_RECORDS = 5_000
_HOUR_MS = 3_600_000
_MOST_HOURS = 24 * 366


@strawberry.type
class EstateQuery:
    """What there is, who may do what, and where risk stands."""

    @guarded("One resource, by `type:id`.")
    def resource(self, info: Info, id: strawberry.ID) -> Resource | None:  # noqa: A002  # Relay's name
        """One resource."""
        return one_resource(info.context, id)

    @guarded("Resources by type and id.")
    def resources(
        self, info: Info, first: int | None = None, after: str | None = None,
        last: int | None = None, before: str | None = None,
        filter: ResourceFilter | None = None,  # noqa: A002  # the contract's name
    ) -> Connection[Resource]:  # fmt: skip
        """Resources by type and id."""
        overview, wanted = info.context.service.overview, filter or ResourceFilter()
        asked = window(first, after, last, before)
        page, more = listed(
            asked,
            lambda behind, limit: overview.resources(
                kind=wanted.type, tier=wanted.tier, label=wanted.label, after=behind, limit=limit
            ),
            lambda key: key,
            lambda given, _: given,
        )
        views = [view for view in map(overview.resource, page) if view is not None]
        edges = [Edge(cursor=f"resource:{view.type}:{view.id}", node=Resource.of(view)) for view in views]
        return asked.connection(edges, more=more)

    @guarded(
        "What an identity may do by its permissions; with an action and a resource also whether that is allowed."
        " asOf: a revision; by the graph as it was then."
    )
    async def rights(
        self, info: Info, identity: strawberry.ID, action: str | None = None, resource: strawberry.ID | None = None,
        first: int | None = None, after: str | None = None, as_of: str | None = None,
    ) -> Rights | None:  # fmt: skip
        """What an identity may do."""
        service, name = info.context.service, raw_id("identity", identity, "identity")
        on, size = None if resource is None else _resource(resource, "resource"), page_size(first)
        if as_of is None:
            view = service.overview.rights(name, action=action, resource=on, after=after, limit=size)
        else:
            seq = revision_seq(service, as_of)
            view = await service.hindsight.rights(
                name, seq, action=action, resource=on, after=after, limit=size
            )
        return None if view is None else Rights.of(view)

    @guarded("Where risk stands now; hours: of which decisions are counted.")
    async def risk_summary(self, info: Info, first: int | None = None, hours: int = 24) -> RiskSummary:
        """Where risk stands now."""
        if not 1 <= hours <= _MOST_HOURS:
            raise BadInput(f"hours: `{hours}` is not between 1 and {_MOST_HOURS}", field="hours")
        return RiskSummary.of(
            await info.context.service.overview.risk(limit=page_size(first), window_ms=hours * _HOUR_MS)
        )

    @guarded("The whole permission graph, page by page, as `graphsvc export jsonl` writes it.")
    async def graph_records(
        self, info: Info, first: int = _MOST_RECORDS, after: str | None = None
    ) -> RecordPage:
        """The whole permission graph."""
        picture = await info.context.service.explorer.picture()
        size = _size(first)
        begin = _place(after, picture.revision) if after is not None else 0
        nodes = picture.nodes[begin : begin + size]
        place = max(0, begin - len(picture.nodes))
        edges = picture.edges[place : place + size - len(nodes)]
        page: list[GraphNode | GraphEdge] = [*nodes, *edges]
        end = begin + len(page)
        last = end >= len(picture.nodes) + len(picture.edges)
        return RecordPage(
            records=[as_json(to_record(each)) for each in page],
            end_cursor=None if last else f"{picture.revision}/{end}",
            revision=picture.revision,
        )

    @guarded("The whole log, page by page, oldest first: every record with its number.")
    async def log_records(self, info: Info, first: int = 1_000, after: str | None = None) -> RecordPage:
        """The whole log."""
        service, size = info.context.service, _size(first)
        begin = 0
        if after is not None:
            seq = service.cursor_seq(after)
            if seq is None:
                raise BadInput(f"after: `{after}` is not a cursor of this store", field="after")
            begin = seq
        events = await service.records(after=begin, limit=size)
        if events:
            await service.note_audit_read(info.context.caller, "records", events[0].seq, events[-1].seq)
        revision = service.revision()
        incarnation = revision.rpartition(".")[0]
        return RecordPage(
            records=[
                as_json({"seq": event.seq, "record": msgspec.to_builtins(event.record)}) for event in events
            ],
            end_cursor=f"{incarnation}.{events[-1].seq}" if len(events) == size else None,
            revision=revision,
        )


def _size(first: int) -> int:
    if not 1 <= first <= _MOST_RECORDS:
        raise BadInput(f"first: `{first}` is not between 1 and {_MOST_RECORDS}", field="first")
    return first


def _place(after: str, revision: str) -> int:
    of, _, place = after.rpartition("/")
    if of != revision or not place.isdigit():
        raise BadInput("after: the graph has changed since that page; begin again without it", field="after")
    return int(place)


def one_resource(context: Context, given: str) -> Resource | None:
    """A resource by its id, if it is known."""
    view = context.service.overview.resource(_resource(given, "id"))
    return None if view is None else Resource.of(view)


def _resource(given: str, field: str) -> str:
    kind, colon, name = given.removeprefix("resource:").partition(":")
    if not (kind and colon and name):
        raise BadInput(f"{field}: `{given}` is no resource; write it as `type:id`", field=field)
    return f"resource:{kind}:{name}"
