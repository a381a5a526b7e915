"""The life of rules: trials, drafts, history under other rules, what would have been stopped, and emergencies."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import strawberry

from graphsvc.api.schema.change import Ack, PolicyFileInput
from graphsvc.api.schema.failure import Conflict, InvalidRequest, NotAllowed, Unavailable
from graphsvc.api.schema.scalar import DateTime, prefixed
from graphsvc.core import rejudge
from graphsvc.core.governing import GlassBroken, PolicyDrafted
from graphsvc.core.verdict import Verdict
from graphsvc.decide import rejudging, review_load, stopped
from graphsvc.decide.desk import TrialView
from graphsvc.decide.trying import PackText
from graphsvc.errors import BadInput

__all__ = [
    "BreakGlassInput", "BreakGlassResult", "DraftResult", "Drafted", "Emergency", "PolicyDraft", "PolicyTrial",
    "ReplayDiff", "ReplayDiffInput", "ReviewLoad", "ShadowInput", "ShadowResult", "Shadowed", "WouldHaveStopped",
]  # fmt: skip

_PPM = 1_000_000


@strawberry.input(
    description="A pack to try. canary: the share of sessions in which it takes effect, 0 to 1."
)
class ShadowInput:
    """A pack to try."""

    yaml: str
    file: str = "<policy>"
    canary: float = 0.0
    comment: str = ""


@strawberry.type(description="A pack is on trial. unjudged: what of it a trial cannot judge, in words.")
class Shadowed:
    """A pack is on trial."""

    pack: str
    revision: str
    at: DateTime
    unjudged: list[str]

    @staticmethod
    def of(pack: str, ack: object, unjudged: list[str]) -> Shadowed:
        """From the use case's answer."""
        told = Ack.of(ack)  # type: ignore[arg-type]  # what the use case answers
        return Shadowed(pack=pack, revision=told.revision, at=told.at, unjudged=unjudged)


@strawberry.type(description="A pack on trial, and what came of it since it began.")
class PolicyTrial:
    """A pack on trial. spoke: decisions of which it said something; differs: those that it would have answered more severely."""

    pack: str
    version: str
    sha256: str
    since: DateTime
    by: str
    comment: str
    canary: float
    decisions: int
    spoke: int
    denies: int
    escalates: int
    differs: int
    unjudged: list[str]

    @staticmethod
    def of(view: TrialView) -> PolicyTrial:
        """From the use case's view."""
        record = view.record
        return PolicyTrial(
            pack=record.pack,
            version=record.version,
            sha256=record.sha256,
            since=DateTime(record.at_ms),
            by=record.by,
            comment=record.comment,
            canary=record.share_ppm / _PPM,
            decisions=view.decisions,
            spoke=view.spoke,
            denies=view.denies,
            escalates=view.escalates,
            differs=view.differs,
            unjudged=list(view.unjudged),
        )


@strawberry.type(description="Packs wait for somebody to publish them.")
class Drafted:
    """Packs wait for somebody to publish them."""

    draft: strawberry.ID
    revision: str
    at: DateTime


