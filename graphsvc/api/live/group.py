"""Subscribers who ask the same: the log is read, each record judged and its answer written once for all of them.

Theory of operation. A group is one document with one set of variables (apart from the cursor) and one scope of
rights. It reads records as they become durable and offers what they become to its members, whose backlogs are
bounded, so nobody waits for anybody. A member that resumes reads the log by itself until it has seen everything the
group has, and then joins.

INVARIANT: between a member's last look at the newest number and its joining nothing is awaited, so no record falls
between what it read itself and what the group offers; what both have is recognised by its number.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Any, cast

from graphql import Executor

from graphsvc.api.auth import Authenticator, Login
from graphsvc.api.live.backlog import Backlog, Item, Missed
from graphsvc.api.live.document import Watched, answer_text
from graphsvc.api.metric import Metrics
from graphsvc.api.role import FIELD_ROLES
from graphsvc.api.schema.watching import Watching
from graphsvc.decide.command import LogEvent
from graphsvc.decide.service import GraphsvcService

__all__ = ["Group", "Member"]

_READ_LIMIT = 200
_log = logging.getLogger("graphsvc.api")


class Member:
    """One subscriber. position: number of the last record it has seen by itself, before it joined."""

    def __init__(self, group: Group, login: Login, after: str | None, bound: int) -> None:
        self._group = group
        self._login = login
        self._after = after
        self.backlog = Backlog(bound)
        self._wake = asyncio.Event()
        self.position = 0
        self._failure: BaseException | None = None
        group.enter(self)

    @property
    def path(self) -> str:
        """The field that is watched, `Type.field`."""
        return self._group.watching.path

    def close(self) -> None:
        """Leave the group; to be called however reading ends."""
        self._group.leave(self)

    @property
    def is_allowed(self) -> bool:
        """Whether the caller may see events of this kind, now: a token ends at its time, or when it is taken back."""
        login = self._login
        return (
            bool(login.caller.roles & FIELD_ROLES.get(self._group.watching.path, frozenset()))
            and (login.expires_s is None or time.time() < login.expires_s)
            and self._group.auth.holds(login)
        )

    def offer(self, item: Item) -> None:
        """An event for everybody; whoever is slow leaves some out."""
        if item.seq > self.position:
            left_out = self.backlog.put(item)
            if left_out:
                self._group.metrics.dropped.inc(left_out)
            self._wake.set()

    def fail(self, error: BaseException) -> None:
        """The group cannot go on."""
        self._failure = error
        self._wake.set()

    async def items(self) -> AsyncIterator[Item]:
        """Events from where the caller asked, without end. PermissionError when it may see them no longer."""
        async for item in self._caught_up():
            self._check()
            yield item
        while True:
            taken = self.backlog.take()
            if taken is None:
                if self._failure is not None:
                    raise self._failure
                self._wake.clear()
                await self._wake.wait()
                continue
            self._check()
            yield await self._group.gap(taken) if isinstance(taken, Missed) else taken

    def _check(self) -> None:
        if not self.is_allowed:
            raise PermissionError

    async def _caught_up(self) -> AsyncIterator[Item]:
        """What the log holds behind the cursor; then the member belongs to the group."""
        group = self._group
        service = group.service
        self.position = group.head()
        if self._after is not None:
            start = service.cursor_seq(self._after)
            if start is None:
                yield await group.told_gap(self.position, None)
            else:
                self.position = start
        while self.position < group.head():
            events = await service.records(after=self.position, limit=_READ_LIMIT)
            if not events:
                break
            if events[0].seq > self.position + 1:
                yield await group.told_gap(events[0].seq - 1, events[0].seq - 1 - self.position)
            for event in events:
                self.position = event.seq
                item = await group.item(event)
                if item is not None:
                    yield item
        group.join(self)


class Group:
    """What its members have in common. ended: called when the last of them has left."""

    def __init__(
        self,
        service: GraphsvcService,
        metrics: Metrics,
        auth: Authenticator,
        watched: Watched,
        executor: Executor[Any],
        watching: Watching,
        ended: Callable[[], None],
    ) -> None:
        self.service = service
        self.metrics = metrics
        self.auth = auth
        self.watching = watching
        self._watched = watched
        self._executor = executor
        self._ended = ended
        # All of them, and those that have caught up.
        self._known: set[Member] = set()
        self._members: set[Member] = set()
        self._task: asyncio.Task[None] | None = None

    def head(self) -> int:
        """The newest number that has been folded."""
        seq = self.service.cursor_seq(self.service.revision())
        assert seq is not None
        return seq

    def enter(self, member: Member) -> None:
        """Know of a member that reads by itself as yet."""
        self._known.add(member)

    def join(self, member: Member) -> None:
        """Offer everything behind the member's position to it from now on."""
        self._members.add(member)
        if self._task is None:
            # Subscribed here and not in the task, which begins later.
            source = self.service.events(after=None)
            self._task = asyncio.create_task(self._run(source), name="subscriptions")

    def leave(self, member: Member) -> None:
        """The member is gone."""
        self._members.discard(member)
        self._known.discard(member)
        if not self._known:
            if self._task is not None:
                self._task.cancel()
                self._task = None
            self._ended()

    async def item(self, event: LogEvent) -> Item | None:
        """What a record becomes for this group, None = nothing."""
        told = self.watching.item(event)
        if told is None:
            return None
        text = await answer_text(self._watched, self._executor, told)
        return Item(event.seq, told.cursor, text, _topic(told))

    async def gap(self, missed: Missed) -> Item:
        """The event that tells of items left out."""
        return await self.told_gap(missed.seq, missed.number)

    async def told_gap(self, seq: int, count: int | None) -> Item:
        """The event that tells that records up to a number are left out."""
        gap = self.watching.gap(seq, count)
        return Item(seq, gap.cursor, await answer_text(self._watched, self._executor, gap), None)

    async def _run(self, source: AsyncIterator[list[LogEvent]]) -> None:
        position = self.head()
        try:
            async with aclosing(cast("AsyncGenerator[list[LogEvent], None]", source)) as batches:
                async for batch in batches:
                    if batch[0].seq > position + 1:
                        # The log no longer holds what lies between.
                        missed = await self.told_gap(batch[0].seq - 1, batch[0].seq - 1 - position)
                        self._offer(missed)
                    for event in batch:
                        position = event.seq
                        item = await self.item(event)
                        if item is not None:
                            self._offer(item)
                            # Decisions come first: a batch must not hold the loop for all of its events.
                            await asyncio.sleep(0)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001  a defect ends the group, told, and never silently
            _log.exception("subscription_failed", extra={"path": self.watching.path})
            for member in tuple(self._members):
                member.fail(error)

    def _offer(self, item: Item) -> None:
        for member in self._members:
            member.offer(item)


def _topic(told: object) -> str | None:
    """The chain or review that an event is about; a newer event about it says more than an older one."""
    for holder, name in (
        (told, "chain"),
        (getattr(told, "decision", None), "chain"),
        (getattr(told, "review", None), "id"),
    ):
        value = getattr(holder, name, None)
        if isinstance(value, str):
            return value
    return None
