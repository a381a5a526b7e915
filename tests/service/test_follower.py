"""Replicas that share a store: what one appends the others know, and what one cannot know it does not claim."""

import asyncio
from collections.abc import Callable, Collection, Sequence

import pytest
from msgspec.structs import replace

from graphsvc.core.request import AccessRequest
from graphsvc.core.verdict import ReasonCode, Verdict
from graphsvc.decide.command import Caller
from graphsvc.decide.ports import Accepted, Draft, Entry, Refused
from graphsvc.errors import ClocksDiffer, NotAllowed, StoreUnavailable
from graphsvc.store.memory import MemoryStore
from tests.race.faulty import without_waiting
from tests.service.harness import GATEWAY, Clock, Harness, serving

pytestmark = pytest.mark.anyio


class _Store(MemoryStore):
    """A memory store whose log can be cut off, whose head can lie and whose clock can differ."""

    cut = False
    lies = False
    differs = False

    async def head(self) -> int:
        if self.cut:
            raise StoreUnavailable("cut off")
        return 0 if self.lies else await super().head()

    async def append(self, draft: Draft, *, seen: int, reads: Collection[str]) -> Accepted | Refused:
        if self.cut:
            raise StoreUnavailable("cut off")
        return await super().append(draft, seen=seen, reads=reads)

    async def read(self, *, after: int, limit: int) -> Sequence[Entry]:
        if self.cut:
            raise StoreUnavailable("cut off")
        return await super().read(after=after, limit=limit)

    async def ping(self) -> None:
        if self.differs:
            raise ClocksDiffer("the clocks differ")


async def _until(holds: Callable[[], bool], within_s: float = 10) -> None:
    async with asyncio.timeout(within_s):
        while not holds():  # noqa: ASYNC110  the world tells nobody that it grew
            await asyncio.sleep(0.01)


def _asked(harness: Harness) -> AccessRequest:
    return replace(harness.command("mail:Read", "mailbox:alice", chain="e1").request, id="e")


async def test_an_idle_replica_learns_what_another_appended() -> None:
    """Without asking anything a replica has soon folded what the other one wrote."""
    store = MemoryStore()
    async with (
        serving(store, name="a", shared=True) as first,
        serving(store, name="b", shared=True) as second,
    ):
        await first.prepare()
        await _until(lambda: second.service.world.seq == first.service.world.seq)
        judged = await second.service.evaluate(GATEWAY, _asked(second))
        assert judged.verdict is Verdict.PERMIT
        assert not judged.stale


async def test_a_bell_is_heard_at_once() -> None:
    """What a bell tells is read without waiting for the next look at the log."""

    class Ringing:
        def __init__(self) -> None:
            self.told: asyncio.Queue[int] = asyncio.Queue()

        async def ring(self, seq: int) -> None: ...

        async def heard(self) -> int:
            return await self.told.get()

        async def close(self) -> None: ...

    store, bell = MemoryStore(), Ringing()
    async with serving(store, name="a") as first, serving(store, name="b", shared=True, bell=bell) as second:
        # Only the bell can be the cause: the looks at the log are put off.
        assert second.service._follower is not None
        second.service._follower._tasks[0].cancel()
        await first.prepare()
        await asyncio.sleep(0.6)
        assert second.service.world.seq == 0
        bell.told.put_nowait(first.service.world.seq)
        await _until(lambda: second.service.world.seq == first.service.world.seq)


async def test_at_least_waits_for_a_revision_of_another_replica() -> None:
    """A revision that another replica gave out is waited for; one that nobody gave out is refused in the deadline."""
    store, clock = MemoryStore(), Clock()
    async with (
        serving(store, name="a", shared=True, clock=clock) as first,
        serving(store, name="b", shared=True, clock=clock) as second,
    ):
        await first.prepare()
        command = second.command("mail:Read", "mailbox:alice")
        there = await second.service.decide(GATEWAY, replace(command, at_least=first.service.revision()))
        assert there.verdict is Verdict.PERMIT
        unknown = f"{store.incarnation}.{10**6}"
        absent = await second.service.decide(
            GATEWAY, replace(command, key="other", at_least=unknown, deadline_ms=200)
        )
        assert [reason.code for reason in absent.decision.reasons] == [ReasonCode.revision_unavailable]


