"""What can be read of what happened: decisions and chains."""

from __future__ import annotations

from collections.abc import Sequence

import strawberry

from graphsvc.api.context import Context, Info
from graphsvc.api.role import guarded
from graphsvc.api.schema.chain import Chain
from graphsvc.api.schema.cursor import cursor_of, seq_of
from graphsvc.api.schema.decision import Decision, decision_of
from graphsvc.api.schema.decision_filter import DecisionFilter, DecisionMatch, decision_filter
from graphsvc.api.schema.node import Connection, Edge
from graphsvc.api.schema.paging import scanned, window
from graphsvc.api.schema.scalar import DateTime, raw_id
from graphsvc.core.record import Decided
from graphsvc.decide.archive import decided_from_body
from graphsvc.decide.ports import ChainQuery, ChainRow, DecisionRow

__all__ = ["HistoryQuery", "decision_at", "one_chain", "one_decision"]


@strawberry.input(
    description="Every condition given must hold. from is inclusive, to exclusive: when it was opened."
)
class ChainFilter:
    """Every condition given must hold. status: open or closed; owner: a token subject."""

    session: strawberry.ID | None = None
    status: str | None = None
    owner: str | None = None
    from_: DateTime | None = strawberry.field(name="from", default=None)
    to: DateTime | None = None
    text: str | None = strawberry.field(
        default=None, description="Stands in its id, session, parent or owner; case does not count."
    )

    def holds(self, row: ChainRow) -> bool:
        """Whether the conditions do that a store does not look for."""
        return (
            (self.from_ is None or row.opened_ms >= self.from_)
            and (self.to is None or row.opened_ms < self.to)
            and (
                self.text is None
                or any(
                    self.text.casefold() in (part or "").casefold()
                    for part in (row.id, row.session, row.parent, row.owner)
                )
            )
        )


@strawberry.type
class HistoryQuery:
    """What can be read of what happened."""

    @guarded("One decision.")
    async def decision(self, info: Info, id: strawberry.ID) -> Decision | None:  # noqa: A002
        """One decision."""
        return await one_decision(info.context, id)

    @guarded("Decisions, newest first.")
    async def decisions(
        self, info: Info, first: int | None = None, after: str | None = None,
        last: int | None = None, before: str | None = None,
        filter: DecisionFilter | None = None,  # noqa: A002  # the contract's name
    ) -> Connection[Decision]:  # fmt: skip
        """Decisions, newest first."""
        context, asked = info.context, window(first, after, last, before)
        query, match = decision_filter(filter), DecisionMatch(filter or DecisionFilter())

        async def read(limit: int, older_than: int | None, newer_than: int | None) -> Sequence[DecisionRow]:
            return await context.parts.history.decisions(
                query(limit, older_than, newer_than, asked.is_backward)
            )

        def kept(row: DecisionRow) -> Decided | None:
            decided = decided_from_body(row.body)
            return decided if _may_see(context, decided) and match.holds(decided) else None

        # What stands further down the list is older.
        bounds = seq_of(context, after, "after"), seq_of(context, before, "before")
        page, more = await scanned(asked, *bounds, read, kept)
        edges = [
            Edge(cursor=cursor_of(context, seq), node=decision_at(context, seq, one)) for seq, one in page
        ]
        return asked.connection(edges, more=more)

    @guarded("One chain.")
    async def chain(self, info: Info, id: strawberry.ID) -> Chain | None:  # noqa: A002
        """One chain."""
        return await one_chain(info.context, id)

    @guarded("Chains, newest first.")
    async def chains(
        self, info: Info, first: int | None = None, after: str | None = None,
        last: int | None = None, before: str | None = None,
        filter: ChainFilter | None = None,  # noqa: A002  # the contract's name
    ) -> Connection[Chain]:  # fmt: skip
        """Chains, newest first."""
        context, asked = info.context, window(first, after, last, before)
        wanted = filter or ChainFilter()
        owner = wanted.owner
        if not context.reads_all:
            if owner not in {None, context.caller.subject}:
                return asked.connection([], more=False)
            owner = context.caller.subject
        session = None if wanted.session is None else raw_id("session", wanted.session, "filter.session")

        async def read(limit: int, older_than: int | None, newer_than: int | None) -> Sequence[ChainRow]:
            query = ChainQuery(
                limit=limit,
                before=older_than,
                after=newer_than,
                ascending=asked.is_backward,
                session=session,
                status=wanted.status,
                owner=owner,
            )
            return await context.parts.history.chains(query)

        bounds = seq_of(context, after, "after"), seq_of(context, before, "before")
        page, more = await scanned(asked, *bounds, read, lambda row: row if wanted.holds(row) else None)
        edges = [Edge(cursor=cursor_of(context, seq), node=Chain.of(row)) for seq, row in page]
        return asked.connection(edges, more=more)


def decision_at(context: Context, seq: int, decided: Decided) -> Decision:
    """A decision as number `seq` of the log."""
    revision = cursor_of(context, seq)
    return decision_of(decided, revision=revision, audit_id=revision)


def _may_see(context: Context, decided: Decided) -> bool:
    return context.reads_all or decided.by == context.caller.subject


async def one_decision(context: Context, given: str) -> Decision | None:
    """A decision by its id, None when there is none that this caller may see."""
    decision = raw_id("decision", given, "id")
    # A decision just made is found at once: memory first, then what was drawn, then the log.
    found = context.service.decided(decision)
    if found is None:
        row = await context.rows.decision.load(decision)
        drawn = (row.seq, decided_from_body(row.body)) if row is not None else None
        found = drawn or await context.service.recorded(decision)
    if found is None:
        return None
    seq, decided = found
    # One answer for what is hidden and what is not there.
    return decision_at(context, seq, decided) if _may_see(context, decided) else None


async def one_chain(context: Context, given: str) -> Chain | None:
    """A chain by its id, None when there is none that this caller may see."""
    row = await context.rows.chain.load(raw_id("chain", given, "id"))
    if row is None or not (context.reads_all or row.owner == context.caller.subject):
        return None
    return Chain.of(row)
