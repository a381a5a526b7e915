"""History under other rules: what a replay finds different, and what observed rules would have stopped."""

from __future__ import annotations

from typing import TypedDict

import strawberry

from graphsvc.api.schema.change import PolicyFileInput
from graphsvc.api.schema.scalar import DateTime, prefixed
from graphsvc.core import rejudge
from graphsvc.core.record import Decided
from graphsvc.core.verdict import Verdict
from graphsvc.decide import rejudging, stopped
from graphsvc.errors import BadInput

__all__ = ["ReplayDiff", "ReplayDiffInput", "WouldHaveStopped"]


class _Asked(TypedDict):
    """What every example tells of its decision."""

    decision: strawberry.ID
    at: DateTime
    subject: str
    action: str
    resource: str


def _asked(decided: Decided) -> _Asked:
    request = decided.request
    return {
        "decision": prefixed("decision", request.id),
        "at": DateTime(decided.at_ms),
        "subject": request.subject.id,
        "action": request.action,
        "resource": f"{request.resource.type}:{request.resource.id}",
    }


@strawberry.input(
    description="Which rules to judge history by: files put into force, or the packs of a revision; and what to tell."
)
class ReplayDiffInput:
    """files or as_of. from, to: of which decisions to tell; first: how many examples; seconds: after how long to stop."""

    files: list[PolicyFileInput] | None = None
    as_of: str | None = None
    from_: DateTime | None = strawberry.field(name="from", default=None)
    to: DateTime | None = None
    first: int = 20
    seconds: int = 60

    def packs(self) -> list[tuple[str, str]]:
        """(text, file) pairs."""
        return [(each.yaml, each.file) for each in self.files or ()]

    def check(self) -> None:
        """BadInput names what is out of bounds."""
        if not 0 <= self.first <= 200:
            raise BadInput(f"first: `{self.first}` is not between 0 and 200", field="first")
        if not 1 <= self.seconds <= 600:
            raise BadInput(f"seconds: `{self.seconds}` is not between 1 and 600", field="seconds")


@strawberry.type(description="How often a verdict moved.")
class VerdictMove:
    """How often a verdict moved."""

    before: Verdict
    after: Verdict
    count: int


@strawberry.type(
    description="An identity or pattern, and how often it would have been more severe or milder."
)
class Touched:
    """For identities verdicts count, for patterns completions."""

    name: str
    tightened: int
    loosened: int

    @staticmethod
    def of(touched: rejudging.Touched) -> Touched:
        """From the use case's answer."""
        return Touched(name=touched.name, tightened=touched.tightened, loosened=touched.loosened)


@strawberry.type(description="A decision that would have been different.")
class ReplayExample:
    """A decision that would have been different. before, after: what rules say, whether observed or not."""

    decision: strawberry.ID
    at: DateTime
    chain: strawberry.ID
    subject: str
    action: str
    resource: str
    answered: Verdict
    before: Verdict
    after: Verdict
    completed_before: list[str]
    completed_after: list[str]

    @staticmethod
    def of(difference: rejudge.Difference) -> ReplayExample:
        """From the core's value."""
        return ReplayExample(
            **_asked(difference.decided),
            chain=prefixed("chain", difference.decided.request.chain),
            answered=difference.decided.answered,
            before=difference.before,
            after=difference.after,
            completed_before=list(difference.completed_before),
            completed_after=list(difference.completed_after),
        )


@strawberry.type(description="An attribute that only the draft reads, and how many decisions lack it.")
class Unstored:
    """An attribute that only the draft reads."""

    name: str
    decisions: int


@strawberry.type(description="Stored history under other rules.")
class ReplayDiff:
    """Stored history under other rules. complete: false when the time was over first. whole: every decision was judged
    by both sets of rules; else those that changed patterns can concern, which comes to the same.
    """

    decisions: int
    differing: int
    passed_over: int
    undecidable: int = strawberry.field(
        description="How many cannot be judged: the draft reads attributes that no rule asked for then."
    )
    unstored: list[Unstored]
    whole: bool
    complete: bool
    moves: list[VerdictMove]
    identities: list[Touched]
    patterns: list[Touched]
    examples: list[ReplayExample]

    @staticmethod
    def of(found: rejudging.ReplayDiff) -> ReplayDiff:
        """From the use case's answer."""
        return ReplayDiff(
            decisions=found.decisions,
            differing=found.differing,
            passed_over=found.passed_over,
            undecidable=found.undecidable,
            unstored=[Unstored(name=each.name, decisions=each.decisions) for each in found.unstored],
            whole=found.whole,
            complete=found.complete,
            moves=[VerdictMove(before=m.before, after=m.after, count=m.count) for m in found.moves],
            identities=[Touched.of(each) for each in found.identities],
            patterns=[Touched.of(each) for each in found.patterns],
            examples=[ReplayExample.of(each) for each in found.examples],
        )


@strawberry.type(description="How often a rule or identity would have been answered so.")
class StoppedTally:
    """How often a rule or identity would have been answered so."""

    name: str
    verdict: Verdict
    count: int

    @staticmethod
    def of(tally: stopped.StoppedTally) -> StoppedTally:
        """From the use case's answer."""
        return StoppedTally(name=tally.name, verdict=tally.verdict, count=tally.count)


@strawberry.type(description="An action that was permitted although rules spoke against it.")
class StoppedAction:
    """An action that was permitted. why: observed, trial or emergency."""

    decision: strawberry.ID
    at: DateTime
    subject: str
    action: str
    resource: str
    answered: Verdict
    would_be: Verdict
    why: str
    rules: list[str]

    @staticmethod
    def of(found: stopped.StoppedAction) -> StoppedAction:
        """From the use case's answer."""
        return StoppedAction(
            **_asked(found.decided),
            answered=found.answered,
            would_be=found.would_be,
            why=found.why,
            rules=list(found.rules),
        )


@strawberry.type(description="What would have been stopped, by rules that are observed or on trial.")
class WouldHaveStopped:
    """What would have been stopped. truncated: there are more than the examples, the newest of which are told."""

    decisions: int
    denied: int
    escalated: int
    by_rule: list[StoppedTally]
    by_identity: list[StoppedTally]
    examples: list[StoppedAction]
    truncated: bool

    @staticmethod
    def of(found: stopped.Stopped) -> WouldHaveStopped:
        """From the use case's answer."""
        return WouldHaveStopped(
            decisions=found.decisions,
            denied=found.denied,
            escalated=found.escalated,
            by_rule=[StoppedTally.of(each) for each in found.by_rule],
            by_identity=[StoppedTally.of(each) for each in found.by_identity],
            examples=[StoppedAction.of(each) for each in found.examples],
            truncated=found.truncated,
        )
