"""Sessions that are over are forgotten, and what is forgotten cannot be begun again."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from msgspec.structs import replace

from graphsvc.core import cap
from graphsvc.core.codec import decode_records
from graphsvc.core.forgotten import GONE, Forgotten
from graphsvc.core.snapshot import restore, snapshot
from graphsvc.core.verdict import ReasonCode, Verdict
from graphsvc.core.world import World
from graphsvc.errors import Conflict
from graphsvc.store.memory import MemoryStore
from tests.race.story import told_again
from tests.service.harness import ADMIN, GATEWAY, PACK, Harness, serving

pytestmark = pytest.mark.anyio

_HOUR_MS = 3_600_000
Over = Callable[[Harness], Awaitable[None]]


async def _over(harness: Harness) -> None:
    """A session of two actions whose chain nobody used for a day, and a day more."""
    await harness.prepare()
    await harness.act("crm:Read", "record:42", chain="old", key="first")
    await harness.act("crm:Read", "record:43", chain="old")
    harness.clock.now_ms += 25 * _HOUR_MS
    assert await harness.service.retention.end_idle() == 1
    harness.clock.now_ms += 25 * _HOUR_MS
    await harness.act("crm:Read", "record:44", chain="new")


async def test_a_session_that_is_over_leaves_nothing_that_grows() -> None:
    """Its actions, registers, keys and decisions' places go."""
    async with serving(MemoryStore()) as harness:
        await _over(harness)
        world = harness.service.world
        assert not world.names_of.get("s:old")
        assert all(packed.session != "old" for packed in world.history.items().values())
        assert "s:old" not in world.cells
        assert len(world.answered) == 1


async def _long_over(harness: Harness) -> None:
    """The same, and two more days."""
    await _over(harness)
    harness.clock.now_ms += 49 * _HOUR_MS
    await harness.act("crm:Read", "record:45", chain="newer")


async def test_of_a_session_that_ended_long_ago_only_the_names_stay() -> None:
    """Not even its closed chains: eight bytes for each of its two names."""
    async with serving(MemoryStore()) as harness:
        await _long_over(harness)
        cells = harness.service.world.cells
        assert not [key for key in cells if "old" in str(key)]
        assert cells[GONE] == Forgotten().also(["c:old", "x:old"])


async def test_names_of_what_ended_long_ago_cannot_be_used_again() -> None:
    """No chain of that name is opened, and none in a session of that name or spawned by such a chain."""
    async with serving(MemoryStore()) as harness:
        await _long_over(harness)
        for chain, session, parent in (("old", None, None), ("a", "old", None), ("b", None, "old")):
            with pytest.raises(Conflict, match="ended long ago"):
                await harness.service.open_chain(
                    GATEWAY, chain, session=session, parent_chain=parent, shared_with=(), intent=None
                )


async def test_what_ended_long_ago_stays_ended_when_the_state_is_built_again() -> None:
    """New rules, or news that come late, build registers from history; the names that have ended are no part of it."""
    async with serving(MemoryStore()) as harness:
        await _long_over(harness)
        harness.service.world.rebuild()
        assert harness.service.world.cells[GONE] == Forgotten().also(["c:old", "x:old"])
        await harness.service.publish_policy(ADMIN, [(PACK.replace('"1"', '"2"'), "test.yaml")], "")
        answer = await harness.act("crm:Read", chain="old")
        assert [reason.code for reason in answer.decision.reasons] == [ReasonCode.chain_closed]


def test_forgotten_names_are_a_set() -> None:
    """However they came and were merged: what was put in is in, the rest is not, and it survives its bytes."""
    names = [f"c:{number}" for number in range(3_000)]
    found = Forgotten()
    for start in range(0, 3_000, 7):
        found = found.also(names[start : start + 7])
    assert found == Forgotten().also(reversed(names)) == Forgotten.from_bytes(found.to_bytes())
    assert len(found) == 3_000
    assert all(name in found for name in names)
    assert not any(f"s:{number}" in found for number in range(3_000))
    assert found.also(names) is found


@pytest.mark.parametrize("over", [_over, _long_over])
async def test_nobody_goes_on_in_a_session_that_was_forgotten(over: Over) -> None:
    """Its chain is closed, and a chain that would begin in it is denied as well, however long ago that was."""
    async with serving(MemoryStore()) as harness:
        await over(harness)
        answer = await harness.act("mail:Send", chain="old", to="x@example.com")
        assert [reason.code for reason in answer.decision.reasons] == [ReasonCode.chain_closed]
        command = harness.command("mail:Send", "mailbox:alice", chain="fresh")
        spawned = replace(command, request=replace(command.request, parent_chain="old"))
        spawned_answer = await harness.service.decide(GATEWAY, spawned)
        assert spawned_answer.verdict is Verdict.DENY
        assert ReasonCode.chain_closed in [reason.code for reason in spawned_answer.decision.reasons]


