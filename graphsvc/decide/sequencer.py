"""One writer per process: takes what is waiting, judges it in order, commits once, then answers.

Theory of operation. Requests wait in queues. While one batch is being committed others gather; when
the commit returns, up to 200 are drained: changes of rights first, then reports, then decisions. A
batch of decisions is judged in order on an overlay, so later ones see earlier ones, and becomes one
log entry. If the entry is refused because the unseen tail touches a cell that was read, the tail is
folded and the batch judged again. No timer and no linger: waiting was measured and never helped.

Where other replicas append too, `follow` makes the task read what they wrote whenever it has nothing to commit. Rules
that they put in force are warmed first (`warming`): nothing is folded or appended until they are, but the loop stays free.

INVARIANT: nobody is answered before the entry is durable.
INVARIANT: the world is folded in log order only, and by this task only.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Sequence

from graphsvc.core.audit.leaf import SALT_SIZE
from graphsvc.core.codec import encode_records
from graphsvc.core.record import Decided, Record
from graphsvc.core.state import Overlay
from graphsvc.core.world import World
from graphsvc.decide.command import LogEvent
from graphsvc.decide.figure import BATCHES, SECONDS, Distribution
from graphsvc.decide.folding import Folding, Warmed
from graphsvc.decide.ports import Accepted, Clock, Draft, Entry, Ids, Log, Refused, Salts
from graphsvc.decide.proposal import Job, Outcome, Proposal, Reads
from graphsvc.decide.queue import Queue
from graphsvc.decide.recent import Recent
from graphsvc.decide.waiting import Patient, Told, Waiting
from graphsvc.errors import Overloaded, StoreError, StoreSwapped, StoreUnavailable

__all__ = ["Sequencer"]

_REJUDGE_LIMIT = 12
_LOOKUP_ATTEMPTS = 5
_LOOKUP_PAUSE_S = 0.2
_FOLLOW_WITHIN_S = 2.0
_PAGE = 500
_OWN_LIMIT = 50_000


def new_salt() -> bytes:
    """A salt for the seals of one entry."""
    return secrets.token_bytes(SALT_SIZE)


class Sequencer:
    """Runs as one task between `start` and `close`. listener: told of records after they were folded.

    warmed: a context within which rules that others put in force can be folded without a rebuild.
    """

    def __init__(
        self,
        log: Log,
        world: World,
        *,
        clock: Clock,
        ids: Ids,
        listener: Callable[[Sequence[LogEvent]], None],
        salts: Salts = new_salt,
        queue_limit: int = 10_000,
        warmed: Warmed | None = None,
    ) -> None:
        self._log = log
        self._world = world
        self._clock = clock
        self._ids = ids
        self._salts = salts
        self._listener = listener
        self._folding = Folding(world, listener, warmed)
        self._queue = Queue(queue_limit)
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._last_ms = 0
        self._follow_due = False
        self._appending_since: float | None = None
        # Why nothing may be decided for the time being; None: it may.
        self.blocked: StoreUnavailable | None = None
        self.swapped = asyncio.Event()
        # Decisions that this process made and answered, the newest of them.
        self.own = Recent(_OWN_LIMIT)
        # When the log was last read, by our clock and by the loop's, which nobody can set back.
        self._read: tuple[int, float] | None = None
        self.batches = 0
        self.committed = 0
        self.refusals = 0
        self.commit_seconds = Distribution(SECONDS)
        self.batch_records = Distribution(BATCHES)
        # How long a commit, and judging one request, takes of late: who would wait too long is told so at once.
        self._commit_s = 0.0
        self._judge_s = 0.0

    async def start(self) -> None:
        """Fold what is in the log, then begin to take jobs."""
        # Nobody is served yet, so nothing is gained by a copy.
        await self._catch_up(warm=False)
        self._task = asyncio.create_task(self._run(), name="sequencer")

    async def close(self) -> None:
        """Stop; whatever still waits fails as unavailable."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        self._queue.fail_all(StoreUnavailable("the service is stopping"))

    def submit(self, job: Job) -> Told:
        """Queue a job; its future ends when its records are durable. Overloaded when too many wait."""
        waiting = Patient(job)
        self.enqueue(waiting)
        return waiting.told

    def enqueue(self, waiting: Waiting) -> None:
        """Queue a job for who waits, who is told at once when it cannot be done."""
        if self.blocked is not None:
            waiting.fail(self.blocked)
        elif self._task is None:
            waiting.fail(StoreUnavailable("the service is stopping"))
        else:
            try:
                self._queue.put(waiting)
            except Overloaded as error:
                waiting.fail(error)
            else:
                self._wake.set()

    def check_wait(self, left_s: float) -> None:
        """Overloaded when, as things went of late, a decision could not be made durable in the time it has."""
        self._queue.check_wait(left_s, judge_s=self._judge_s, commit_s=self._commit_s)

    def figures(self) -> dict[str, float]:
        """Counters since the start, and how many wait now."""
        return {
            "batches": self.batches,
            "committed": self.committed,
            "refusals": self.refusals,
            "overloads": self._queue.overloads,
            "queued": len(self._queue),
        }

    def follow(self) -> None:
        """Read what others appended, as soon as nothing is being committed."""
        self._follow_due = True
        self._wake.set()

    @property
    def silent_s(self) -> float:
        """For how long the store has owed the answer to an append; 0 when it owes none."""
        since = self._appending_since
        return 0.0 if since is None else asyncio.get_running_loop().time() - since

    def now_ms(self) -> int:
        """The service's time: never runs backwards within a process."""
        self._last_ms = max(self._last_ms, self._clock())
        return self._last_ms

    def was_read(self) -> None:
        """The log was read to its end, so the world is as old as this moment."""
        self._read = self.now_ms(), asyncio.get_running_loop().time()

    @property
    def unread_ms(self) -> int | None:
        """For how long the log was not read; None: it never was."""
        if self._read is None:
            return None
        read_ms, read_s = self._read
        return max(self.now_ms() - read_ms, int((asyncio.get_running_loop().time() - read_s) * 1000))

    async def catch_up(self) -> int:
        """Fold everything in the log that has not been folded; returns how many entries."""
        return await self._catch_up()

    async def _catch_up(self, within_s: float | None = None, *, warm: bool = True) -> int:
        """within_s: for each page that is read."""
        folded = 0
        while True:
            async with asyncio.timeout(within_s):
                entries = await self._log.read(after=self._world.seq, limit=_PAGE)
            if not entries:
                break
            folded += len(entries)
            await self._folding.fold(entries, warm=warm)
            # A long log must not starve the loop while it is read.
            await asyncio.sleep(0)
        self.was_read()
        return folded

    # -- the task --------------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            batch = self._queue.drain()
            if not batch:
                self._wake.clear()
                if self._follow_due:
                    self._follow_due = False
                    await self._follow()
                continue
            began, committing_s = asyncio.get_running_loop().time(), self.commit_seconds.total
            try:
                await self._commit_or_singly(batch)
                committing_s = self.commit_seconds.total - committing_s
                judging_s = asyncio.get_running_loop().time() - began - committing_s
                # The newest batches count most; eight of them make most of the figures.
                self._commit_s += (committing_s - self._commit_s) / 8
                if batch[0].job.rank == 2:
                    # What a change of rights or rules takes says nothing of decisions.
                    self._judge_s += (judging_s / len(batch) - self._judge_s) / 8
            except asyncio.CancelledError:
                for waiting in batch:
                    waiting.fail(StoreUnavailable("the service is stopping", outcome_unknown=True))
                raise

    async def _commit_or_singly(self, batch: list[Waiting]) -> None:
        """Commit; what the store refuses as a whole is judged and written one by one, once."""
        try:
            await self._commit(batch)
        except Exception as error:  # noqa: BLE001  a failed batch must never end the only writer
            self._noticed(error)
            # An unreachable store refuses each of them too; an unknown outcome must not be written twice.
            may_help = not isinstance(error, StoreUnavailable) or isinstance(error, _ContendedError)
            if len(batch) == 1 or not may_help:
                for waiting in batch:
                    waiting.fail(error)
                return
            for waiting in batch:
                await self._commit_or_singly([waiting])

    async def _follow(self) -> None:
        try:
            async with asyncio.timeout(_FOLLOW_WITHIN_S):
                head = await self._log.head()
            if head < self._world.seq:
                raise StoreSwapped(
                    f"the log ends at {head}, before {self._world.seq}, which was seen: another store"
                )
            if head > self._world.seq:
                await self._catch_up(_FOLLOW_WITHIN_S)
            self.was_read()
        except (StoreError, TimeoutError) as error:
            # `unread_ms` tells how old the world may be.
            self._noticed(error)

    def _noticed(self, error: Exception) -> None:
        if isinstance(error, StoreSwapped):
            self.blocked = error
            self.swapped.set()

    async def _commit(self, batch: list[Waiting]) -> None:
        for attempt in range(_REJUDGE_LIMIT):
            if attempt:
                self.refusals += 1
            idle: list[Waiting] = []
            proposals, records, touches = self._judge(batch, idle)
            if not records:
                for waiting in idle:
                    waiting.finish(None)
                return
            draft = Draft(
                id=self._ids(),
                count=len(records),
                cells=tuple(sorted(touches)),
                body=encode_records(records, self._salts()),
            )
            reads = Reads(proposal.reads for _, proposal in proposals)
            started = asyncio.get_running_loop().time()
            answer = await self._append(draft, reads)
            self.commit_seconds.add(asyncio.get_running_loop().time() - started)
            self.was_read()
            if isinstance(answer, Refused):
                await self._folding.fold(answer.tail)
                continue
            self.batches += 1
            self.committed += len(records)
            self.batch_records.add(len(records))
            await self._accept(answer, proposals)
            for waiting in idle:
                waiting.finish(None)
            return
        raise _ContendedError("other replicas kept changing what was judged; try again")

    def _judge(
        self, batch: list[Waiting], idle: list[Waiting]
    ) -> tuple[list[tuple[Waiting, Proposal]], list[Record], set[str]]:
        overlay = Overlay(self._world.state)
        proposals: list[tuple[Waiting, Proposal]] = []
        records: list[Record] = []
        touches: set[str] = set()
        at_ms = self.now_ms()
        for waiting in batch:
            if waiting.is_over:
                continue
            try:
                proposal = waiting.job.propose(
                    self._world, overlay, at_ms, self._world.seq + len(records) + 1
                )
            except Exception as error:  # noqa: BLE001  whatever is wrong with one request, the others go on
                waiting.fail(error)
                continue
            if proposal is None:
                # Its answer may be a record of this very batch, so it waits for the commit too.
                idle.append(waiting)
                continue
            if proposal.known is not None:
                overlay.merge(proposal.known.delta, proposal.known.happened)
            proposals.append((waiting, proposal))
            records += proposal.records
            touches |= proposal.touches
        return proposals, records, touches

    async def _append(self, draft: Draft, reads: Reads) -> Accepted | Refused:
        self._appending_since = asyncio.get_running_loop().time()
        try:
            return await self._appended(draft, reads)
        finally:
            self._appending_since = None

    async def _appended(self, draft: Draft, reads: Reads) -> Accepted | Refused:
        seen = self._world.seq
        try:
            return await self._log.append(draft, seen=seen, reads=reads)
        except StoreUnavailable as error:
            if not error.outcome_unknown:
                raise
            entry = await self._look_up(draft.id)
            if entry is None:
                raise StoreUnavailable(str(error)) from error
            return Accepted(entry, await self._before(entry, seen))

    async def _before(self, entry: Entry, seen: int) -> tuple[Entry, ...]:
        """What others wrote behind `seen` and before an entry, all of it."""
        tail: list[Entry] = []
        while seen < entry.first - 1:
            page = await self._log.read(after=seen, limit=_PAGE)
            tail += [other for other in page if other.seq < entry.seq]
            seen = page[-1].seq if page else entry.seq
        return tuple(tail)

    async def _look_up(self, entry_id: str) -> Entry | None:
        """Never guess: ask the store what became of an entry until it answers."""
        for attempt in range(_LOOKUP_ATTEMPTS):
            try:
                return await self._log.find(entry_id)
            except StoreUnavailable:
                await asyncio.sleep(_LOOKUP_PAUSE_S * (attempt + 1))
        # If it was written after all, the next append finds it in the unseen tail and folds it.
        return None

    async def _accept(self, answer: Accepted, proposals: list[tuple[Waiting, Proposal]]) -> None:
        await self._folding.fold(answer.tail)
        # With a tail in between the numbers moved, so what was computed is computed again.
        trusted = not answer.tail
        events: list[LogEvent] = []
        seq = answer.entry.first
        for waiting, proposal in proposals:
            first = seq
            for record in proposal.records:
                self._world.apply(record, seq, proposal.known if trusted else None)
                events.append(LogEvent(seq, record))
                seq += 1
                if isinstance(record, Decided):
                    self.own.add(record.request.id)
            waiting.finish(Outcome(first, proposal.records))
        self._listener(events)


class _ContendedError(StoreUnavailable):
    """Others touched what the batch read, again and again."""
