"""What can be read, and asked without changing anything."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import strawberry

from graphsvc.api.context import Context, Info
from graphsvc.api.role import guarded, is_allowed
from graphsvc.api.schema.audit import AuditCheckpoint, AuditProof
from graphsvc.api.schema.chain import Chain
from graphsvc.api.schema.decision import (
    Decision,
    Evaluation,
    decision_of,
    evaluation_of,
)  # fmt: skip
from graphsvc.api.schema.grant import GrantFilter, GrantState, Signal
from graphsvc.api.schema.grant_asking import GrantRequestQuery
from graphsvc.api.schema.identity import Identity
from graphsvc.api.schema.node import Connection, Edge, Node
from graphsvc.api.schema.paging import listed, window
from graphsvc.api.schema.pattern import Pattern, PolicyVersion
from graphsvc.api.schema.query_estate import EstateQuery
from graphsvc.api.schema.query_explore import ExploreQuery
from graphsvc.api.schema.query_rules import RulesQuery
from graphsvc.api.schema.request import DecideInput
from graphsvc.api.schema.review import Review, ReviewFilter
from graphsvc.api.schema.revision import revision_seq
from graphsvc.api.schema.scalar import DateTime, prefixed, raw_id
from graphsvc.api.schema.verdict import Verdict
from graphsvc.core.record import Decided
from graphsvc.core.verdict import SEVERITIES
from graphsvc.decide.archive import decided_from_body
from graphsvc.decide.command import IdentityView
from graphsvc.decide.grant_view import GrantView
from graphsvc.decide.ports import ChainQuery, DecisionQuery, DecisionRow
from graphsvc.decide.review_view import ReviewView
from graphsvc.errors import BadInput, NotAllowed

__all__ = ["DecisionFilter", "DecisionMatch", "Query", "decision_at", "decision_filter"]

# How many rows a caller that sees only its own may have looked through for one page.
_MAX_SCANNED = 5_000
_MAX_NODES = 100


@strawberry.input(description="Every condition given must hold. from is inclusive, to exclusive.")
class DecisionFilter:
    """Every condition given must hold."""

    subject: strawberry.ID | None = None
    verdict: Verdict | None = None
    pattern: strawberry.ID | None = None
    chain: strawberry.ID | None = None
    from_: DateTime | None = strawberry.field(name="from", default=None)
    to: DateTime | None = None
    min_severity: str | None = strawberry.field(
        default=None, description="It completed a pattern of this severity or a higher one."
    )
    text: str | None = strawberry.field(
        default=None,
        description="Stands in its action, subject, resource, chain, reasons or completed patterns; case does not count.",
    )


@strawberry.input(description="Every condition given must hold.")
class ChainFilter:
    """Every condition given must hold. status: open or closed; owner: a token subject."""

    session: strawberry.ID | None = None
    status: str | None = None
    owner: str | None = None


@strawberry.input(description="Every condition given must hold.")
class IdentityFilter:
    """Every condition given must hold. text: stands in its id or name; case does not count."""

    kind: str | None = None
    status: str | None = None
    text: str | None = None


@strawberry.type
class Query(EstateQuery, ExploreQuery, GrantRequestQuery, RulesQuery):
    """What can be read, and asked without changing anything."""

    @guarded(
        "What decide would answer now; changes nothing. asOf: a revision; what it would have answered then."
    )
    async def evaluate(
        self,
        info: Info,
        input: DecideInput,  # noqa: A002  # the contract's name
        as_of: str | None = None,
    ) -> Evaluation:
        """What decide would answer now, or would have answered."""
        service, caller, request = info.context.service, info.context.caller, input.as_request()
        if as_of is None:
            return evaluation_of(await service.evaluate(caller, request))
        seq = revision_seq(service, as_of)
        return evaluation_of(await service.hindsight.evaluate(caller, request, seq, as_of))

    @guarded(
        "The revision of what is known now: read first, then subscribe behind it, and nothing is missed."
    )
    def revision(self, info: Info) -> str:
        """The revision of what is known now."""
        return info.context.service.revision()

    @guarded("Anything by its prefixed id.")
    async def node(self, info: Info, id: strawberry.ID) -> Node | None:  # noqa: A002  # Relay's name
        """Anything by its prefixed id."""
        return await _node(info.context, id)

    @guarded("Several by their prefixed ids, in that order.")
    async def nodes(self, info: Info, ids: list[strawberry.ID]) -> list[Node | None]:
        """Several by their prefixed ids."""
        if len(ids) > _MAX_NODES:
            raise BadInput(f"ids: at most {_MAX_NODES} at once", field="ids")
        return list(await asyncio.gather(*(_node(info.context, one) for one in ids)))

    @guarded("One decision.")
    async def decision(self, info: Info, id: strawberry.ID) -> Decision | None:  # noqa: A002
        """One decision."""
        return await _decision(info.context, id)

    @guarded("Decisions, newest first.")
    async def decisions(
        self, info: Info, first: int | None = None, after: str | None = None,
        last: int | None = None, before: str | None = None,
        filter: DecisionFilter | None = None,  # noqa: A002  # the contract's name
    ) -> Connection[Decision]:  # fmt: skip
        """Decisions, newest first."""
        context, asked = info.context, window(first, after, last, before)
        query, match = decision_filter(filter), DecisionMatch(filter or DecisionFilter())
        # What stands further down the list is older.
        older_than, newer_than = _seq(context, after, "after"), _seq(context, before, "before")
        rows: list[tuple[DecisionRow, Decided]] = []
        more, scanned = True, 0
        while len(rows) <= asked.size and more and scanned < _MAX_SCANNED:
            want = asked.size + 1
            found = await context.parts.history.decisions(
                query(want, older_than, newer_than, asked.is_backward)
            )
            more = len(found) == want
            scanned += len(found)
            for row in found:
                if asked.is_backward:
                    newer_than = row.seq
                else:
                    older_than = row.seq
                decided = decided_from_body(row.body)
                if _may_see(context, decided) and match.holds(decided):
                    rows.append((row, decided))
        page = rows[: asked.size]
        if asked.is_backward:
            page.reverse()
        edges = [
            Edge(cursor=_cursor(context, row.seq), node=decision_at(context, row.seq, one))
            for row, one in page
        ]
        return asked.connection(edges, more=len(rows) > asked.size or more)

    @guarded("One chain.")
    async def chain(self, info: Info, id: strawberry.ID) -> Chain | None:  # noqa: A002
        """One chain."""
        return await _chain(info.context, id)

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
        query = ChainQuery(
            limit=asked.size + 1,
            before=_seq(context, after, "after"),
            after=_seq(context, before, "before"),
            ascending=asked.is_backward,
            session=None if wanted.session is None else raw_id("session", wanted.session, "filter.session"),
            status=wanted.status,
            owner=owner,
        )
        rows = await context.parts.history.chains(query)
        page = list(rows[: asked.size])
        if asked.is_backward:
            page.reverse()
        edges = [Edge(cursor=_cursor(context, row.seq), node=Chain.of(row)) for row in page]
        return asked.connection(edges, more=len(rows) > asked.size)

    @guarded("One identity.")
    def identity(self, info: Info, id: strawberry.ID) -> Identity | None:  # noqa: A002
        """One identity."""
        return _identity(info.context, id)

    @guarded("Identities by id.")
    def identities(
        self, info: Info, first: int | None = None, after: str | None = None,
        last: int | None = None, before: str | None = None,
        filter: IdentityFilter | None = None,  # noqa: A002  # the contract's name
    ) -> Connection[Identity]:  # fmt: skip
        """Identities by id."""
        service, asked = info.context.service, window(first, after, last, before)
        wanted = filter or IdentityFilter()

        def read(behind: str | None, limit: int) -> list[IdentityView]:
            names = service.identities(
                after=behind,
                limit=limit,
                kind=wanted.kind,
                status=wanted.status,
                text=wanted.text,
            )
            return [view for view in map(service.identity, names) if view is not None]

        page, more = listed(
            asked, read, lambda view: view.id, lambda given, field: raw_id("identity", given, field)
        )
        edges = [Edge(cursor=str(prefixed("identity", view.id)), node=Identity.of(view)) for view in page]
        return asked.connection(edges, more=more)

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

        def read(behind: str | None, limit: int) -> list[tuple[int, ReviewView]]:
            return context.service.reviews(
                status=filter.status if filter is not None else None,
                owner=None if context.reads_all else context.caller.subject,
                before=None if behind is None else int(behind),
                limit=limit,
            )

        page, more = listed(
            asked, read, lambda row: str(row[0]), lambda given, field: str(_seq(context, given, field))
        )
        edges = [Edge(cursor=_cursor(context, seq), node=Review.of(view)) for seq, view in page]
        return asked.connection(edges, more=more)

    @guarded("Every publication of every pack, newest first.")
    def policies(self, info: Info) -> list[PolicyVersion]:
        """Every publication of every pack."""
        versions = info.context.service.policy_versions()
        return [PolicyVersion.of(record, in_force=in_force) for record, in_force in versions]

    @guarded(
        "The audit log now, signed; with `since`, the proof that it continues its first `since` records."
    )
    async def audit_checkpoint(self, info: Info, since: int | None = None) -> AuditCheckpoint:
        """The audit log now, signed."""
        return AuditCheckpoint.of(await info.context.service.audit_checkpoint(since))

    @guarded(
        "That a decision, or the record of an auditId, is in the log; `size`: of a checkpoint, now if left out."
    )
    async def audit_proof(
        self,
        info: Info,
        id: strawberry.ID,  # noqa: A002  # Relay's name
        size: int | None = None,
    ) -> AuditProof:
        """That a record is in the log."""
        context = info.context
        return AuditProof.of(await context.service.audit_proof(context.caller, str(id), size))

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

    @guarded("The patterns in force.")
    def patterns(self, info: Info) -> list[Pattern]:
        """The patterns in force."""
        return [Pattern.of(view) for view in info.context.service.patterns()]


def decision_filter(
    given: DecisionFilter | None,
) -> Callable[[int, int | None, int | None, bool], DecisionQuery]:
    """What a store can look for, as a query by (limit, before, after, ascending)."""
    wanted = given or DecisionFilter()

    def query(limit: int, before: int | None, after: int | None, ascending: bool) -> DecisionQuery:
        return DecisionQuery(
            limit=limit,
            before=before,
            after=after,
            ascending=ascending,
            subject=None if wanted.subject is None else raw_id("identity", wanted.subject, "filter.subject"),
            verdict=None if wanted.verdict is None else wanted.verdict.value,
            pattern=None if wanted.pattern is None else raw_id("pattern", wanted.pattern, "filter.pattern"),
            chain=None if wanted.chain is None else raw_id("chain", wanted.chain, "filter.chain"),
            from_ms=wanted.from_,
            to_ms=wanted.to,
        )

    return query


class DecisionMatch:
    """A filter, compiled. BadInput when it cannot hold for anything."""

    def __init__(self, wanted: DecisionFilter) -> None:
        self._subject = (
            None if wanted.subject is None else raw_id("identity", wanted.subject, "filter.subject")
        )
        self._chain = None if wanted.chain is None else raw_id("chain", wanted.chain, "filter.chain")
        self._pattern = (
            None if wanted.pattern is None else raw_id("pattern", wanted.pattern, "filter.pattern")
        )
        self._severities = None if wanted.min_severity is None else severities_from(wanted.min_severity)
        self._text = None if wanted.text is None else wanted.text.casefold()
        self._wanted = wanted

    def holds(self, decided: Decided) -> bool:
        """Whether every condition does."""
        wanted = self._wanted
        return (
            (self._subject is None or decided.request.subject.id.removeprefix("identity:") == self._subject)
            and (self._chain is None or decided.request.chain == self._chain)
            and (self._pattern is None or any(one.pattern == self._pattern for one in decided.completions))
            and (wanted.verdict is None or decided.answered is wanted.verdict)
            and (wanted.from_ is None or decided.at_ms >= wanted.from_)
            and (wanted.to is None or decided.at_ms < wanted.to)
            and (
                self._severities is None
                or any(one.severity in self._severities for one in decided.completions)
            )
            and (self._text is None or any(self._text in part.casefold() for part in _texts(decided)))
        )


def severities_from(least: str) -> frozenset[str]:
    """A severity and those above it; BadInput when it is none."""
    if least not in SEVERITIES:
        raise BadInput(
            f"filter.minSeverity: `{least}` is none of {', '.join(SEVERITIES)}", field="filter.minSeverity"
        )
    return frozenset(SEVERITIES[SEVERITIES.index(least) :])


def _texts(decided: Decided) -> Iterator[str]:
    request = decided.request
    yield from (request.action, request.subject.id, request.resource.type, request.resource.id, request.chain)
    for reason in decided.reasons:
        yield reason.message
    for completion in decided.completions:
        yield from (completion.pattern, completion.title)


def decision_at(context: Context, seq: int, decided: Decided) -> Decision:
    """A decision as number `seq` of the log."""
    revision = _cursor(context, seq)
    return decision_of(decided, revision=revision, audit_id=revision)


def _cursor(context: Context, seq: int) -> str:
    incarnation = context.service.revision().rpartition(".")[0]
    return f"{incarnation}.{seq}"


def _seq(context: Context, cursor: str | None, field: str) -> int | None:
    if cursor is None:
        return None
    seq = context.service.cursor_seq(cursor)
    if seq is None:
        raise BadInput(f"{field}: `{cursor}` is not a cursor of this store", field=field)
    return seq


def _may_see(context: Context, decided: Decided) -> bool:
    return context.reads_all or decided.by == context.caller.subject


async def _decision(context: Context, given: str) -> Decision | None:
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


async def _chain(context: Context, given: str) -> Chain | None:
    row = await context.rows.chain.load(raw_id("chain", given, "id"))
    if row is None or not (context.reads_all or row.owner == context.caller.subject):
        return None
    return Chain.of(row)


def _identity(context: Context, given: str) -> Identity | None:
    view = context.service.identity(raw_id("identity", given, "id"))
    return None if view is None else Identity.of(view)


async def _node(context: Context, given: str) -> Node | None:
    # Each kind asks for the same role as its own field, so this door opens no others.
    kind = given.partition(":")[0]
    if kind not in {"decision", "chain", "identity"}:
        raise BadInput(f"id: `{given}` starts with none of decision:, chain:, identity:", field="id")
    if not is_allowed(context, f"Query.{kind}"):
        raise NotAllowed(f"`{kind}` needs a role that may read it")
    match kind:
        case "decision":
            return await _decision(context, given)
        case "chain":
            return await _chain(context, given)
        case _:
            return _identity(context, given)
