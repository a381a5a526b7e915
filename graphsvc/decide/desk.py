"""The life of rules as adapters ask for it: trials, drafts, publication, emergencies, and what rules would have done."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass

from graphsvc.core.governing import GlassBroken, PolicyDrafted, PolicyShadowed
from graphsvc.core.packs import load_packs
from graphsvc.core.policy.load import load_policies, load_policy
from graphsvc.core.record import Decided, PolicyPublished, Record, Suspended
from graphsvc.core.trial import unjudged
from graphsvc.core.verdict import Verdict
from graphsvc.core.world import World
from graphsvc.decide import emergency, reviewing, trying
from graphsvc.decide.command import Ack, Caller
from graphsvc.decide.jobs import ChangeJob
from graphsvc.decide.proposal import Job
from graphsvc.decide.rejudging import ReplayDiff, replay_diff
from graphsvc.decide.review_load import ReviewLoad, review_load
from graphsvc.decide.review_view import ReviewStatus
from graphsvc.decide.stopped import Stopped, would_have_stopped
from graphsvc.decide.trying import PackText, PublishRules
from graphsvc.errors import BadInput, Conflict

__all__ = ["Desk", "TrialView"]


@dataclass(frozen=True, slots=True)
class TrialView:
    """A pack on trial, and what came of it since. unjudged: what of it a trial cannot judge, in words.

    spoke: decisions of which it said something; denies, escalates: those it would have answered so; differs:
    those that it would have answered more severely than they were.
    """

    record: PolicyShadowed
    decisions: int
    spoke: int
    denies: int
    escalates: int
    differs: int
    unjudged: tuple[str, ...]


class Desk:
    """run: makes a change durable; switch: one of rules. ids: makes names. rules: what publishing asks for. read: the log behind a number."""

    def __init__(
        self,
        world: World,
        run: Callable[[Job], Awaitable[Ack]],
        switch: Callable[[ChangeJob], Awaitable[Ack]],
        ids: Callable[[], str],
        now_ms: Callable[[], int],
        rules: PublishRules,
        read: Callable[[int], AsyncIterator[tuple[int, Record]]],
    ) -> None:
        self._world = world
        self._run = run
        self._switch = switch
        self._ids = ids
        self._now_ms = now_ms
        self.rules = rules
        self._read = read
        self._replaying = asyncio.Lock()

    # -- trials ------------------------------------------------------------------------------------

    async def shadow(
        self, caller: Caller, text: str, file: str, share: float, comment: str
    ) -> tuple[Ack, list[str]]:
        """Put a pack on trial; and what of it cannot be judged so. share: of sessions in which it takes effect."""
        ack = await self._switch(trying.shadow(caller, text, file, share, comment, self.rules))
        return ack, unjudged(load_policy(text, file))

    async def end_trial(self, caller: Caller, pack: str, comment: str) -> Ack:
        """A pack is on trial no longer."""
        return await self._switch(trying.end_trial(caller, pack, comment))

    def trials(self) -> list[TrialView]:
        """Packs on trial, by id."""
        governance = self._world.governance
        return [
            self._trial(record, governance.trial_seqs[pack])
            for pack, record in sorted(governance.trials.items())
        ]

    def _trial(self, record: PolicyShadowed, since: int) -> TrialView:
        decisions = spoke = denies = escalates = differs = 0
        for seq, decided in self._newest():
            if seq < since:
                break
            decisions += 1
            told = [each.verdict for each in decided.shadow if each.pack == record.pack]
            if not told:
                continue
            spoke += 1
            worst = (
                Verdict.DENY
                if Verdict.DENY in told
                else Verdict.ESCALATE
                if Verdict.ESCALATE in told
                else None
            )
            denies += worst is Verdict.DENY
            escalates += worst is Verdict.ESCALATE
            differs += worst is not None and _rank(worst) > _rank(decided.answered)
        missing = tuple(unjudged(load_policy(record.text, record.file)))
        return TrialView(record, decisions, spoke, denies, escalates, differs, missing)

    # -- drafts and publication --------------------------------------------------------------------

    async def draft(self, caller: Caller, packs: Sequence[PackText], comment: str) -> tuple[Ack, str]:
        """Packs that wait for somebody to publish them; and the draft's id."""
        draft_id = self._ids()
        ack = await self._run(trying.draft(caller, draft_id, packs, comment, self.rules))
        return ack, draft_id

    async def publish(self, caller: Caller, packs: Sequence[PackText], comment: str) -> Ack:
        """Put packs into force at one place of the log."""
        return await self._switch(trying.publish(caller, packs, comment, self.rules))

    async def publish_draft(self, caller: Caller, draft: str, comment: str) -> Ack:
        """Put a draft into force."""
        return await self._switch(trying.publish_draft(caller, self._draft(draft), comment, self.rules))

    async def withdraw_draft(self, caller: Caller, draft: str, comment: str) -> Ack:
        """Nobody publishes it any more."""
        return await self._run(trying.withdraw_draft(caller, self._draft(draft), comment))

    def drafts(self) -> list[PolicyDrafted]:
        """Open drafts, newest first."""
        return sorted(self._world.governance.drafts.values(), key=lambda each: (-each.at_ms, each.draft))

    def packs_at(self, seq: int) -> list[PolicyPublished]:
        """The packs that were in force once record `seq` was written, by id."""
        held: dict[str, PolicyPublished] = {}
        for at, record in zip(self._world.governance.published_at, self._world.published, strict=True):
            if at > seq:
                break
            held[record.pack] = record
        return [held[pack] for pack in sorted(held)]

    def _draft(self, draft: str) -> PolicyDrafted:
        found = self._world.governance.drafts.get(draft)
        if found is None:
            raise BadInput(f"no draft `{draft}` is open", field="draft")
        return found

    # -- reviews and emergencies --------------------------------------------------------------------

    async def withdraw_review(self, caller: Caller, review: str, reason: str) -> Ack:
        """Nobody waits for the answer of a review any more."""
        return await self._run(
            reviewing.withdraw(caller, self._world, review.removeprefix("review:"), reason)
        )

    async def break_glass(
        self, caller: Caller, identity: str, chain: str | None, reason: str
    ) -> tuple[Ack, GlassBroken]:
        """Declare an emergency; what of it was recorded."""
        glass_id = self._ids()
        ack = await self._run(emergency.break_glass(caller, glass_id, self._world, identity, chain, reason))
        return ack, self._world.governance.breaks[glass_id]

    def emergencies(self) -> list[tuple[GlassBroken, int]]:
        """Every emergency with how many of its actions wait for their review, newest first."""
        governance = self._world.governance
        waiting = Counter(glass for _, glass in governance.unconfirmed.values())
        return [(each, waiting[each.id]) for each in reversed(governance.breaks.values())]

    def suspensions(self) -> list[Suspended]:
        """Everything that is suspended now, newest first."""
        now_ms, told = self._now_ms(), self._world.grants.told
        return [each for each in reversed(told.values()) if each.until_ms is None or now_ms < each.until_ms]

    def review_load(self, from_ms: int | None) -> ReviewLoad:
        """How much work reviews have been since a time."""
        chosen = (
            decided for _, decided in self._newest(from_ms) if from_ms is None or decided.at_ms >= from_ms
        )
        now_ms = self._now_ms()
        views = [reviewing.review_view(self._world, name, now_ms) for name in self._world.waiting]
        waiting = [view.opened_ms for view in views if view is not None and view.status is ReviewStatus.OPEN]
        return review_load(self._world, chosen, waiting)

    # -- what would have been ----------------------------------------------------------------------

    def stopped(self, *, from_ms: int | None, to_ms: int | None, limit: int, trials: bool) -> Stopped:
        """What would have been stopped between two times."""
        chosen = (
            (seq, decided)
            for seq, decided in self._newest(from_ms)
            if (to_ms is None or decided.at_ms < to_ms) and (from_ms is None or decided.at_ms >= from_ms)
        )
        return would_have_stopped(chosen, limit=limit, trials=trials)

    async def replay_diff(
        self,
        packs: Sequence[tuple[str, str]],
        *,
        as_of: int | None,
        from_ms: int | None,
        to_ms: int | None,
        limit: int,
        within_s: float,
    ) -> ReplayDiff:
        """Stored history under packs (text, file) put into force, or under those of record `as_of`.

        Conflict while another one runs: it takes all the time there is.
        """
        if (as_of is None) is (not packs):
            raise BadInput("give either policy files or a revision to judge as of", field="input")
        held = load_packs(self._world.packs)
        if packs:
            new = load_policies(packs)
            names = {policy.pack.id for policy in new}
            draft = load_policies(
                [
                    (each.source.text, each.source.file)
                    for each in (*(p for p in held if p.pack.id not in names), *new)
                ]
            )
        else:
            assert as_of is not None
            draft = load_policies([(each.text, each.file) for each in self.packs_at(as_of)])
        if self._replaying.locked():
            raise Conflict("another replay diff is running; try again when it is done")
        async with self._replaying:
            return await replay_diff(
                self._read, held, draft, limit=limit, from_ms=from_ms, to_ms=to_ms, within_s=within_s
            )

    def _newest(self, from_ms: int | None = None) -> Iterator[tuple[int, Decided]]:
        """Decisions with their numbers, newest first; those long before a time are left out."""
        for name, decided in self._world.decided.newest_first():
            if from_ms is not None and decided.at_ms < from_ms - _DISORDER_MS:
                return
            yield self._world.seq_of(name), decided


# Times follow the log but for what a cell's newest record pushed forward (rule R2).
_DISORDER_MS = 3_600_000
_RANKS = {Verdict.PERMIT: 0, Verdict.ESCALATE: 1, Verdict.DENY: 2}


def _rank(verdict: Verdict) -> int:
    return _RANKS[verdict]
