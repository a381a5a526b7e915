"""New rules are warm before they are in force: what they remember is worked out while decisions go on under the old ones.

Theory of operation. Rules that come into force remember what happened as if they had been there (`core.rebuild`), which takes
about as long as judging every remembered action again. So a copy of the world is made by a snapshot, in steps; a thread
restores it and puts the rules in force in the copy; the records that came since are folded into it in slices. When it is
nearly up with the world the change is proposed as any other. Before its commit the copy folds the last few records, and
when the record is folded, the world takes over what the copy remembers: the switch is at that one place of the log.

Rules that another replica put in force are met in the log. There everything folded is already known, so the writer waits
while a copy is made and warmed, folds the rules, and goes on: what it holds back is answered later or in time refused, but
whatever needs no writer is answered meanwhile.

INVARIANT: nothing of this is in the log. Who folds the record without a copy rebuilds, and remembers the same.
INVARIANT: a copy is used for the very records that were proposed with it, never for what another wrote at that place.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress

from msgspec.structs import replace

from graphsvc.core.governing import PolicyShadowed, TrialEnded
from graphsvc.core.record import PolicyPublished, Record
from graphsvc.core.snapshot import restore
from graphsvc.core.state import Overlay
from graphsvc.core.world import World
from graphsvc.decide.command import LogEvent
from graphsvc.decide.jobs import ChangeJob, Moment
from graphsvc.decide.keeper import encoded, without_collections
from graphsvc.decide.proposal import Job, Outcome, Proposal

__all__ = ["LEAST", "Warming", "is_rules"]

LEAST = 1_000  # remembered actions from which on it is worth it; fewer are read again in a tenth of a second
_RULES = (PolicyPublished, PolicyShadowed, TrialEnded)
_LAST = 20  # records that may be left to fold when the change is proposed
_PAUSE_S = 0.004  # as `keeper` rests, and for the same reason
_SLICE_S, _LONGEST_S = 0.002, 0.032
_TRIES = 3  # copies that are made of a world in which others change rules too

_log = logging.getLogger("graphsvc.warming")


def is_rules(record: Record) -> bool:
    """Whether folding it puts other rules in force."""
    return isinstance(record, _RULES)


class Warming:
    """Runs changes of rules, and is asked before those of others are folded.

    submit: makes a change durable. least: remembered actions below which rules are not warmed.
    """

    def __init__(
        self,
        world: World,
        submit: Callable[[Job], Awaitable[Outcome]],
        now_ms: Callable[[], int],
        *,
        least: int = LEAST,
    ) -> None:
        self._world = world
        self._submit = submit
        self._now_ms = now_ms
        self.least = least
        self._lock = asyncio.Lock()
        # What was folded since the copy was made; None while there is none.
        self._tail: deque[LogEvent] | None = None
        self._leaving: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Stop what is still being freed."""
        for task in self._leaving:
            task.cancel()
        await asyncio.gather(*self._leaving, return_exceptions=True)

    def saw(self, events: Sequence[LogEvent]) -> None:
        """Records have been folded."""
        if self._tail is None:
            return
        if any(is_rules(event.record) for event in events):
            # Another replica's rules would come into force after ours in the copy.
            self._tail = self._world.warmed = None
            return
        self._tail.extend(events)
        if self._world.warmed is not None:
            # What others had written before the change was found when the change was durable.
            self._catch_up(self._world.warmed[0], self._tail)

    async def run(self, job: ChangeJob) -> Outcome:
        """Make a change of rules durable, warmed; the errors of the job, before anything is warmed if it has any."""
        if len(self._world.history) < self.least:
            return await self._submit(job)
        async with self._lock:
            for _ in range(_TRIES):
                with suppress(_OvertakenError):
                    return await self._run_warmed(job)
            return await self._submit(job)

    async def _run_warmed(self, job: ChangeJob) -> Outcome:
        """_OvertakenError when another replica changed rules meanwhile."""
        began = time.monotonic()
        copy: World | None = None
        try:
            records = job.build(Moment(self._world, Overlay(self._world.state), self._now_ms()))
            rules = tuple(filter(is_rules, records))
            self._tail = deque()
            copy = await self._copied(rules, _PAUSE_S)
            await self._follow(copy)
            outcome = await self._submit(_Switch(job, self, copy, rules))
        finally:
            self._tail = self._world.warmed = None
            if copy is not None:
                await _let_go(copy, self._world)
        self._told(began)
        return outcome

    @asynccontextmanager
    async def others(self, rules: Sequence[Record]) -> AsyncIterator[None]:
        """Within it, rules that another replica wrote are folded without a rebuild. Nothing may be folded before."""
        if len(self._world.history) < self.least:
            yield
            return
        began = time.monotonic()
        try:
            # There is no commit that must not wait.
            copy = await self._copied(rules, 0)
        except Exception:  # noqa: BLE001  without a copy they are rebuilt, for what is in the log must be folded
            _log.warning("rules_not_warmed", exc_info=True)
            yield
            return
        self._world.warmed = copy, rules
        try:
            yield
        finally:
            self._world.warmed = None
            leaving = asyncio.create_task(_let_go(copy, self._world), name="warming")
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)
        self._told(began)

    def _told(self, began: float) -> None:
        took_s = round(time.monotonic() - began, 3)
        _log.info("rules_warmed", extra={"actions": len(self._world.history), "seconds": took_s})

    async def _copied(self, rules: Sequence[Record], pause_s: float) -> World:
        _, plain = await encoded(self._world, pause_s)
        with without_collections():
            copy = await asyncio.to_thread(_with_rules, plain, rules)
            # The copy stays or goes as a whole; the collector need not look at it.
            gc.freeze()
        return copy

    async def _follow(self, copy: World) -> None:
        """Fold what came since, faster the further behind, until there is little left."""
        slice_s, left = _SLICE_S, -1
        while self._tail is not None and len(self._tail) > _LAST:
            if 0 <= left <= len(self._tail):
                slice_s = min(2 * slice_s, _LONGEST_S)
            left = len(self._tail)
            until = time.monotonic() + slice_s
            while self._tail and time.monotonic() < until:
                _fold(copy, self._tail.popleft())
            await asyncio.sleep(_PAUSE_S)

    def ready(self, copy: World, rules: Sequence[Record], proposal: Proposal) -> None:
        """Hand the copy to the world for the records of a proposal, if it is what they bring about.

        _OvertakenError when rules changed since it was made.
        """
        world = self._world
        world.warmed = None
        if self._tail is None:
            raise _OvertakenError
        proposed = tuple(filter(is_rules, proposal.records))
        if list(map(_meaning, proposed)) != list(map(_meaning, rules)):
            return
        self._catch_up(copy, self._tail)
        if copy.seq == world.seq:
            world.warmed = copy, proposed

    def _catch_up(self, copy: World, tail: deque[LogEvent]) -> None:
        while tail:
            _fold(copy, tail.popleft())


