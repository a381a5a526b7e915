"""What can be read of what people decide and are warned of: reviews, grants, signals."""

from __future__ import annotations

import strawberry

from graphsvc.api.context import Info
from graphsvc.api.role import guarded
from graphsvc.api.schema.cursor import cursor_of, seq_of
from graphsvc.api.schema.grant import GrantFilter, GrantState, Signal
from graphsvc.api.schema.node import Connection, Edge
from graphsvc.api.schema.paging import listed, window
from graphsvc.api.schema.review import Review, ReviewFilter
from graphsvc.api.schema.scalar import prefixed, raw_id
from graphsvc.decide.grant_view import GrantView
from graphsvc.decide.review_view import ReviewView

__all__ = ["ReviewsQuery"]


@strawberry.type
class ReviewsQuery:
    """What can be read of what people decide and are warned of."""

    @guarded("One review.")
    def review(self, info: Info, id: strawberry.ID) -> Review | None:  # noqa: A002
        """One review."""
        view = info.context.service.review(raw_id("review", id, "id"))
        mine = view is not None and (info.context.reads_all or view.owner == info.context.caller.subject)
        return Review.of(view) if view is not None and mine else None

    @guarded("Reviews, newest first.")
    def reviews(
        self, info: Info, first: int | None = None, after: str | None = None,
        last: int | None = None, before: str | None = None,
        filter: ReviewFilter | None = None,  # noqa: A002  # the contract's name
    ) -> Connection[Review]:  # fmt: skip
        """Reviews, newest first."""
        context, asked = info.context, window(first, after, last, before)
        wanted = (filter or ReviewFilter()).as_query(
            owner=None if context.reads_all else context.caller.subject
        )

        def read(behind: str | None, limit: int) -> list[tuple[int, ReviewView]]:
            seq = None if behind is None else int(behind)
            return context.service.reviews(wanted, before=seq, limit=limit)

        page, more = listed(
            asked, read, lambda row: str(row[0]), lambda given, field: str(seq_of(context, given, field))
        )
        edges = [Edge(cursor=cursor_of(context, seq), node=Review.of(view)) for seq, view in page]
        return asked.connection(edges, more=more)

    @guarded("Situational grants, newest first.")
    def grants(
        self, info: Info, first: int | None = None, after: str | None = None,
        last: int | None = None, before: str | None = None,
        filter: GrantFilter | None = None,  # noqa: A002  # the contract's name
    ) -> Connection[GrantState]:  # fmt: skip
        """Situational grants, newest first."""
        asked, wanted = window(first, after, last, before), filter or GrantFilter()

        def read(behind: str | None, limit: int) -> list[GrantView]:
            return info.context.service.grants(
                identity=None
                if wanted.identity is None
                else raw_id("identity", wanted.identity, "filter.identity"),
                status=wanted.status,
                chain=None if wanted.chain is None else raw_id("chain", wanted.chain, "filter.chain"),
                text=wanted.text,
                after=behind,
                limit=limit,
            )

        page, more = listed(
            asked, read, lambda view: view.granted.id, lambda given, field: raw_id("grant", given, field)
        )
        edges = [
            Edge(cursor=str(prefixed("grant", view.granted.id)), node=GrantState.of(view)) for view in page
        ]
        return asked.connection(edges, more=more)

    @guarded("Warnings about an identity that still count, oldest first.")
    def signals(self, info: Info, identity: strawberry.ID) -> list[Signal]:
        """Warnings about an identity that still count, oldest first."""
        service = info.context.service
        name = raw_id("identity", identity, "identity")
        return [Signal.of(each, service.now_ms()) for each in service.signals(name)]
