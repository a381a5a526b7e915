"""Rules are warmed beside the decisions and come into force at one place of the log, as if they had been rebuilt there."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from graphsvc.core import rebuild as rebuild_module
from graphsvc.core import world as world_module
from graphsvc.core.codec import decode_records
from graphsvc.core.record import Decided, PolicyPublished, Record
from graphsvc.core.ruleset import Ruleset
from graphsvc.core.snapshot import snapshot
from graphsvc.core.verdict import Verdict
from graphsvc.core.world import World
from graphsvc.decide.ports import Log, Store
from graphsvc.decide.warming import Warming
from graphsvc.errors import PolicyError
from graphsvc.store.memory import open_memory
from tests.race.story import told_again
from tests.service.harness import ADMIN, GATEWAY, PACK, Clock, Harness, serving

pytestmark = pytest.mark.anyio

MORE = """
graphsvc: 1
pack: {id: more, version: "1"}
patterns:
  - id: read-then-send
    on_match: deny
    steps:
      read: {action: "crm:Read", labels: {any: [secret]}, then: out}
      out: {action: "mail:Send"}
  - id: many-records
    on_match: monitor
    scope: principal
    within: 1h
    count: {step: {action: "crm:Read"}, distinct: resource.id, more_than: 6}
"""


async def _records(log: Log) -> list[tuple[int, Record]]:
    entries = await log.read(after=0, limit=100_000)
    return [
        (entry.first + place, record)
        for entry in entries
        for place, record in enumerate(decode_records(entry.body))
    ]


async def _folded(log: Log) -> World:
    world = World()
    for seq, record in await _records(log):
        world.apply(record, seq)
    return world


def _state(world: World) -> bytes:
    world.redrawn.clear()  # what is left to draw
    return snapshot(world)


@asynccontextmanager
async def _replicas() -> AsyncIterator[tuple[Store, Harness, Harness]]:
    """Two services over one store, by one clock."""
    store, clock = await open_memory(), Clock()
    async with (
        serving(store, clock=clock, shared=True) as one,
        serving(store, name="b", clock=clock, shared=True) as other,
    ):
        yield store, one, other


async def _busy(harness: Harness, number: int, stop: asyncio.Event) -> int:
    """One caller: reads, sends, late labels and cancels, in a chain of its own and in one of all."""
    for turn in itertools.count():
        if stop.is_set():
            return turn
        chain = f"own-{number}-{turn // 12}" if turn % 3 else "all"
        read = await harness.act("crm:Read", f"record:{turn % 9}", chain=chain)
        if read.verdict is not Verdict.PERMIT:
            continue
        if turn % 4 == 0:
            await harness.service.report(GATEWAY, read.decision.request.id, "SUCCESS", ["secret"], [])
        elif turn % 7 == 0:
            await harness.service.cancel(GATEWAY, read.decision.request.id)
        await harness.act("mail:Send", chain=chain, to="alice")
    return 0


async def _reached(harness: Harness, seq: int, callers: Sequence[asyncio.Task[int]]) -> None:
    while harness.service.world.seq < seq:
        done, _ = await asyncio.wait(callers, timeout=0.001, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()


@pytest.fixture
def rebuilt(monkeypatch: pytest.MonkeyPatch) -> list[World]:
    """The worlds that were rebuilt as a whole."""
    found: list[World] = []
    rebuild = rebuild_module.rebuild

    def told(world: World, judged_by: Ruleset) -> None:
        found.append(world)
        rebuild(world, judged_by=judged_by)

    monkeypatch.setattr(world_module, "rebuild", told)
    return found


async def test_rules_come_into_force_at_one_place_while_decisions_go_on(
    monkeypatch: pytest.MonkeyPatch, rebuilt: list[World]
) -> None:
    """Whoever folds the log one record after the other gives every verdict again, and ends in the same state."""
    store: Store = await open_memory()
    async with serving(store) as harness:
        await harness.prepare()
        harness.service.warming.least = 0
        stop = asyncio.Event()
        callers = [asyncio.create_task(_busy(harness, number, stop)) for number in range(4)]
        await _reached(harness, 300, callers)
        rebuilt.clear()
        began = harness.service.world.seq
        copied = Warming._copied

        async def slowly(self: Warming, rules: Sequence[Record], pause_s: float) -> World:
            copy = await copied(self, rules, pause_s)
            await _reached(harness, began + 20, callers)
            return copy

        monkeypatch.setattr(Warming, "_copied", slowly)
        ack = await harness.service.publish_policy(ADMIN, [(MORE, "more.yaml")], "")
        assert harness.service.world not in rebuilt, "decisions waited for a rebuild"
        switched = int(ack.revision.rpartition(".")[2])
        await _reached(harness, switched + 100, callers)
        stop.set()
        await asyncio.gather(*callers)
        world = harness.service.world
        versions = {
            (record.policy, seq > switched)
            for seq, record in await _records(store)
            if isinstance(record, Decided)
        }
        assert len(versions) == 2
        assert len({version for version, _ in versions}) == 2
        during = [
            seq
            for seq, record in await _records(store)
            if began < seq < switched and isinstance(record, Decided)
        ]
        assert len(during) > 4, "nobody was answered while the rules were warmed"
        stored, _ = await told_again(store)
        completed = {each.pattern for record in stored for each in record.completions}
        assert {"read-then-send", "many-records"} <= completed
        assert _state(world) == _state(await _folded(store))


async def test_what_happened_before_counts_for_warmed_rules() -> None:
    """A read that was only interesting to the new rules completes their path with the first action after them."""
    async with serving(await open_memory()) as harness:
        await harness.prepare()
        harness.service.warming.least = 0
        await harness.act("crm:Read", "record:1", labels=("secret",))
        assert (await harness.act("mail:Send", to="alice")).verdict is Verdict.PERMIT
        await harness.service.publish_policy(ADMIN, [(MORE, "more.yaml")], "")
        answer = await harness.act("mail:Send", to="alice")
        assert [each.pattern for each in answer.decision.completions] == ["read-then-send"]


async def test_what_another_replica_published_meanwhile_is_warmed_too(
    monkeypatch: pytest.MonkeyPatch, rebuilt: list[World]
) -> None:
    """A copy that is not what the log says is thrown away for another, and both replicas stand where a serial fold stands."""
    async with _replicas() as (store, one, other):
        await one.prepare()
        await one.act("crm:Read", "record:1", labels=("secret",))
        await other.service.sequencer.catch_up()
        one.service.warming.least = other.service.warming.least = 0
        follow, copies = Warming._follow, []

        async def overtaken(self: Warming, copy: World) -> None:
            copies.append(copy)
            await follow(self, copy)
            if len(copies) == 1:
                theirs = PACK.replace("critical", "high").replace('version: "1"', 'version: "2"')
                await other.service.publish_policy(ADMIN, [(theirs, "test.yaml")], "")

        monkeypatch.setattr(Warming, "_follow", overtaken)
        rebuilt.clear()
        await one.service.publish_policy(ADMIN, [(MORE, "more.yaml")], "")
        await other.service.sequencer.catch_up()
        # One thrown away, theirs, and one with both; a busy machine may overtake one more.
        assert len(copies) >= 3
        serial = await _folded(store)
        for harness in (one, other):
            assert harness.service.world not in rebuilt
            assert _state(harness.service.world) == _state(serial)


async def test_rules_of_others_are_warmed_while_the_loop_is_free(
    monkeypatch: pytest.MonkeyPatch, rebuilt: list[World]
) -> None:
    """A replica that meets new rules in the log answers what needs no writer, and decides by them once they are warm."""
    async with _replicas() as (store, one, other):
        await one.prepare()
        other.service.warming.least = 0
        await other.act("crm:Read", "record:1", chain="theirs", labels=("secret",))
        copied, begun, go_on = Warming._copied, asyncio.Event(), asyncio.Event()

        async def slowly(self: Warming, rules: Sequence[Record], pause_s: float) -> World:
            copy = await copied(self, rules, pause_s)
            begun.set()
            await go_on.wait()
            return copy

        monkeypatch.setattr(Warming, "_copied", slowly)
        await one.service.publish_policy(ADMIN, [(MORE, "more.yaml")], "")
        rebuilt.clear()
        held = asyncio.create_task(other.act("mail:Send", chain="theirs", to="alice"))
        await begun.wait()
        assert {each.pack for each, _ in other.service.policy_versions()} == {
            "test"
        }  # read from what is known so far
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await asyncio.shield(held)
        go_on.set()
        answer = await held
        assert [each.pattern for each in answer.decision.completions] == ["read-then-send"]
        assert other.service.world not in rebuilt
        assert _state(other.service.world) == _state(await _folded(store))
        await told_again(store)


async def test_a_decision_that_waits_for_rules_of_others_is_refused_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever asks for an answer within a time gets DENY then, however long the rules take; and nothing counts of it."""
    async with _replicas() as (store, one, other):
        await one.prepare()
        await other.act("crm:Read", "record:1", chain="theirs", labels=("secret",))
        other.service.warming.least = 0
        copied, go_on = Warming._copied, asyncio.Event()

        async def slowly(self: Warming, rules: Sequence[Record], pause_s: float) -> World:
            await go_on.wait()
            return await copied(self, rules, pause_s)

        monkeypatch.setattr(Warming, "_copied", slowly)
        await one.service.publish_policy(ADMIN, [(MORE, "more.yaml")], "")
        late = await other.act("crm:Read", "record:2", chain="theirs", deadline_ms=80)
        assert late.verdict is Verdict.DENY
        go_on.set()
        answer = await other.act("mail:Send", chain="theirs", to="alice")
        assert answer.verdict is Verdict.DENY
        assert _state(other.service.world) == _state(await _folded(store))


