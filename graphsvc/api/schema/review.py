"""Human reviews: what waits for a person, who answered, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias

import strawberry

from graphsvc.api.context import Info
from graphsvc.api.role import guarded
from graphsvc.api.schema.failure import Conflict, InvalidRequest, NotAllowed, Unavailable
from graphsvc.api.schema.scalar import JSON, DateTime, as_json, prefixed, raw_id
from graphsvc.core.marker import only_kept
from graphsvc.decide.review_list import ReviewQuery
from graphsvc.decide.review_view import ReviewStatus, ReviewView

if TYPE_CHECKING:
    from graphsvc.api.schema.decision import Decision

__all__ = ["Review", "ReviewFilter", "ReviewResult", "ReviewScopeInput", "ReviewStatus"]

strawberry.enum(ReviewStatus, description="How far a review has come.")


@strawberry.type(
    description="A human review of an escalated action: bound to exactly its request, reasons and path."
)
class Review:
    """A review. Pass its id as `review` to `decide` once it is approved: it lets that request through, once."""

    id: strawberry.ID
    status: ReviewStatus
    opened_at: DateTime
    expires_at: DateTime
    reviewed_by: strawberry.ID | None
    reviewed_at: DateTime | None
    reason: str | None
    used_by: strawberry.ID | None
    afterwards: bool = strawberry.field(
        description="The action was permitted in an emergency: this is its review after the fact, due by expiresAt."
    )
    quorum: int = strawberry.field(description="How many different people have to approve.")
    endorsed_by: list[strawberry.ID] = strawberry.field(description="Who has approved so far.")
    deputies_from: DateTime | None = strawberry.field(description="From when deputies may answer.")
    narrowed: JSON | None = strawberry.field(
        description="The properties of the action as the request must be made; null = as it was asked."
    )

    @guarded("The escalated decision, with what was asked, why it waits and the path.")
    def decision(
        self, info: Info
    ) -> Annotated[Decision, strawberry.lazy("graphsvc.api.schema.decision")] | None:
        """The escalated decision."""
        from graphsvc.api.schema.decision import decision_of

        found = info.context.service.decided(str(self.id).removeprefix("review:"))
        if found is None:
            return None
        incarnation = info.context.service.revision().rpartition(".")[0]
        revision = f"{incarnation}.{found[0]}"
        return decision_of(found[1], revision=revision, audit_id=revision)

    @staticmethod
    def of(view: ReviewView) -> Review:
        """From the service's view."""
        return Review(
            id=prefixed("review", view.id),
            status=view.status,
            opened_at=DateTime(view.opened_ms),
            expires_at=DateTime(view.expires_ms),
            reviewed_by=prefixed("identity", view.by) if view.by is not None else None,
            reviewed_at=DateTime(view.answered_ms) if view.answered_ms is not None else None,
            reason=view.reason,
            used_by=prefixed("decision", view.used_by) if view.used_by is not None else None,
            afterwards=view.afterwards,
            quorum=view.quorum,
            endorsed_by=[prefixed("identity", each) for each in view.endorsed],
            deputies_from=DateTime(view.deputies_ms) if view.deputies_ms is not None else None,
            narrowed=as_json(dict(only_kept(view.narrowed))) if view.narrowed is not None else None,
        )


@strawberry.input(
    description="Every condition given must hold. from is inclusive, to exclusive: when it was opened."
)
class ReviewFilter:
    """Every condition given must hold."""

    status: ReviewStatus | None = None
    subject: strawberry.ID | None = strawberry.field(default=None, description="Who was to act.")
    chain: strawberry.ID | None = None
    pattern: strawberry.ID | None = None
    rule: str | None = strawberry.field(
        default=None, description="Of one of its reasons, or that reason's code."
    )
    approver: strawberry.ID | None = strawberry.field(
        default=None, description="Who approved, answered or withdrew it."
    )
    from_: DateTime | None = strawberry.field(name="from", default=None)
    to: DateTime | None = None
    text: str | None = strawberry.field(
        default=None,
        description="Stands in what was asked, in its reasons, its patterns or the answer; case does not count.",
    )

    def as_query(self, *, owner: str | None) -> ReviewQuery:
        """As the service takes it. owner: the token subject that sees its own only."""

        def raw(kind: str, given: strawberry.ID | None, field: str) -> str | None:
            return None if given is None else raw_id(kind, given, f"filter.{field}")

        return ReviewQuery(
            status=self.status,
            owner=owner,
            subject=raw("identity", self.subject, "subject"),
            chain=raw("chain", self.chain, "chain"),
            pattern=raw("pattern", self.pattern, "pattern"),
            rule=self.rule,
            approver=raw("identity", self.approver, "approver"),
            from_ms=self.from_,
            to_ms=self.to,
            text=self.text,
        )


@strawberry.input(description="How far an approval goes, beside being for one use of exactly the request.")
class ReviewScopeInput:
    """expires_at: use it before then; at most an hour from now, which is the default. properties: of the action, each
    narrower than was asked (a lower number, fewer entries); the request must be made with these.
    """

    expires_at: DateTime | None = None
    properties: JSON | None = None


ReviewResult: TypeAlias = Annotated[
    Review | InvalidRequest | NotAllowed | Conflict | Unavailable, strawberry.union("ReviewResult")
]
