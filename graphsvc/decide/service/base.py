"""What all use cases work on: the store, the folded world, the one writer; built, started and closed together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from graphsvc.core.codec import decode_records
from graphsvc.core.record import Record
from graphsvc.core.world import World
from graphsvc.decide.audit import AuditLog
from graphsvc.decide.audit_read import AuditReads
from graphsvc.decide.command import (
    Ack,
    LogEvent,
)
from graphsvc.decide.desk import Desk
from graphsvc.decide.exploring import Explorer
from graphsvc.decide.follower import Bell, Follower
from graphsvc.decide.freshness import Freshness
from graphsvc.decide.grant_desk import GrantDesk
from graphsvc.decide.hindsight import Hindsight
from graphsvc.decide.jobs import ChangeJob
from graphsvc.decide.keeper import Keeper
from graphsvc.decide.late import Late
from graphsvc.decide.overview import Overview
from graphsvc.decide.past import Past
from graphsvc.decide.ports import Clock, Ids, Notary, Painter, Store
from graphsvc.decide.projector import Projector
from graphsvc.decide.proposal import Job, Outcome
from graphsvc.decide.registering import Register
from graphsvc.decide.retention import IDLE_S, Retention
from graphsvc.decide.sequencer import Sequencer
from graphsvc.decide.trying import PublishRules
from graphsvc.decide.unanswered import Unanswered
from graphsvc.decide.values import StoreValues, Values
from graphsvc.decide.warming import Warming
from graphsvc.errors import Conflict

__all__ = ["EventBus", "UseCases"]

DEFAULT_DEADLINE_MS = 5_000
# Entries of the log read at once, at first and at most.
_ENTRIES, _MOST_ENTRIES = 16, 500


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


class UseCases:
    """The parts of one service, which its use cases share.

    keeper: has restored the world that the service goes on from, and saves it now and then; None: no snapshots.
    notary: holds the key that signs the audit log; None: it is not signed.
    shared: other replicas append to the store; bell: tells them at once. chain_idle_s: after which a chain ends.
    deadline_ms: time to answer a decision whose caller names none. rules: what publishing packs asks for.
    store_values: what is kept of the values of requests. painter: draws the graph in the place of this process.
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
        store_values: StoreValues = "referenced",
        painter: Painter | None = None,
    ) -> None:
        self.store = store
        self.audit = AuditLog(store, notary, thin=True)
        self._keeper = keeper
        self.world = keeper.world if keeper is not None else World()
        self.explorer = Explorer(self.world, self.revision)
        self._ids = ids
        self._bus = bus
        self.warming = Warming(self.world, self._run, self.now_ms)
        self.sequencer = Sequencer(
            store,
            self.world,
            clock=clock,
            ids=ids,
            listener=self._published,
            warmed=self.warming.others,
        )
        self.overview = Overview(self.world, self.now_ms)
        self._past = Past(store, self.world, self._read_events)
        self.hindsight = Hindsight(self.world, self._past, self._read_events, lambda: self.values)
        self.projector = Projector(store, self.world, painter)
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
        self.finding_register = Register(self.world, self._acked, ids, self.now_ms)
        self._follower = Follower(store, self.world, self.sequencer, bell=bell) if shared else None
        self.retention = Retention(store, self.world, self.sequencer, idle_s=chain_idle_s)
        self._freshness = Freshness(store, self.sequencer, shared=shared)
        self._late = Late(self.sequencer)
        self._unanswered = Unanswered()
        self._audit_reads = AuditReads(self.sequencer)
        self._deadline_ms = deadline_ms
        self._store_values = store_values
        self.values = Values()
        self._started = False

    async def start(self) -> None:
        """Fold the log, then take requests and draw."""
        if self._store_values == "referenced":
            self.values = Values(await self.store.salt())
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
        await self.warming.close()
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

    def now_ms(self) -> int:
        """The service's time, Unix milliseconds; it never runs backwards."""
        return self.sequencer.now_ms()

    def revision(self) -> str:
        """`<incarnation>.<seq>` of what has been folded."""
        return self._revision(self.world.seq)

    def cursor_seq(self, cursor: str) -> int | None:
        """The number in a revision of this store's incarnation, else None."""
        incarnation, _, seq = cursor.rpartition(".")
        return int(seq) if incarnation == self.store.incarnation and seq.isdecimal() else None

    async def _run(self, job: Job) -> Outcome:
        outcome = await asyncio.shield(self.sequencer.submit(job))
        if outcome is None:
            raise Conflict("nothing to change")
        return outcome

    async def _acked(self, job: Job) -> Ack:
        return self._ack(await self._run(job))

    async def _switched(self, job: ChangeJob) -> Ack:
        return self._ack(await self.warming.run(job))

    def _ack(self, outcome: Outcome) -> Ack:
        last = outcome.first + len(outcome.records) - 1
        return Ack(revision=self._revision(last), at_ms=outcome.records[-1].at_ms)

    def _revision(self, seq: int) -> str:
        return f"{self.store.incarnation}.{seq}"

    def _published(self, events: Sequence[LogEvent]) -> None:
        self._past.saw(events)
        self.warming.saw(events)
        self.projector.wake(events)
        self.retention.happened(events)
        self._unanswered.look(self.world.ruleset)
        if self._follower is not None:
            self._follower.folded()
        if self._keeper is not None:
            self._keeper.wake()
        if self._bus is not None:
            self._bus.publish(events)

    async def _read_events(self, *, after: int, limit: int) -> list[LogEvent]:
        """Records behind number `after`, whole entries until there are `limit` of them; fewer only at the end of the log.

        An entry holds one record or hundreds: so many entries would be far more than anybody asked for, all in memory.
        """
        found: list[LogEvent] = []
        page = _ENTRIES
        while len(found) < limit:
            entries = await self.store.read(after=after, limit=page)
            for entry in entries:
                if len(found) >= limit:
                    return found
                records = enumerate(decode_records(entry.body), entry.first)
                found += [LogEvent(seq, record) for seq, record in records if seq > after]
                after = entry.seq
            if len(entries) < page:
                return found
            # As many as it will take, going by those that were read.
            page = min(_MOST_ENTRIES, max(_ENTRIES, (limit - len(found)) * page // max(1, len(found))))
        return found

    async def _all_records(self, after: int) -> AsyncIterator[tuple[int, Record]]:
        while events := await self._read_events(after=after, limit=500):
            for event in events:
                yield event.seq, event.record
            after = events[-1].seq