@strawberry.type(description="Packs that wait for somebody to publish them.")
class PolicyDraft:
    """Packs that wait. files, texts: as handed in, in the same order."""

    draft: strawberry.ID
    drafted_at: DateTime
    drafted_by: str
    comment: str
    files: list[str]
    texts: list[str]

    @staticmethod
    def of(record: PolicyDrafted) -> PolicyDraft:
        """From the record."""
        return PolicyDraft(
            draft=strawberry.ID(record.draft),
            drafted_at=DateTime(record.at_ms),
            drafted_by=record.by,
            comment=record.comment,
            files=[file for _, file, _ in record.packs],
            texts=[text for text, _, _ in record.packs],
        )


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
        request = difference.decided.request
        return ReplayExample(
            decision=prefixed("decision", request.id),
            at=DateTime(difference.decided.at_ms),
            chain=prefixed("chain", request.chain),
            subject=request.subject.id,
            action=request.action,
            resource=f"{request.resource.type}:{request.resource.id}",
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
        request = found.decided.request
        return StoppedAction(
            decision=prefixed("decision", request.id),
            at=DateTime(found.decided.at_ms),
            subject=request.subject.id,
            action=request.action,
            resource=f"{request.resource.type}:{request.resource.id}",
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


@strawberry.type(description="Reviews of one rule. medianMs: time to decision.")
class RuleLoad:
    """Reviews of one rule."""

    rule: str
    opened: int
    approved: int
    rejected: int
    withdrawn: int
    median_ms: int | None


@strawberry.type(description="How much work reviews are.")
class ReviewLoad:
    """per_100: reviews opened per hundred actions. waiting: open now; oldest_at: since when the oldest waits. capped:
    escalations that a cap made denials. median_ms, p90_ms: time to decision of those answered.
    """

    actions: int
    opened: int
    approved: int
    rejected: int
    withdrawn: int
    capped: int
    per_100: float
    waiting: int
    oldest_at: DateTime | None
    median_ms: int | None
    p90_ms: int | None
    by_rule: list[RuleLoad]

    @staticmethod
    def of(load: review_load.ReviewLoad) -> ReviewLoad:
        """From the use case's answer."""
        return ReviewLoad(
            actions=load.actions,
            opened=load.opened,
            approved=load.approved,
            rejected=load.rejected,
            withdrawn=load.withdrawn,
            capped=load.capped,
            per_100=load.per_100,
            waiting=load.waiting,
            oldest_at=DateTime(load.oldest_ms) if load.oldest_ms is not None else None,
            median_ms=load.median_ms,
            p90_ms=load.p90_ms,
            by_rule=[
                RuleLoad(
                    rule=each.rule,
                    opened=each.opened,
                    approved=each.approved,
                    rejected=each.rejected,
                    withdrawn=each.withdrawn,
                    median_ms=each.median_ms,
                )
                for each in load.by_rule
            ],
        )


@strawberry.input(description="An emergency to declare. chain: only there; null = everywhere.")
class BreakGlassInput:
    """An emergency to declare."""

    identity: strawberry.ID
    reason: str
    chain: strawberry.ID | None = None


@strawberry.type(
    description="An emergency: for a while somebody goes past rules, and every such action is reviewed."
)
class Emergency:
    """An emergency. unreviewed: how many of its actions wait for their review."""

    id: strawberry.ID
    identity: strawberry.ID
    chain: strawberry.ID | None
    pack: str
    reason: str
    declared_at: DateTime
    declared_by: str
    until: DateTime
    unreviewed: int

    @staticmethod
    def of(record: GlassBroken, unreviewed: int = 0) -> Emergency:
        """From the record."""
        return Emergency(
            id=prefixed("glass", record.id),
            identity=prefixed("identity", record.identity),
            chain=prefixed("chain", record.chain) if record.chain is not None else None,
            pack=record.pack,
            reason=record.reason,
            declared_at=DateTime(record.at_ms),
            declared_by=record.by,
            until=DateTime(record.until_ms),
            unreviewed=unreviewed,
        )


def pack_texts(files: list[PolicyFileInput] | None, yaml: str | None, signature: str) -> list[PackText]:
    """Policy files as they were handed in; BadInput when there is none."""
    packs = [] if yaml is None else [PackText(yaml, "<policy>", signature)]
    packs += [PackText(each.yaml, each.file, each.signature) for each in files or ()]
    if not packs:
        raise BadInput("no policy: give `yaml` or `files`", field="yaml")
    return packs


ShadowResult: TypeAlias = Annotated[
    Shadowed | InvalidRequest | NotAllowed | Conflict | Unavailable, strawberry.union("ShadowResult")
]
DraftResult: TypeAlias = Annotated[
    Drafted | InvalidRequest | NotAllowed | Conflict | Unavailable, strawberry.union("DraftResult")
]
BreakGlassResult: TypeAlias = Annotated[
    Emergency | InvalidRequest | NotAllowed | Conflict | Unavailable, strawberry.union("BreakGlassResult")
]