async def test_one_replica_draws_and_another_takes_over() -> None:
    """Of two projectors one holds the lease; when it stops the other draws what comes after."""
    store = MemoryStore()
    async with serving(store, name="b", shared=True) as second:
        async with serving(store, name="a", shared=True) as first:
            await first.prepare()
            await asyncio.gather(first.service.wait_drawn(), second.service.wait_drawn())
            assert first.service.projector.leads != second.service.projector.leads
        await second.act("mail:Read")
        await asyncio.wait_for(second.service.wait_drawn(), 10)
        assert second.service.projector.leads


async def test_a_lease_of_the_dead_ends_by_itself() -> None:
    """A holder that never gives its lease back hinders the drawing for a few seconds only."""
    store = MemoryStore()
    assert await store.lease("projector", "dead", 1_000)
    async with serving(store) as harness:
        await harness.prepare()
        await asyncio.wait_for(harness.service.wait_drawn(), 15)


async def test_a_replica_that_cannot_read_says_stale_and_then_nothing() -> None:
    """For a while `evaluate` answers from what is known and says so; then it refuses; with the log it is back."""
    store, clock = _Store(), Clock()
    async with serving(store, shared=True, clock=clock) as harness:
        await harness.prepare()
        store.cut = True
        await asyncio.sleep(0.3)
        clock.now_ms += 6_000
        assert (await harness.service.evaluate(GATEWAY, _asked(harness))).stale
        clock.now_ms += 30_000
        with pytest.raises(StoreUnavailable, match="could not be read for 36 s"):
            await harness.service.evaluate(GATEWAY, _asked(harness))
        refused = await harness.act("mail:Read")
        assert [reason.code for reason in refused.decision.reasons] == [ReasonCode.store_unavailable]
        store.cut = False
        await asyncio.sleep(0.6)
        assert not (await harness.service.evaluate(GATEWAY, _asked(harness))).stale
        assert (await harness.act("mail:Read")).verdict is Verdict.PERMIT


def test_a_clock_that_is_set_back_makes_nothing_fresh() -> None:
    """A replica that is cut off says stale, and then nothing, also while its clock stands still."""

    async def story() -> None:
        store = _Store()
        async with serving(store, shared=True, clock=Clock()) as harness:
            await harness.prepare()
            store.cut = True
            await asyncio.sleep(6)
            assert (await harness.service.evaluate(GATEWAY, _asked(harness))).stale
            await asyncio.sleep(30)
            with pytest.raises(StoreUnavailable, match="could not be read for 3"):
                await harness.service.evaluate(GATEWAY, _asked(harness))

    without_waiting(story())


async def test_a_swapped_store_ends_every_answer() -> None:
    """A log that ends before what was folded is another one: nothing is decided or evaluated any more."""
    store = _Store()
    async with serving(store, shared=True) as harness:
        await harness.prepare()
        store.lies = True
        await asyncio.wait_for(harness.service.swapped.wait(), 10)
        refused = await harness.act("mail:Read")
        assert [reason.code for reason in refused.decision.reasons] == [ReasonCode.store_unavailable]
        with pytest.raises(StoreUnavailable):
            await harness.service.evaluate(GATEWAY, _asked(harness))
        assert not (await harness.service.check_ready())[0]


async def test_nothing_is_decided_while_the_clocks_differ() -> None:
    """A clock that is off blocks decisions until it agrees again."""
    store = _Store()
    async with serving(store, shared=True) as harness:
        await harness.prepare()
        follower = harness.service._follower
        assert follower is not None
        store.differs = True
        await follower._compare_clocks()
        refused = await harness.act("mail:Read")
        assert [reason.code for reason in refused.decision.reasons] == [ReasonCode.store_unavailable]
        assert not (await harness.service.check_ready())[0]
        store.differs = False
        await _until(lambda: harness.service.sequencer.blocked is None)
        assert (await harness.act("mail:Read")).verdict is Verdict.PERMIT


