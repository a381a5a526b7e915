"""Decisions: asked for, judged, recorded and only then answered; what came of them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence

import msgspec

from graphsvc.core.intent import check_template
from graphsvc.core.near import nearest
from graphsvc.core.record import Cancelled, Decided, Reported
from graphsvc.core.verdict import NearHarm, Reason, ReasonCode, Verdict
from graphsvc.decide import archive
from graphsvc.decide.command import (
    Ack,
    Answer,
    Caller,
    DecideCommand,
)
from graphsvc.decide.jobs import DecideJob, ReportJob
from graphsvc.decide.late import DEADLINE
from graphsvc.decide.proposal import Outcome
from graphsvc.decide.request_check import check_request
from graphsvc.decide.service.base import UseCases
from graphsvc.decide.waiting import Timed, Told, failed
from graphsvc.errors import BadInput, Conflict, GraphsvcError, Overloaded, StoreUnavailable

__all__ = ["Decisions"]


MAX_BATCH = 200
# An answer of the store that is this late is the store's fault, whatever deadline the caller gave.
_SILENT_S = 1.0


class Decisions(UseCases):
    """Asks the one writer to judge and record, waits as long as the caller may, and puts what came of it in words."""

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

    def decided(self, decision: str) -> tuple[int, Decided] | None:
        """A decision by id with its number, however new, if it is one of the newest or was escalated; else None."""
        decision = decision.removeprefix("decision:")
        record = self.world.decided.get(decision)
        return (self.world.seq_of(decision), record) if record is not None else None

    async def recorded(self, decision: str) -> tuple[int, Decided] | None:
        """A decision by id with its number, however new or old; None when there is none."""
        return await archive.recorded(self.world, self.store, decision.removeprefix("decision:"))

    def _job(self, caller: Caller, command: DecideCommand) -> DecideJob:
        if not command.key:
            raise BadInput("must not be empty; a new key for each action", field="idempotencyKey")
        request = msgspec.structs.replace(
            command.request, id=self._ids(), chain=command.request.chain.removeprefix("chain:"), executed=True
        )
        if not request.chain:
            raise BadInput("must not be empty", field="chain")
        check_request(request)
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
            values=self.values,
        )

    def _submit_decision(self, job: DecideJob, command: DecideCommand) -> Told:
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
        waiting = Timed(job, left_s, self._late.told)
        self.sequencer.enqueue(waiting)
        return waiting.told

    async def _submit_at_least(
        self, job: DecideJob, command: DecideCommand, seq: int, left_s: float
    ) -> Outcome | None:
        """Wait for a revision that another replica gave out, as long as the deadline lets."""
        assert self._follower is not None
        if not await self._follower.reach(seq, left_s * 0.9):
            raise _RevisionUnavailableError
        return await self._submit_decision(job, command)

    async def _answer(self, job: DecideJob, future: Told, command: DecideCommand) -> Answer:
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
            # It reads the store, for which the caller need not have a task.
            return await asyncio.create_task(self._replayed(job))
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
        if cancelled is None and job.dedupe in self._late and not given:
            told = "the deadline of this key had passed; what becomes of it is being written"
            return self._transient(job, ReasonCode.deadline_exceeded, told, replayed=True)
        seq, record = found
        if cancelled is not None and (record.answered is Verdict.PERMIT or cancelled.by == DEADLINE):
            # Of this key nothing else will ever be said: who asks again with it would ask for ever.
            late = "was written after its deadline, and so " if cancelled.by == DEADLINE else "was "
            told = f"the action of this key {late}cancelled; use a new key to ask again"
            return self._transient(job, ReasonCode.cancelled, told, replayed=True)
        return self._answered(record, seq, replayed=True)

    def _transient(self, job: DecideJob, code: ReasonCode, told: str, *, replayed: bool = False) -> Answer:
        request = job.request
        if replayed and job.replay is not None:
            request = msgspec.structs.replace(request, id=job.replay)
        record = Decided(
            at_ms=self.sequencer.now_ms(),
            request=request,
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


class _RevisionUnavailableError(GraphsvcError):
    """The caller wants an answer fresher than this replica is."""

    code = "revision_unavailable"
