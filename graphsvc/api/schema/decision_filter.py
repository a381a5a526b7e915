"""Which decisions a caller looks for: what a store can look for, and what is looked at afterwards."""

from __future__ import annotations

from collections.abc import Callable

import strawberry

from graphsvc.api.schema.scalar import DateTime, raw_id
from graphsvc.api.schema.verdict import Verdict
from graphsvc.core.record import Decided
from graphsvc.core.verdict import SEVERITIES
from graphsvc.decide.ports import DecisionQuery
from graphsvc.decide.review_list import texts
from graphsvc.errors import BadInput

__all__ = ["DecisionFilter", "DecisionMatch", "decision_filter", "severities_from"]


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
            and (self._text is None or any(self._text in part.casefold() for part in texts(decided)))
        )


def severities_from(least: str) -> frozenset[str]:
    """A severity and those above it; BadInput when it is none."""
    if least not in SEVERITIES:
        raise BadInput(
            f"filter.minSeverity: `{least}` is none of {', '.join(SEVERITIES)}", field="filter.minSeverity"
        )
    return frozenset(SEVERITIES[SEVERITIES.index(least) :])
