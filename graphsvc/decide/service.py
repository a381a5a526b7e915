"""The service: every use case over one store, as adapters call them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from functools import partial
from typing import Literal, Protocol

import msgspec

from graphsvc.core.codec import decode_records
from graphsvc.core.graph import Edge, Node
from graphsvc.core.intent import check_intent, check_template
from graphsvc.core.near import nearest
from graphsvc.core.policy.signal_rule import SignalRule
from graphsvc.core.provenance.claim import check_claims
from graphsvc.core.record import Cancelled, Decided, GraphStaged, PolicyPublished, Record, Reported
from graphsvc.core.request import AccessRequest
from graphsvc.core.signal import Signal
from graphsvc.core.state import Overlay
from graphsvc.core.value import Json
from graphsvc.core.verdict import NearHarm, Reason, ReasonCode, Verdict
from graphsvc.core.world import World
from graphsvc.decide import archive, grant_view, granting, pap, reading, reviewing, signalling, suspending
from graphsvc.decide.audit import AuditLog, AuditProof, SignedCheckpoint
from graphsvc.decide.audit_read import AuditReads
from graphsvc.decide.command import (
    Ack,
    Answer,
    Caller,
    ChainView,
    DecideCommand,
    GrantAnswer,
    IdentityView,
    Judged,
    LogEvent,
    PatternView,
    RevokeAnswer,
    SearchAnswer,
    Searched,
)
from graphsvc.decide.declaring import declare_intent
from graphsvc.decide.desk import Desk
from graphsvc.decide.drift import Drift, drift
from graphsvc.decide.exploring import Explorer
from graphsvc.decide.figure import Distribution
from graphsvc.decide.follower import Bell, Follower
from graphsvc.decide.freshness import Freshness
from graphsvc.decide.grant_desk import GrantDesk
from graphsvc.decide.grant_view import GrantStatus, GrantView
from graphsvc.decide.hindsight import Hindsight
from graphsvc.decide.jobs import ChangeJob, DecideJob, ReportJob, check_chain, check_session, not_spoken_for
from graphsvc.decide.keeper import Keeper
from graphsvc.decide.late import DEADLINE, Late
from graphsvc.decide.overview import Overview
from graphsvc.decide.past import Past
from graphsvc.decide.ports import Clock, Ids, Notary, Store
from graphsvc.decide.projector import Projector
from graphsvc.decide.retention import IDLE_S, Retention
from graphsvc.decide.review_list import ReviewQuery, reviews
from graphsvc.decide.review_view import ReviewView
from graphsvc.decide.search import search
from graphsvc.decide.sequencer import Job, Outcome, Sequencer
from graphsvc.decide.trying import PackText, PublishRules
from graphsvc.decide.waiting import failed, until
from graphsvc.decide.warming import Warming
from graphsvc.errors import BadInput, Conflict, GraphsvcError, Overloaded, StoreError, StoreUnavailable

__all__ = ["EventBus", "GraphsvcService"]

MAX_BATCH = 200
DEFAULT_DEADLINE_MS = 5_000
# An answer of the store that is this late is the store's fault, whatever deadline the caller gave.
_SILENT_S = 1.0


class EventBus(Protocol):
    """Fans records out to subscribers; never blocks who publishes."""

    def publish(self, events: Sequence[LogEvent]) -> None:
        """Hand records to all subscribers."""

    def subscribe(self, *, after: int | None, head: int, read: EventReader) -> AsyncIterator[list[LogEvent]]:
        """Records after a number (None: after `head`), those already in the log through `read`."""


class EventReader(Protocol):
    """Reads records from the log."""

    async def __call__(self, *, after: int, limit: int) -> list[LogEvent]:
        """Records after a number, oldest first; `limit` counts log entries."""


class GraphsvcService:
    """Everything the adapters may ask; see `command.Service` for what each call promises.

    keeper: has restored the world that the service goes on from, and saves it now and then; None: no snapshots.
    notary: holds the key that signs the audit log; None: it is not signed.
    shared: other replicas append to the store; bell: tells them at once. chain_idle_s: after which a chain ends.
    deadline_ms: time to answer a decision whose caller names none. rules: what publishing packs asks for.
    """

    def __init__(
        self,
        store: Store,
        *,
        clock: Clock,
        ids: Ids,
        bus: EventBus | None = None,
        keeper: Keeper | None = None,
        notary: Notary | None = None,
        shared: bool = False,
        bell: Bell | None = None,
        chain_idle_s: int = IDLE_S,
        deadline_ms: int = DEFAULT_DEADLINE_MS,
        rules: PublishRules | None = None,
    ) -> None:
        self.store = store
        self.audit = AuditLog(store, notary, thin=True)
        self._keeper = keeper
        self.world = keeper.world if keeper is not None else World()
        self.explorer = Explorer(self.world, self.revision)
        self._ids = ids
        self._bus = bus
        self.sequencer = Sequencer(store, self.world, clock=clock, ids=ids, listener=self._published)
        self.overview = Overview(self.world, self.now_ms)
        self._past = Past(store, self.world, self._read_events)
        self.hindsight = Hindsight(self.world, self._past, self._read_events)
        self.projector = Projector(store, self.world)
        self.warming = Warming(self.world, self._run, self.now_ms)
        self.desk = Desk(
            self.world,
            self._acked,
            self._switched,
            ids,
            self.now_ms,
            rules or PublishRules(),
            self._all_records,
        )
        self.grant_desk = GrantDesk(self.world, self._acked, ids, self.now_ms)
        self._follower = Follower(store, self.world, self.sequencer, bell=bell) if shared else None
        self.retention = Retention(store, self.world, self.sequencer, idle_s=chain_idle_s)
        self._freshness = Freshness(store, self.sequencer, shared=shared)
        self._late = Late(self.sequencer)
        self._audit_reads = AuditReads(self.sequencer)
        self._deadline_ms = deadline_ms
        self._started = False

    async def start(self) -> None:
        """Fold the log, then take requests and draw."""
        await self.sequencer.start()
        await self.projector.start()
        self.retention.start()
        if self._follower is not None:
            self._follower.start()
        if self._keeper is not None:
            self._keeper.start()
        self._started = True

    async def close(self) -> None:
        """Stop all tasks, then save a snapshot if it is worth it; the store stays open."""
        self._started = False
        await self.retention.close()
        if self._follower is not None:
            await self._follower.close()
        await self.sequencer.close()
        await self._late.close()
        await self.projector.close()
        if self._keeper is not None:
            await self._keeper.close()

    @property
    def swapped(self) -> asyncio.Event:
        """Set when the store turns out to be another than the one that was opened: open a new service."""
        return self.sequencer.swapped

    async def wait_drawn(self) -> None:
        """Return when the graph in the store shows everything folded so far."""
        await self.projector.wait_drawn(self.world.seq)

    # -- decisions -------------------------------------------------------------------------------

    async def decide(self, caller: Caller, command: DecideCommand) -> Answer:
        """Judge, record, and only then answer. Store trouble and deadlines are DENY answers."""
        job = self._job(caller, command)
        return await self._answer(job, self._submit_decision(job, command), command)

    async def decide_many(
        self, caller: Caller, commands: Sequence[DecideCommand]
    ) -> list[Answer | GraphsvcError]:
        """Up to 200, in order, each judged after the ones before it."""
        if not 0 < len(commands) <= MAX_BATCH:
            raise BadInput(f"{len(commands)} inputs; send 1 to {MAX_BATCH}", field="inputs")
        jobs: list[DecideJob | GraphsvcError] = []
        for command in commands:
            try:
                jobs.append(self._job(caller, command))
            except GraphsvcError as error:
                jobs.append(error)
        waiting = [
            None if isinstance(job, GraphsvcError) else self._submit_decision(job, command)
            for job, command in zip(jobs, commands, strict=True)
        ]
        answers: list[Answer | GraphsvcError] = []
        for job, future, command in zip(jobs, waiting, commands, strict=True):
            if isinstance(job, GraphsvcError) or future is None:
                assert isinstance(job, GraphsvcError)
                answers.append(job)
                continue
            try:
                answers.append(await self._answer(job, future, command))
            except GraphsvcError as error:
                answers.append(error)
        return answers

    async def evaluate(self, caller: Caller, request: AccessRequest) -> Judged:
        """What decide would answer now; changes nothing."""
        _check_request(request)
        self._check_place(caller, request)
        stale = await self._freshness.is_stale()
        now_ms = self.sequencer.now_ms()
        evaluation = self.world.evaluate(request, now_ms)
        refused = not_spoken_for(caller, request)
        if refused is not None:
            evaluation = self.world.refuse(evaluation, refused)
        return Judged(
            # While observing decide answers what is enforced, and its last reason says what would have been.
            verdict=evaluation.enforced,
            reasons=evaluation.reasons,
            completions=evaluation.completions,
            risk=evaluation.risk,
            near=partial(nearest, evaluation.scopes, self.world.facts(), evaluation.at_ms),
            revision=self.revision(),
            stale=stale,
        )

    async def search(
        self, caller: Caller, searched: Searched, request: AccessRequest, *, after: str | None, limit: int
    ) -> SearchAnswer:
        """Subjects, resources or actions with which the request would be PERMIT; changes nothing."""
        _check_request(request)
        self._check_place(caller, request)
        now_ms = self.sequencer.now_ms()
        if await self._freshness.is_stale():
            raise StoreUnavailable("the log could not be read lately; search again")

        def permits(asked: AccessRequest) -> bool:
            if not_spoken_for(caller, asked) is not None:
                return False
            return self.world.evaluate(asked, now_ms).enforced is Verdict.PERMIT

        found = await search(self.world, searched, request, permits, after=after, limit=limit)
        return SearchAnswer(ids=found.ids, after=found.after, revision=self.revision())

    async def report(
        self, caller: Caller, action: str, outcome: str, labels: Sequence[str], tokens: Sequence[str]
    ) -> Ack:
        """What came of a permitted action."""
        record = Reported(
            at_ms=0,
            action=action.removeprefix("decision:"),
            outcome=outcome,
            labels=tuple(labels),
            tokens=tuple(tokens),
        )
        return self._ack(await self._run(ReportJob(caller, record)))

    async def cancel(self, caller: Caller, action: str) -> Ack:
        """A permitted action did not happen."""
        record = Cancelled(at_ms=0, action=action.removeprefix("decision:"))
        return self._ack(await self._run(ReportJob(caller, record)))

    # -- changes ---------------------------------------------------------------------------------

    async def open_chain(
        self,
        caller: Caller,
        chain: str,
        *,
        session: str | None,
        parent_chain: str | None,
        shared_with: Sequence[str],
        intent: dict[str, Json] | None,
    ) -> Ack:
        """Open a chain before its first action."""
        job = pap.open_chain(caller, chain, session, parent_chain, tuple(shared_with), intent)
        return self._ack(await self._run(job))

    async def close_chain(self, caller: Caller, chain: str) -> Ack:
        """The chain takes no further action."""
        return self._ack(await self._run(pap.close_chain(caller, chain.removeprefix("chain:"))))

    async def grant(
        self,
        caller: Caller,
        *,
        identity: str,
        actions: Sequence[str],
        resources: Sequence[str],
        expires_ms: int,
        not_before_ms: int | None,
        uses: int | None,
        chain: str | None,
        purpose: str,
        session: str | None = None,
    ) -> GrantAnswer:
        """Give rights for a while."""
        job = granting.grant(
            caller,
            self._ids(),
            self.world,
            identity=identity,
            actions=tuple(actions),
            resources=tuple(resources),
            expires_ms=expires_ms,
            not_before_ms=not_before_ms,
            uses=uses,
            chain=chain,
            purpose=purpose,
            session=session,
        )
        outcome = await self._run(job)
        granted = outcome.records[0]
        assert not isinstance(granted, Decided)
        return GrantAnswer(grant=granted, revision=self._revision(outcome.first))  # type: ignore[arg-type]  # what the job builds

    async def revoke_grant(self, caller: Caller, grant: str, reason: str) -> RevokeAnswer:
        """End a grant now; once this returns nobody is permitted by it."""
        grant_id = grant.removeprefix("grant:")
        granted = self.world.grants.by_id.get(grant_id)
        if granted is None:
            raise BadInput(f"no grant `{grant_id}`", field="id")
        outcome = await self._run(granting.revoke_grant(caller, granted, reason))
        affected = reading.affected_chains(self.world, granted)
        return RevokeAnswer(grant=granted, revision=self._revision(outcome.first), affected_chains=affected)

    async def send_signal(
        self, caller: Caller, identity: str, weight: float, half_life_ms: int, cause: str, chain: str | None
    ) -> Ack:
        """Warn about an identity."""
        job = signalling.send(caller, self.world, identity, weight, half_life_ms, cause, chain)
        return self._ack(await self._run(job))

    async def lower_signals(
        self, caller: Caller, identity: str, sender: str, before_ms: int, cause: str
    ) -> Ack:
        """What a sender of security events warned of before a time counts no more."""
        return self._ack(
            await self._run(signalling.lower(caller, self.world, identity, sender, before_ms, cause))
        )

    def signal_rule(self, event: str) -> SignalRule | None:
        """What the packs in force say of a security event, by name or URI; None: nothing."""
        return self.world.ruleset.signal_rules.get(event)

    async def suspend(
        self, caller: Caller, target: str, reason: str, until_ms: int | None, kind: str = "identity"
    ) -> Ack:
        """Stop an identity, chain, session, action or pattern."""
        job = suspending.suspend(caller, self.world, kind, target, reason, until_ms)
        return self._ack(await self._run(job))

    async def reinstate(self, caller: Caller, target: str, kind: str = "identity") -> Ack:
        """End a suspension."""
        return self._ack(await self._run(suspending.reinstate(caller, self.world, kind, target)))

    async def declare_intent(self, caller: Caller, chain: str, intent: dict[str, Json]) -> Ack:
        """Say what a chain is for from now on."""
        return self._ack(await self._run(declare_intent(caller, chain.removeprefix("chain:"), intent)))

    async def approve_review(
        self,
        caller: Caller,
        review: str,
        reason: str,
        until_ms: int | None = None,
        properties: Mapping[str, Json] | None = None,
    ) -> ReviewView:
        """Let an escalated request through once."""
        review = review.removeprefix("review:")
        await self._run(reviewing.approve(caller, self.world, review, reason, until_ms, properties))
        return self._review(review)

    async def reject_review(self, caller: Caller, review: str, reason: str) -> ReviewView:
        """Refuse an escalated request."""
        review = review.removeprefix("review:")
        await self._run(reviewing.reject(caller, self.world, review, reason))
        return self._review(review)

    async def publish_policy(self, caller: Caller, texts: Sequence[tuple[str, str]], comment: str) -> Ack:
        """Put packs into force at one place of the log."""
        return await self.desk.publish(caller, [PackText(text, file) for text, file in texts], comment)

    async def rollback_policy(self, caller: Caller, pack: str, version: str | None, comment: str) -> Ack:
        """Put an earlier text of a pack into force again."""
        job = pap.rollback_policy(caller, pack, version, comment, signed=bool(self.desk.rules.keys))
        return await self._switched(job)

    def policy_versions(self) -> list[tuple[PolicyPublished, bool]]:
        """Every publication and whether it is in force, newest first."""
        return [(each, self.world.packs[each.pack] is each) for each in reversed(self.world.published)]

    async def load_graph(
        self,
        caller: Caller,
        source: str,
        nodes: Sequence[Node],
        edges: Sequence[Edge],
        *,
        replace: bool,
        staged: Callable[[int], None] = lambda _count: None,
    ) -> Ack:
        """Facts of one source become visible at once, however many entries they take.

        staged: told how many facts each entry took.
        """
        load = self._ids()
        for stage in pap.stage_graph(load, nodes, edges):
            outcome = await self._run(stage)
            staged(
                sum(
                    len(part.nodes) + len(part.edges)
                    for part in outcome.records
                    if isinstance(part, GraphStaged)
                )
            )
        return self._ack(await self._run(pap.commit_graph(caller, load, source, replace=replace)))

    async def remove_source(self, caller: Caller, source: str) -> Ack:
        """All facts of a source are gone."""
        return self._ack(await self._run(pap.remove_source(caller, source)))

    # -- reading ---------------------------------------------------------------------------------

    def identity(self, identity: str) -> IdentityView | None:
        """One identity, None when the graph holds none of that id or alias."""
        return reading.identity(self.world, identity, self.sequencer.now_ms())

    def chain(self, chain: str | None, decision: str | None = None) -> ChainView | None:
        """A chain by its id, else that of a decision; None when there is none."""
        return reading.chain(self.world, chain, decision)

    def revoked_under(self, chain: str) -> tuple[str, ...]:
        """Grants by which actions of a chain were permitted and that have been revoked since."""
        return reading.revoked_under(self.world, chain)

    def drift(self, chain: str) -> Drift | None:
        """How far a chain has strayed from its declared intent; None when there is none of that id."""
        return drift(self.world, chain)

    def nearest(self, chain: str) -> tuple[NearHarm, ...]:
        """The patterns that are furthest under way for a chain, its session and its principals."""
        return reading.near(self.world, chain, self.now_ms())

    def review(self, review: str) -> ReviewView | None:
        """One review, None when nothing of that id was escalated."""
        return reviewing.review_view(self.world, review.removeprefix("review:"), self.sequencer.now_ms())

    def reviews(self, wanted: ReviewQuery, *, before: int | None, limit: int) -> list[tuple[int, ReviewView]]:
        """Reviews with their numbers, newest first."""
        return reviews(self.world, self.sequencer.now_ms(), wanted, before=before, limit=limit)

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
        """Situational grants, newest first, after the one named."""
        now_ms = self.sequencer.now_ms()
        return grant_view.grants(
            self.world,
            now_ms,
            identity=identity,
            status=status,
            chain=chain,
            text=text,
            after=after,
            limit=limit,
        )

    def signals(self, identity: str) -> list[Signal]:
        """Warnings about an identity that still count, oldest first."""
        return grant_view.signals(self.world, identity)

    def identities(
        self,
        *,
        after: str | None,
        limit: int,
        kind: str | None = None,
        status: str | None = None,
        text: str | None = None,
    ) -> list[str]:
        """Ids of known identities in order, after `after`; every condition given must hold."""
        now_ms = self.sequencer.now_ms()
        return reading.identities(
            self.world, now_ms, after=after, limit=limit, kind=kind, status=status, text=text
        )

    def patterns(self) -> list[PatternView]:
        """The patterns in force."""
        return reading.patterns(self.world)

    def facts(self) -> tuple[list[Node], list[Edge]]:
        """The whole permission graph as merged facts, sorted by key."""
        return list(self.world.estate.nodes()), list(self.world.estate.edges())

    def source_facts(self, source: str) -> tuple[list[Node], list[Edge]]:
        """What one source asserts; nothing when there is none of that name."""
        nodes, edges = self.world.estate.facts().get(source, ({}, {}))
        return list(nodes.values()), list(edges.values())

    def decided(self, decision: str) -> tuple[int, Decided] | None:
        """A decision by id with its number, however new, if it is one of the newest or was escalated; else None."""
        decision = decision.removeprefix("decision:")
        record = self.world.decided.get(decision)
        return (self.world.seq_of(decision), record) if record is not None else None

    async def recorded(self, decision: str) -> tuple[int, Decided] | None:
        """A decision by id with its number, however old; None when there is none."""
        return await archive.recorded(self.world, self.store, decision.removeprefix("decision:"))

    def now_ms(self) -> int:
        """The service's time, Unix milliseconds; it never runs backwards."""
        return self.sequencer.now_ms()

    async def audit_checkpoint(self, since: int | None) -> SignedCheckpoint:
        """The log as it is now, signed; with the proof that it continues its first `since` records."""
        return await self.audit.checkpoint(since)

    async def note_audit_read(
        self, caller: Caller, what: Literal["proof", "records"], first: int, last: int
    ) -> None:
        """Record that somebody reads the audit log, before they do."""
        await self._audit_reads.note(caller, what, first, last)

    async def audit_proof(self, caller: Caller, audit_id: str, size: int | None) -> AuditProof:
        """That a record is in the log. audit_id: a revision, or the id of a decision."""
        seq = self.cursor_seq(audit_id) or self.world.seq_of(audit_id.removeprefix("decision:"))
        if not seq:
            raise BadInput(
                f"`{audit_id}` is no record of this log; give an auditId or a decision", field="id"
            )
        await self.note_audit_read(caller, "proof", seq, seq)
        return await self.audit.proof(seq, size)

    def revision(self) -> str:
        """`<incarnation>.<seq>` of what has been folded."""
        return self._revision(self.world.seq)

    def cursor_seq(self, cursor: str) -> int | None:
        """The number in a revision of this store's incarnation, else None."""
        incarnation, _, seq = cursor.rpartition(".")
        return int(seq) if incarnation == self.store.incarnation and seq.isdecimal() else None

    def ready(self) -> tuple[bool, str]:
        """Whether decisions can be made, and what is missing if not."""
        if not self._started:
            return False, "starting"
        if not self.world.packs:
            return (
                True,
                "no policy is published: only entitlement decides; publish one with `graphsvc policy publish`",
            )
        if self.audit.problem is not None:
            return True, f"decisions are made, but the audit log is not signed: {self.audit.problem}"
        if self.projector.problem is not None:
            return True, f"decisions are made, but the graph is not drawn: {self.projector.problem}"
        return True, "ready"

    async def check_ready(self) -> tuple[bool, str]:
        """The same, having asked the store; what it answered holds for a second, so that probes cost nothing."""
        ok, told = self.ready()
        if not ok:
            return ok, told
        problem = await self._freshness.problem()
        return (True, told) if problem is None else (False, f"the store cannot be reached: {problem}")

    def metrics(self) -> dict[str, float]:
        """Counters of the writer, what waits now, and places in the log."""
        return {
            **self.sequencer.figures(),
            "drawn": self.projector.drawn,
            "undrawn_seconds": self.projector.lag_seconds(),
            "seq": self.world.seq,
        }

    def distributions(self) -> dict[str, Distribution]:
        """How long commits took (commit_seconds) and how many records they held (batch_records)."""
        return {
            "commit_seconds": self.sequencer.commit_seconds,
            "batch_records": self.sequencer.batch_records,
        }

    def events(self, *, after: int | None) -> AsyncIterator[list[LogEvent]]:
        """Records as they become durable, in order, without gaps."""
        if self._bus is None:
            raise StoreError("this process has no event bus")
        return self._bus.subscribe(after=after, head=self.world.seq, read=self._read_events)

    async def records(self, *, after: int, limit: int) -> list[LogEvent]:
        """Records behind number `after`, oldest first; fewer than `limit` only at the end of the log."""
        found: list[LogEvent] = []
        while len(found) < limit:
            # An entry holds one record or more.
            read = await self._read_events(after=after, limit=limit - len(found))
            if not read:
                break
            found += read
            after = read[-1].seq
        return found[:limit]

    async def _all_records(self, after: int) -> AsyncIterator[tuple[int, Record]]:
        while events := await self._read_events(after=after, limit=500):
            for event in events:
                yield event.seq, event.record
            after = events[-1].seq

    # -- inside ----------------------------------------------------------------------------------

    def _job(self, caller: Caller, command: DecideCommand) -> DecideJob:
        if not command.key:
            raise BadInput("must not be empty; a new key for each action", field="idempotencyKey")
        request = msgspec.structs.replace(
            command.request, id=self._ids(), chain=command.request.chain.removeprefix("chain:"), executed=True
        )
        if not request.chain:
            raise BadInput("must not be empty", field="chain")
        _check_request(request)
        check_template(request.intent, self.world.ruleset.intents)
        canonical = msgspec.json.encode(msgspec.structs.replace(request, id=""), order="sorted")
        deadline_ms = command.deadline_ms if command.deadline_ms is not None else self._deadline_ms
        return DecideJob(
            caller=caller,
            request=request,
            dedupe=hashlib.sha256(msgspec.json.encode([caller.subject, command.key])).hexdigest(),
            digest=hashlib.sha256(canonical).hexdigest(),
            deadline_ms=self.sequencer.now_ms() + deadline_ms,
            own=self.sequencer.own,
        )

    def _check_place(self, caller: Caller, request: AccessRequest) -> None:
        """Who may not act in a chain or session may not look into it either."""
        if caller.roles == {"pep"}:
            overlay = Overlay(self.world.state)
            check_chain(overlay, caller, request)
            check_session(self.world, overlay, caller, request.session)

    def _submit_decision(self, job: DecideJob, command: DecideCommand) -> asyncio.Future[Outcome | None]:
        """What the caller waits for; the job goes on, and its deadline counts, without it too."""
        assert job.deadline_ms is not None
        left_s = max(0, job.deadline_ms - self.sequencer.now_ms()) / 1000
        try:
            if command.at_least is not None:
                seq = self.cursor_seq(command.at_least)
                if seq is None or (seq > self.world.seq and self._follower is None):
                    raise _RevisionUnavailableError
                if seq > self.world.seq:
                    return asyncio.create_task(self._submit_at_least(job, command, seq, left_s))
            self.sequencer.check_wait(left_s)
        except GraphsvcError as error:
            return failed(error)
        future = self.sequencer.submit(job)
        return until(future, left_s, lambda: self._late.told(job, future))

    async def _submit_at_least(
        self, job: DecideJob, command: DecideCommand, seq: int, left_s: float
    ) -> Outcome | None:
        """Wait for a revision that another replica gave out, as long as the deadline lets."""
        assert self._follower is not None
        if not await self._follower.reach(seq, left_s * 0.9):
            raise _RevisionUnavailableError
        return await self._submit_decision(job, command)

    async def _answer(
        self, job: DecideJob, future: asyncio.Future[Outcome | None], command: DecideCommand
    ) -> Answer:
        try:
            outcome = await future
        except TimeoutError:
            silent_s = self.sequencer.silent_s
            if silent_s >= _SILENT_S:
                told = f"the store has not answered for {silent_s:.1f} s"
                return self._transient(job, ReasonCode.store_unavailable, told)
            return self._transient(
                job, ReasonCode.deadline_exceeded, "the deadline passed before the decision was durable"
            )
        except _RevisionUnavailableError:
            told = f"revision `{command.at_least}` is not known here; ask again without it or later"
            return self._transient(job, ReasonCode.revision_unavailable, told)
        except Overloaded as error:
            return self._transient(job, ReasonCode.overloaded, str(error))
        except StoreUnavailable as error:
            return self._transient(job, ReasonCode.store_unavailable, str(error))
        if outcome is None or job.replay is not None:
            return await self._replayed(job)
        record, seq = outcome.records[0], outcome.first
        assert isinstance(record, Decided)

        def near() -> tuple[NearHarm, ...]:
            return nearest(record.scopes, self.world.facts(), record.at_ms)

        return self._answered(record, seq, near=near if record.risk.after_micros else tuple)

    def _answered(
        self,
        record: Decided,
        seq: int,
        *,
        replayed: bool = False,
        near: Callable[[], tuple[NearHarm, ...]] = tuple,
    ) -> Answer:
        return Answer(
            decision=record,
            verdict=record.answered,
            revision=self._revision(seq),
            audit_id=self._revision(seq),
            replayed=replayed,
            near=near,
        )

    async def _replayed(self, job: DecideJob) -> Answer:
        assert job.replay is not None
        cancelled = self.world.cancelled.get(job.replay)
        found = await self.recorded(job.replay)
        if found is None:
            raise Conflict("the idempotency key is being used by another request in flight")
        given = job.replay in self.world.reported
        if (job.dedupe in self._late and not given) or (cancelled is not None and cancelled.by == DEADLINE):
            return self._transient(
                job, ReasonCode.deadline_exceeded, "the deadline of this key had passed", replayed=True
            )
        seq, record = found
        if cancelled is not None and record.answered is Verdict.PERMIT:
            told = "the action of this key was cancelled; use a new key to ask again"
            return self._transient(job, ReasonCode.cancelled, told, replayed=True)
        return self._answered(record, seq, replayed=True)

    def _transient(self, job: DecideJob, code: ReasonCode, told: str, *, replayed: bool = False) -> Answer:
        record = Decided(
            at_ms=self.sequencer.now_ms(),
            request=job.request,
            verdict=Verdict.DENY,
            reasons=(Reason(code, told, Verdict.DENY),),
            session=job.request.session or job.request.chain,
            index=0,
            by=job.caller.subject,
        )
        return Answer(
            decision=record,
            verdict=Verdict.DENY,
            revision=self.revision(),
            audit_id="",
            recorded=False,
            replayed=replayed,
        )

    async def _run(self, job: Job) -> Outcome:
        outcome = await asyncio.shield(self.sequencer.submit(job))
        if outcome is None:
            raise Conflict("nothing to change")
        return outcome

    async def _acked(self, job: Job) -> Ack:
        return self._ack(await self._run(job))

    async def _switched(self, job: ChangeJob) -> Ack:
        return self._ack(await self.warming.run(job))

    def _review(self, review: str) -> ReviewView:
        view = self.review(review)
        assert view is not None
        return view

    def _ack(self, outcome: Outcome) -> Ack:
        last = outcome.first + len(outcome.records) - 1
        return Ack(revision=self._revision(last), at_ms=outcome.records[-1].at_ms)

    def _revision(self, seq: int) -> str:
        return f"{self.store.incarnation}.{seq}"

    def _published(self, events: Sequence[LogEvent]) -> None:
        self._past.saw(events)
        self.warming.saw(events)
        self.projector.wake()
        self.retention.happened(events)
        if self._follower is not None:
            self._follower.folded()
        if self._keeper is not None:
            self._keeper.wake()
        if self._bus is not None:
            self._bus.publish(events)

    async def _read_events(self, *, after: int, limit: int) -> list[LogEvent]:
        entries = await self.store.read(after=after, limit=limit)
        return [
            LogEvent(entry.first + place, record)
            for entry in entries
            for place, record in enumerate(decode_records(entry.body))
            if entry.first + place > after
        ]


def _check_request(request: AccessRequest) -> None:
    if ":" in request.resource.type:
        raise BadInput(f"`{request.resource.type}` holds a colon; a type may not", field="resource.type")
    check_intent(request.intent)
    check_claims(request)
    try:
        msgspec.msgpack.encode(request)
    except (OverflowError, ValueError, TypeError) as error:
        # Numbers beyond 64 bits, text that is no Unicode: what cannot be stored cannot be decided.
        raise BadInput(f"the request holds a value that cannot be stored: {error}", field="input") from error


class _RevisionUnavailableError(GraphsvcError):
    """The caller wants an answer fresher than this replica is."""

    code = "revision_unavailable"