async def test_a_cancelled_action_keeps_its_key() -> None:
    """After `cancelDecision` the same key is DENY, not the PERMIT of an action that history no longer holds."""
    async with serving(MemoryStore()) as harness:
        await harness.prepare()
        permitted = await harness.act("mail:Read", key="k")
        assert permitted.verdict is Verdict.PERMIT
        await harness.service.cancel(GATEWAY, permitted.decision.request.id)
        again = await harness.act("mail:Read", key="k")
        assert again.verdict is Verdict.DENY
        assert [reason.code for reason in again.decision.reasons] == [ReasonCode.cancelled]
        assert not ReasonCode.cancelled.retryable


async def test_a_batch_that_fails_is_written_one_by_one() -> None:
    """What the store refuses as a whole is judged singly once, so only the one at fault gets nothing."""

    class Picky(MemoryStore):
        async def append(self, draft: Draft, *, seen: int, reads: Collection[str]) -> Accepted | Refused:
            if any("poison" in cell for cell in draft.cells):
                raise ValueError("cannot be written")
            return await super().append(draft, seen=seen, reads=reads)

    async with serving(Picky()) as harness:
        await harness.prepare()
        commands = [
            harness.command("mail:Read", "mailbox:alice", chain=name) for name in ("c1", "poison", "c2")
        ]
        answers = await asyncio.gather(
            *(harness.service.decide(GATEWAY, command) for command in commands), return_exceptions=True
        )
        assert isinstance(answers[1], ValueError)
        for answer in (answers[0], answers[2]):
            assert not isinstance(answer, BaseException)
            assert answer.verdict is Verdict.PERMIT


@pytest.mark.parametrize("how", ["decide", "evaluate", "open"])
async def test_a_session_belongs_to_who_began_it(how: str) -> None:
    """An enforcement point cannot put its chain into another one's session, nor look into it."""
    other = Caller(subject="gateway-2", roles=frozenset({"pep"}))
    any_chain = Caller(subject="gateway-3", roles=frozenset({"pep"}), scopes=frozenset({"chain:any"}))
    async with serving(MemoryStore()) as harness:
        await harness.prepare()

        async def ask(caller: Caller, chain: str, session: str) -> None:
            command = harness.command("mail:Read", "mailbox:alice", chain=chain)
            request = replace(command.request, session=session)
            if how == "decide":
                await harness.service.decide(caller, replace(command, request=request))
            elif how == "evaluate":
                await harness.service.evaluate(caller, replace(request, id="e"))
            else:
                await harness.service.open_chain(
                    caller, chain, session=session, parent_chain=None, shared_with=(), intent=None
                )

        first = harness.command("mail:Read", "mailbox:alice", chain="c1")
        await harness.service.decide(GATEWAY, replace(first, request=replace(first.request, session="named")))
        await harness.act("mail:Read", chain="own")
        for session in ("named", "own"):
            with pytest.raises(NotAllowed):
                await ask(other, f"c2-{session}", session)
        await ask(any_chain, "c3", "named")
        await ask(GATEWAY, "c4", "named")


def test_a_store_that_comes_back_is_first_there_for_decisions() -> None:
    """The projector asks an absent store ever more seldom, and draws within a few seconds of its return."""

    class Away(MemoryStore):
        """Nothing can be drawn while it is away."""

        is_away, asked = False, 0

        async def lease(self, name: str, holder: str, ttl_ms: int) -> bool:
            if self.is_away:
                self.asked += 1
                raise StoreUnavailable("the store is down")
            return await super().lease(name, holder, ttl_ms)

    async def story() -> None:
        store = Away()
        async with serving(store) as harness:
            await harness.prepare()
            await harness.service.wait_drawn()
            store.is_away = True
            await asyncio.sleep(60)
            assert 10 < store.asked < 30
            await harness.act("mail:Read", "mailbox:alice")
            store.is_away = False
            async with asyncio.timeout(5):
                await harness.service.wait_drawn()

    without_waiting(story())