class _OvertakenError(Exception):
    """Other rules came into force while a copy was warmed with ours."""


class _Switch:
    """A change of rules with the copy that it is warm in."""

    def __init__(self, job: ChangeJob, warming: Warming, copy: World, rules: Sequence[Record]) -> None:
        self._job, self._warming, self._copy, self._rules = job, warming, copy, rules
        self.rank = job.rank

    def propose(self, world: World, overlay: Overlay, at_ms: int, seq: int) -> Proposal | None:
        """What the change proposes; the copy is brought up to it."""
        proposal = self._job.propose(world, overlay, at_ms, seq)
        if proposal is not None:
            self._warming.ready(self._copy, self._rules, proposal)
        return proposal


def _with_rules(plain: bytes, rules: Sequence[Record]) -> World:
    copy = restore(plain)
    for record in rules:
        # Without a time: what has ended is forgotten when the world forgets it.
        copy.apply(replace(record, at_ms=0), copy.seq)
    return copy


def _fold(copy: World, event: LogEvent) -> None:
    copy.apply(event.record, event.seq)


def _meaning(record: Record) -> tuple[object, ...]:
    """What makes it the same change of rules, whenever it is made."""
    shares = getattr(record, "share_ppm", None)
    return type(record), getattr(record, "pack", ""), getattr(record, "sha256", ""), shares


async def _let_go(copy: World, world: World) -> None:
    """Empty a copy bit by bit, but for what the world took over: freeing millions of values at once is a pause."""
    kept = {id(each) for each in vars(world).values()}
    until = time.monotonic() + _SLICE_S
    for part in [each for each in vars(copy).values() if id(each) not in kept]:
        for held in (part, *getattr(part, "__dict__", {}).values()):
            while isinstance(held, dict) and held:
                held.popitem()
                if time.monotonic() > until:
                    await asyncio.sleep(_PAUSE_S)
                    until = time.monotonic() + _SLICE_S
    # It and what reads it refer to each other.
    vars(copy).clear()
