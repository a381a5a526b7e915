"""What callers ask of the service and what they get: the use cases' vocabulary, free of wire formats."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

import msgspec

from graphsvc.core.graph import Edge, Node
from graphsvc.core.policy.signal_rule import SignalRule
from graphsvc.core.record import Decided, Granted, PolicyPublished, Record
from graphsvc.core.request import AccessRequest
from graphsvc.core.signal import Signal
from graphsvc.core.value import Json
from graphsvc.core.verdict import Completion, NearHarm, Reason, Risk, Verdict
from graphsvc.decide.audit import AuditProof, SignedCheckpoint
from graphsvc.decide.drift import Drift
from graphsvc.decide.exploring import Explorer
from graphsvc.decide.figure import Distribution
from graphsvc.decide.grant_view import GrantStatus, GrantView
from graphsvc.decide.overview import Overview
from graphsvc.decide.review_view import ReviewView
from graphsvc.errors import GraphsvcError

if TYPE_CHECKING:
    # They speak of what is defined here.
    from graphsvc.decide.desk import Desk
    from graphsvc.decide.grant_desk import GrantDesk
    from graphsvc.decide.hindsight import Hindsight
    from graphsvc.decide.review_list import ReviewQuery

__all__ = [
    "Ack",
    "Answer",
    "Caller",
    "ChainView",
    "DecideCommand",
    "GrantAnswer",
    "IdentityView",
    "Judged",
    "LogEvent",
    "PatternView",
    "RevokeAnswer",
    "SearchAnswer",
    "Searched",
    "Service",
]


Searched: TypeAlias = Literal["subject", "resource", "action"]


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, by its token. subjects: globs of identities it may speak for."""

    subject: str
    roles: frozenset[str]
    scopes: frozenset[str] = frozenset()
    subjects: tuple[str, ...] = ("*",)


class DecideCommand(msgspec.Struct, frozen=True, kw_only=True):
    """A request for a decision; `request.id` is empty and given by the service.

    at_least: a revision the answer must be as fresh as. deadline_ms: from now; past it DENY.
    """

    key: str
    request: AccessRequest
    at_least: str | None = None
    deadline_ms: int | None = None


class Nearing(msgspec.Struct, frozen=True, kw_only=True):
    """near: asked for the harm that is nearest by whoever shows it, since most callers do not."""

    near: Callable[[], tuple[NearHarm, ...]] = tuple

    @property
    def nearest(self) -> tuple[NearHarm, ...]:
        """The patterns nearest to completion in the scopes that were judged."""
        return self.near()


class Answer(Nearing, frozen=True, kw_only=True):
    """A decision as answered. `verdict` is what the caller must do.

    decision: what was decided; recorded is False for the transient refusals (store unreachable,
    deadline past), of which nothing was stored. replayed: the same key had been answered before.
    revision: `<incarnation>.<seq>` of the record; audit_id: the record's place in the audit log.
    """

    decision: Decided
    verdict: Verdict
    revision: str
    audit_id: str
    recorded: bool = True
    replayed: bool = False


class Judged(Nearing, frozen=True, kw_only=True):
    """What the answer would be; nothing was changed. stale: the log could not be read lately."""

    verdict: Verdict
    reasons: tuple[Reason, ...]
    completions: tuple[Completion, ...]
    risk: Risk
    revision: str
    stale: bool = False


class SearchAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Part of what was searched, sorted. after: where to go on, None at the end."""

    ids: tuple[str, ...]
    after: str | None
    revision: str


class Ack(msgspec.Struct, frozen=True, kw_only=True):
    """A change is durable at `revision`."""

    revision: str
    at_ms: int


class GrantAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A situational grant was made."""

    grant: Granted
    revision: str


class RevokeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A grant ended. affected_chains: open chains in which it permitted something."""

    grant: Granted
    revision: str
    affected_chains: tuple[str, ...]


class IdentityView(msgspec.Struct, frozen=True, kw_only=True):
    """An identity as the graph holds it now. risk_micros: see `Risk`."""

    id: str
    kind: str
    name: str | None
    status: str
    groups: tuple[str, ...]
    acts_for: tuple[str, ...]
    grants: tuple[Granted, ...]
    permissions: int
    risk_micros: int
    properties: dict[str, Json]
    aliases: tuple[str, ...] = ()


class ChainView(msgspec.Struct, frozen=True, kw_only=True):
    """A chain as it is now. length: actions judged so far, of which the newest may not be drawn yet."""

    id: str
    session: str
    owner: str
    closed: bool
    length: int


class PatternView(msgspec.Struct, frozen=True, kw_only=True):
    """A pattern in force."""

    id: str
    title: str
    severity: str
    on_match: str
    pack: str
    version: str
    scope: str
    steps: tuple[str, ...]


class LogEvent(msgspec.Struct, frozen=True):
    """A record with its number, as subscribers see it. Its cursor is its revision."""

    seq: int
    record: Record


class Service(Protocol):
    """Everything the adapters may ask. Expected failures are raised as `GraphsvcError` subclasses:
    BadInput (field), NotAllowed, Conflict, PolicyError, StoreError.
    """

    @property
    def explorer(self) -> Explorer:
        """Answers static questions."""

    @property
    def desk(self) -> Desk:
        """The life of rules: trials, drafts, publication, emergencies, and what rules would have done."""

    @property
    def grant_desk(self) -> GrantDesk:
        """Grants that are asked for, and answered."""

    @property
    def overview(self) -> Overview:
        """Tells who may do what, what there is, and where risk stands."""

    def revoked_under(self, chain: str) -> tuple[str, ...]:
        """Grants by which actions of a chain were permitted and that have been revoked since."""

    def drift(self, chain: str) -> Drift | None:
        """How far a chain has strayed from its declared intent; None when there is none of that id."""

    @property
    def hindsight(self) -> Hindsight:
        """Answers questions about earlier states."""

    async def records(self, *, after: int, limit: int) -> list[LogEvent]:
        """Records behind number `after`, oldest first; fewer than `limit` only at the end of the log."""

    async def decide(self, caller: Caller, command: DecideCommand) -> Answer:
        """Judge, record, and only then answer. Store trouble and deadlines are DENY answers."""

    async def decide_many(
        self, caller: Caller, commands: Sequence[DecideCommand]
    ) -> list[Answer | GraphsvcError]:
        """Up to 200, in order, each judged after the ones before it."""

    async def evaluate(self, caller: Caller, request: AccessRequest) -> Judged:
        """What decide would answer now; changes nothing."""

    async def search(
        self, caller: Caller, searched: Searched, request: AccessRequest, *, after: str | None, limit: int
    ) -> SearchAnswer:
        """Subjects, resources or actions with which the request would be PERMIT; changes nothing.

        request: of the entity that is searched only type and properties count. StoreUnavailable while the log
        cannot be read.
        """

    async def report(
        self, caller: Caller, action: str, outcome: str, labels: Sequence[str], tokens: Sequence[str]
    ) -> Ack:
        """What came of a permitted action."""

    async def cancel(self, caller: Caller, action: str) -> Ack:
        """A permitted action did not happen."""

    async def open_chain(
        self, caller: Caller, chain: str, *, session: str | None, parent_chain: str | None,
        shared_with: Sequence[str], intent: dict[str, Json] | None,
    ) -> Ack:  # fmt: skip
        """Open a chain before its first action."""

    async def close_chain(self, caller: Caller, chain: str) -> Ack:
        """The chain takes no further action."""

    async def grant(
        self, caller: Caller, *, identity: str, actions: Sequence[str], resources: Sequence[str], expires_ms: int,
        not_before_ms: int | None, uses: int | None, chain: str | None, purpose: str, session: str | None = None,
    ) -> GrantAnswer:  # fmt: skip
        """Give rights for a while."""

    async def revoke_grant(self, caller: Caller, grant: str, reason: str) -> RevokeAnswer:
        """End a grant now; once this returns nobody is permitted by it."""

    async def suspend(
        self, caller: Caller, target: str, reason: str, until_ms: int | None, kind: str = "identity"
    ) -> Ack:
        """An identity, chain (with all it spawned), session or action (a glob) may do nothing; nothing comes of a pattern.

        BadInput when there is no such thing.
        """

    async def reinstate(self, caller: Caller, target: str, kind: str = "identity") -> Ack:
        """End a suspension; Conflict when there is none."""

    async def declare_intent(self, caller: Caller, chain: str, intent: dict[str, Json]) -> Ack:
        """Say what a chain is for from now on; NotAllowed when that widens it and the caller may only narrow."""

    async def send_signal(
        self, caller: Caller, identity: str, weight: float, half_life_ms: int, cause: str, chain: str | None
    ) -> Ack:
        """Warn about an identity: its risk rises, and fades by half every half_life_ms."""

    async def lower_signals(
        self, caller: Caller, identity: str, sender: str, before_ms: int, cause: str
    ) -> Ack:
        """What a sender of security events warned of before a time counts no more."""

    def signal_rule(self, event: str) -> SignalRule | None:
        """What the packs in force say of a security event, by name or URI; None: nothing."""

    async def approve_review(
        self, caller: Caller, review: str, reason: str, until_ms: int | None = None,
        properties: Mapping[str, Json] | None = None,
    ) -> ReviewView:  # fmt: skip
        """Let an escalated request through once, or count towards the approvals its route asks for.

        properties: of the action, narrower than was asked. NotAllowed for who took part; Conflict once answered.
        """

    async def reject_review(self, caller: Caller, review: str, reason: str) -> ReviewView:
        """Refuse an escalated request."""

    def review(self, review: str) -> ReviewView | None:
        """One review, None when nothing of that id was escalated."""

    def reviews(self, wanted: ReviewQuery, *, before: int | None, limit: int) -> list[tuple[int, ReviewView]]:
        """Reviews with their numbers, newest first."""

    async def publish_policy(self, caller: Caller, texts: Sequence[tuple[str, str]], comment: str) -> Ack:
        """Put packs, given as (text, file name), into force at one place of the log."""

    async def rollback_policy(self, caller: Caller, pack: str, version: str | None, comment: str) -> Ack:
        """Publish an earlier text of a pack again: of a version, else the one before. Conflict when there is none."""

    def policy_versions(self) -> list[tuple[PolicyPublished, bool]]:
        """Every publication and whether it is in force, newest first."""

    async def load_graph(
        self, caller: Caller, source: str, nodes: Sequence[Node], edges: Sequence[Edge], *, replace: bool
    ) -> Ack:
        """Facts of one source become visible at once."""

    async def remove_source(self, caller: Caller, source: str) -> Ack:
        """All facts of a source are gone."""

    def decided(self, decision: str) -> tuple[int, Decided] | None:
        """A decision by id with its number, if it is one of the newest or was escalated; else None."""

    async def recorded(self, decision: str) -> tuple[int, Decided] | None:
        """A decision by id with its number, however new or old; None when there is none."""

    def chain(self, chain: str | None, decision: str | None = None) -> ChainView | None:
        """A chain by its id, else that of a decision; None when there is none."""

    def nearest(self, chain: str) -> tuple[NearHarm, ...]:
        """The patterns that are furthest under way for a chain, its session and its principals."""

    def identity(self, identity: str) -> IdentityView | None:
        """One identity, None when the graph holds none of that id or alias."""

    def grants(
        self,
        *,
        identity: str | None,
        status: GrantStatus | None,
        chain: str | None,
        text: str | None,
        after: str | None,
        limit: int,
    ) -> list[GrantView]:
        """Situational grants, newest first, after the one named; BadInput when that is none."""

    def signals(self, identity: str) -> list[Signal]:
        """Warnings about an identity that still count, oldest first."""

    def identities(
        self,
        *,
        after: str | None,
        limit: int,
        kind: str | None = None,
        status: str | None = None,
        text: str | None = None,
    ) -> list[str]:
        """Ids of known identities in order, after `after`; every condition given must hold.

        text: stands in id or name, whatever its case.
        """

    def patterns(self) -> list[PatternView]:
        """The patterns in force."""

    def facts(self) -> tuple[list[Node], list[Edge]]:
        """The whole permission graph as merged facts, sorted by key."""

    async def audit_checkpoint(self, since: int | None) -> SignedCheckpoint:
        """The log as it is now, signed; with the proof that it continues its first `since` records."""

    async def note_audit_read(
        self, caller: Caller, what: Literal["proof", "records"], first: int, last: int
    ) -> None:
        """Record that somebody reads the audit log, before they do."""

    async def audit_proof(self, caller: Caller, audit_id: str, size: int | None) -> AuditProof:
        """That a record is in the log of `size` records. audit_id: a revision, or the id of a decision."""

    def revision(self) -> str:
        """`<incarnation>.<seq>` of what has been folded."""

    def cursor_seq(self, cursor: str) -> int | None:
        """The number in a revision of this store's incarnation, else None."""

    def ready(self) -> tuple[bool, str]:
        """Whether decisions can be made, and what is missing if not; the store is not asked."""

    async def check_ready(self) -> tuple[bool, str]:
        """The same, having asked the store; what it answered holds for a second."""

    def metrics(self) -> dict[str, float]:
        """Figures of the writer since the start (batches, committed, refusals, overloads), `queued`, places in the log."""

    def distributions(self) -> Mapping[str, Distribution]:
        """How long commits took (`commit_seconds`) and how many records they held (`batch_records`)."""

    def now_ms(self) -> int:
        """The service's time, Unix milliseconds; it never runs backwards."""

    def events(self, *, after: int | None) -> AsyncIterator[list[LogEvent]]:
        """Records as they become durable, from `after` (None: from now on), in order, without gaps.

        A reader that falls behind by more than the bound gets what it missed from the log.
        """