async def test_rules_of_others_that_cannot_be_warmed_are_rebuilt(
    monkeypatch: pytest.MonkeyPatch, rebuilt: list[World]
) -> None:
    """Whatever goes wrong with a copy, the replica goes on with what the log says."""
    async with _replicas() as (store, one, other):
        await one.prepare()
        await other.act("crm:Read", "record:1", chain="theirs", labels=("secret",))
        other.service.warming.least = 0

        async def never(self: Warming, rules: Sequence[Record], pause_s: float) -> World:
            raise MemoryError

        monkeypatch.setattr(Warming, "_copied", never)
        await one.service.publish_policy(ADMIN, [(MORE, "more.yaml")], "")
        rebuilt.clear()
        answer = await other.act("mail:Send", chain="theirs", to="alice")
        assert [each.pattern for each in answer.decision.completions] == ["read-then-send"]
        assert other.service.world in rebuilt
        assert _state(other.service.world) == _state(await _folded(store))


async def test_rules_that_cannot_be_published_are_refused_before_anything_is_copied(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What does not fit the packs in force costs nothing, and nothing of it is kept."""

    async def never(self: Warming, rules: Sequence[Record], pause_s: float) -> World:
        raise AssertionError("copied")

    async with serving(await open_memory()) as harness:
        await harness.prepare()
        harness.service.warming.least = 0
        monkeypatch.setattr(Warming, "_copied", never)
        twice = PACK.replace("id: test", "id: other")
        with pytest.raises(PolicyError):
            await harness.service.publish_policy(ADMIN, [(twice, "other.yaml")], "")
        assert harness.service.world.warmed is None


async def test_several_packs_of_one_publication_are_warmed_together(rebuilt: list[World]) -> None:
    """Rules that fit together only as a set come into force together, without a rebuild between them."""
    store = await open_memory()
    async with serving(store) as harness:
        await harness.prepare()
        harness.service.warming.least = 0
        await harness.act("crm:Read", "record:1", labels=("secret",))
        head, _, patterns = PACK.partition("patterns:")
        emptied = head.replace('version: "1"', 'version: "2"')
        moved = f'graphsvc: 1\npack: {{id: moved, version: "1"}}\npatterns:{patterns}'
        rebuilt.clear()
        await harness.service.publish_policy(ADMIN, [(moved, "moved.yaml"), (emptied, "test.yaml")], "")
        world = harness.service.world
        assert world not in rebuilt
        assert {pack: each.version for pack, each in world.packs.items()} == {"test": "2", "moved": "1"}
        assert _state(world) == _state(await _folded(store))
        published = [
            record.pack for _, record in await _records(store) if isinstance(record, PolicyPublished)
        ]
        assert published == ["test", "moved", "test"]


async def test_what_another_replica_decided_meanwhile_is_remembered(
    monkeypatch: pytest.MonkeyPatch, rebuilt: list[World]
) -> None:
    """Decisions that reach the log just before the new rules are in what these remember, though nobody had read them."""
    async with _replicas() as (store, one, other):
        await one.prepare()
        one.service.warming.least = 0
        await one.act("crm:Read", "record:1", chain="theirs")
        follow = Warming._follow

        async def overtaken(self: Warming, copy: World) -> None:
            await follow(self, copy)
            await other.act("crm:Read", "record:2", chain="theirs", labels=("secret",))

        monkeypatch.setattr(Warming, "_follow", overtaken)
        rebuilt.clear()
        await one.service.publish_policy(ADMIN, [(MORE, "more.yaml")], "")
        assert one.service.world not in rebuilt
        assert _state(one.service.world) == _state(await _folded(store))
        answer = await one.act("mail:Send", chain="theirs", to="alice")
        assert [each.pattern for each in answer.decision.completions] == ["read-then-send"]