@pytest.mark.parametrize("over", [_over, _long_over])
async def test_every_replica_forgets_the_same(over: Over) -> None:
    """Whoever folds the log, or goes on from a snapshot, holds what the writer holds."""
    async with serving(MemoryStore()) as harness:
        await over(harness)
        await harness.act("crm:Read", chain="old")
        folded = World()
        for entry in await harness.service.store.read(after=0, limit=1_000):
            for place, record in enumerate(decode_records(entry.body)):
                folded.apply(record, entry.first + place)
        assert folded.cells == harness.service.world.cells
        assert folded.history == harness.service.world.history
        written = snapshot(folded)
        assert snapshot(restore(written)) == written


async def test_a_session_lives_as_long_as_anything_can_refer_to_it() -> None:
    """Closed an hour ago it is still told: a pattern of its principal looks back a day."""
    async with serving(MemoryStore()) as harness:
        await harness.prepare()
        await harness.act("erp:CreateVendor", "vendor:v9", chain="made")
        await harness.service.close_chain(GATEWAY, "made")
        harness.clock.now_ms += 20 * _HOUR_MS
        answer = await harness.act(
            "erp:ApprovePayment", "payment:p1", chain="paid", context={"vendor_id": "v9"}
        )
        assert [step.chain for step in answer.decision.completions[0].path] == ["made", "paid"]


async def test_more_sessions_than_can_be_followed_are_denied(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit of live sessions denies the next one and says so; those that live go on."""
    monkeypatch.setattr(cap, "MAX_SESSIONS", 2)
    async with serving(MemoryStore()) as harness:
        await harness.prepare()
        await harness.act("crm:Read", chain="one")
        await harness.act("crm:Read", chain="two")
        refused = await harness.act("crm:Read", chain="three")
        assert [(reason.code, reason.rule) for reason in refused.decision.reasons] == [
            (ReasonCode.cap_reached, "sessions")
        ]
        assert (await harness.act("crm:Read", chain="two")).verdict is Verdict.PERMIT


async def test_sessions_that_begin_in_one_batch_count_for_those_behind_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Asked all at once, as many are let in as one after the other."""
    monkeypatch.setattr(cap, "MAX_SESSIONS", 3)
    async with serving(MemoryStore()) as harness:
        await harness.prepare()
        batches = harness.service.sequencer.batches
        names = ("one", "two", "two", "three", "four", "five")
        commands = [harness.command("crm:Read", "mailbox:alice", name) for name in names]
        answers = await asyncio.gather(*[harness.service.decide(GATEWAY, each) for each in commands])
        assert harness.service.sequencer.batches == batches + 1
        verdicts = [answer.verdict for answer in answers]
        assert verdicts == [Verdict.PERMIT] * 4 + [Verdict.DENY] * 2


async def test_replicas_that_begin_sessions_at_once_agree_where_the_limit_lies(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of two sessions that two replicas begin for two people where one has room, one is let in, as a serial run says."""
    monkeypatch.setattr(cap, "MAX_SESSIONS", 2)
    store = MemoryStore()
    async with (
        serving(store, name="a", shared=True) as first,
        serving(store, name="b", shared=True) as second,
    ):
        await first.prepare()
        await first.act("crm:Read", chain="one")
        # Both have folded the same, so each of them judges before it knows of the other's session.
        await second.act("crm:Read", chain="one")
        await first.act("crm:Read", chain="one")
        answers = await asyncio.gather(
            first.act("crm:Read", chain="two", subject="bot"),
            second.act("crm:Read", chain="three", subject="alice"),
        )
        assert sorted(answer.verdict for answer in answers) == [Verdict.DENY, Verdict.PERMIT]
    await told_again(store)


async def test_more_keys_than_can_be_followed_are_denied(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit of keys of a principal denies the next key and says so; known keys go on."""
    monkeypatch.setattr(cap, "MAX_KEYS", 2)
    async with serving(MemoryStore()) as harness:
        await harness.prepare()
        for vendor in ("v1", "v2"):
            assert (await harness.act("erp:CreateVendor", f"vendor:{vendor}")).verdict is Verdict.PERMIT
        refused = await harness.act("erp:CreateVendor", "vendor:v3")
        assert [(reason.code, reason.rule) for reason in refused.decision.reasons] == [
            (ReasonCode.cap_reached, "keys")
        ]
        assert (await harness.act("erp:CreateVendor", "vendor:v2")).verdict is Verdict.PERMIT
