"""A service that starts from a snapshot stands where one stands that folded the whole log."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from graphsvc import __version__
from graphsvc.core.snapshot import restore
from graphsvc.core.world import World
from graphsvc.decide.keeper import Keeper, sealed, unsealed
from graphsvc.decide.ports import Draft, Store
from graphsvc.errors import StoreUnavailable
from graphsvc.store.memory import MemoryStore, open_memory
from graphsvc.store.neo4j import open_neo4j
from graphsvc.store.sqlite import open_sqlite
from tests.service.harness import ADMIN, GATEWAY, Clock, Harness, serving
from tests.store.conftest import fresh_neo4j, neo4j_address  # noqa: F401  a fixture
from tests.support.neo4j_server import Neo4jServer
from tests.support.requirement import REPOSITORY

pytestmark = pytest.mark.anyio


async def story(harness: Harness, turn: str) -> None:
    """Something of everything: decisions of every verdict, a grant, labels reported late, a cancel."""
    act, service = harness.act, harness.service
    await act("mail:Read", chain=f"{turn}1")
    read = await act("crm:Read", "record:42", chain=f"{turn}1")
    await act("mail:Send", chain=f"{turn}1", to="eve@example.org")
    await act("crm:Read", chain=f"{turn}1", subject="mallory")
    await act("mail:Read", chain=f"{turn}2")
    plain = await act("crm:Read", "record:7", chain=f"{turn}2")
    await act("erp:CreateVendor", f"vendor:{turn}", chain=f"{turn}3", on_behalf_of=("alice",))
    await service.report(GATEWAY, plain.decision.request.id, "SUCCESS", ["sensitive"], [])
    await service.cancel(GATEWAY, read.decision.request.id)
    await service.suspend(ADMIN, "mallory", "phished", None)
    await service.open_chain(
        GATEWAY,
        f"{turn}4",
        session=None,
        parent_chain=f"{turn}1",
        shared_with=["other"],
        intent={"text": "x"},
    )


async def _questions(harness: Harness) -> list[object]:
    """What is asked next, and all of the answers but their ids."""
    answers = [
        await harness.act("mail:Send", chain="a1", to="eve@example.org", key="q1"),
        await harness.act("mail:Send", chain="a2", to="eve@example.org", key="q2"),
        await harness.act("erp:ApprovePayment", "invoice:1", chain="z", on_behalf_of=("alice",), key="q3",
                          context={"vendor_id": "a"}),
        await harness.act("crm:Read", chain="z", subject="mallory", key="q4"),
        await harness.act("mail:Read", chain="a4", key="q5"),
    ]  # fmt: skip
    return [
        (
            answer.verdict, answer.revision, answer.replayed, answer.nearest, answer.decision.reasons,
            answer.decision.completions, answer.decision.risk, answer.decision.scopes,
        )
        for answer in answers
    ]  # fmt: skip


def _is_same(one: World, other: World) -> bool:
    return (
        one.cells == other.cells
        and one.seq == other.seq
        and one.decided == other.decided
        and one.answered == other.answered
        and one.names_of == other.names_of
        and one.cancelled == other.cancelled
        and one.reported == other.reported
    )


async def _folded(store: Store, clock: Clock) -> World:
    """What a service folds that knows nothing of snapshots."""
    async with serving(store, name="f", clock=clock) as harness:
        return harness.service.world


def _told(caplog: pytest.LogCaptureFixture, what: str) -> list[str]:
    return [str(vars(each).get("reason")) for each in caplog.records if each.message == what]


@pytest.fixture(params=["memory", "sqlite", pytest.param("neo4j", marks=pytest.mark.neo4j)])
async def store(request: pytest.FixtureRequest, tmp_path: Path, anyio_backend: str) -> AsyncIterator[Store]:
    """An open, empty store of each kind."""
    if request.param == "memory":
        opened: Store = await open_memory()
    elif request.param == "sqlite":
        opened = await open_sqlite(tmp_path / "graphsvc.db")
    else:
        server: Neo4jServer = request.getfixturevalue("fresh_neo4j")
        opened = await open_neo4j(neo4j_address(server), server.password)
    try:
        yield opened
    finally:
        await opened.close()


@asynccontextmanager
async def _kept(store: Store, clock: Clock, name: str, *, every: int = 10**6) -> AsyncIterator[Harness]:
    """A service with snapshots, at every stop."""
    keeper = Keeper(store, every=every, at_stop=1)
    await keeper.restore()
    async with serving(store, name=name, clock=clock, keeper=keeper) as harness:
        yield harness


async def test_snapshot_and_tail_give_the_same_world(store: Store) -> None:
    """Stop, more of the log by somebody else, start: the world equals a full fold and so do the next verdicts."""
    clock = Clock()
    async with _kept(store, clock, "a") as harness:
        await harness.prepare()
        await story(harness, "a")
    saved = await store.snapshot_seq()
    assert saved == await store.head()
    async with serving(store, name="b", clock=clock) as other:
        await story(other, "b")
    head, now_ms = await store.head(), clock.now_ms
    keeper = Keeper(store)
    assert (await keeper.restore()).seq == saved < head
    async with serving(store, name="c", clock=clock, keeper=keeper) as restored:
        assert _is_same(restored.service.world, await _folded(store, clock))
        answers = await _questions(restored)
    # The same log again in another store, without what was asked.
    again, clock.now_ms = await open_memory(), now_ms
    for entry in await store.read(after=0, limit=10_000):
        if entry.seq <= head:
            await again.append(
                _draft(entry.id, entry.seq - entry.first + 1, entry.cells, entry.body), seen=0, reads=()
            )
    async with serving(again, name="c", clock=clock) as whole:
        expected = await _questions(whole)
    assert [answer[0] for answer in answers] == [answer[0] for answer in expected]  # type: ignore[index]  # tuples
    assert [answer[2:] for answer in answers] == [answer[2:] for answer in expected]  # type: ignore[index]  # tuples


def _draft(entry_id: str, count: int, cells: tuple[str, ...], body: bytes) -> Draft:
    """The draft that an entry was."""
    return Draft(id=entry_id, count=count, cells=cells, body=body)


async def test_nothing_new_is_not_saved_again() -> None:
    """A stop saves only when enough came since the last snapshot."""
    store, clock = await open_memory(), Clock()
    async with _kept(store, clock, "a") as harness:
        await harness.prepare()
    saved = await store.load_snapshot()
    assert saved is not None
    async with serving(store, name="b", clock=clock) as harness:
        await harness.act("crm:Read")
    keeper = Keeper(store, at_stop=2)
    await keeper.restore()
    async with serving(store, name="c", clock=clock, keeper=keeper) as harness:
        pass
    assert await store.load_snapshot() == saved
    async with _kept(store, clock, "d"):
        pass
    assert await store.snapshot_seq() == saved[0] + 1


@pytest.mark.parametrize("damage", ["flipped", "cut", "empty", "version", "life", "beyond", "world"])
async def test_a_damaged_one_is_ignored_and_told(damage: str, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever is wrong with a snapshot, the log is folded instead, and the next stop replaces it."""
    store, clock = await open_memory(), Clock()
    async with _kept(store, clock, "a") as harness:
        await harness.prepare()
        await story(harness, "a")
    seq, body = await store.load_snapshot() or (0, b"")
    plain = unsealed(body, store.incarnation)
    match damage:
        case "flipped":
            middle = len(body) // 2
            body = body[:middle] + bytes((body[middle] ^ 1,)) + body[middle + 1 :]
        case "cut":
            body = body[: len(body) // 2]
        case "empty":
            body = b""
        case "version":
            body = body.replace(__version__.encode(), b"9.9.9", 1)
        case "life":
            body = sealed(plain, "another")
        case "beyond":
            store._snapshots.clear()
            seq += 1_000
        case "world":
            body = sealed(b"\x80", store.incarnation)
    await store.save_snapshot(seq, body)
    with caplog.at_level(logging.WARNING):
        keeper = Keeper(store, at_stop=1)
        assert (await keeper.restore()).seq == 0
    assert len(_told(caplog, "snapshot_ignored")) == 1
    async with serving(store, name="b", clock=clock, keeper=keeper) as harness:
        assert _is_same(harness.service.world, await _folded(store, clock))
    again = Keeper(store)
    assert (await again.restore()).seq == await store.head()


async def test_the_one_before_a_damaged_one_is_used(caplog: pytest.LogCaptureFixture) -> None:
    """Two are kept so that the loss of one costs little."""
    store, clock = await open_memory(), Clock()
    for name in ("a", "b"):
        async with _kept(store, clock, name) as harness:
            await harness.prepare()
            await story(harness, name)
    seq, _ = await store.load_snapshot() or (0, b"")
    await store.save_snapshot(seq, b"damaged")
    keeper = Keeper(store)
    assert 0 < (await keeper.restore()).seq < seq
    assert len(_told(caplog, "snapshot_ignored")) == 1
    async with serving(store, name="c", clock=clock, keeper=keeper) as restored:
        assert _is_same(restored.service.world, await _folded(store, clock))


async def test_it_is_saved_while_decisions_go_on() -> None:
    """Snapshots of a running service are of one place of the log each, whatever was decided meanwhile."""
    store, clock = await open_memory(), Clock()
    async with _kept(store, clock, "a", every=15) as harness:
        await harness.prepare()
        seen: dict[int, bytes] = {}
        for turn in range(12):
            await asyncio.gather(*(story(harness, f"{turn}-{part}-") for part in range(3)))
            # Compressing is a thread's work.
            await asyncio.sleep(0.03)
            found = await store.load_snapshot()
            seen |= [found] if found is not None else []
    assert len(seen) >= 5
    entries = await store.read(after=0, limit=10**6)
    for seq, body in seen.items():
        whole = await open_memory()
        for entry in entries:
            if entry.seq <= seq:
                await whole.append(
                    _draft(entry.id, entry.seq - entry.first + 1, entry.cells, entry.body),
                    seen=0,
                    reads=(),
                )
        restored = restore(unsealed(body, store.incarnation))
        assert _is_same(restored, await _folded(whole, clock))


class _NotNow(MemoryStore):
    """Takes entries but no snapshots, as it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.refuses = True
        self.asked = 0

    async def save_snapshot(self, seq: int, body: bytes) -> None:
        self.asked += 1
        if self.refuses:
            raise StoreUnavailable("not now")
        await super().save_snapshot(seq, body)


async def test_a_save_that_fails_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """A store that takes no snapshot goes on deciding; it is asked again later, not at every batch."""
    store, clock = _NotNow(), Clock()
    async with _kept(store, clock, "a", every=20) as harness:
        await harness.prepare()
        for turn in range(10):
            await story(harness, str(turn))
            await asyncio.sleep(0.03)
        records = harness.service.world.seq
        assert 2 <= store.asked <= records // 20
        store.refuses = False
    assert set(_told(caplog, "snapshot_not_saved")) == {"not now"}
    assert await store.snapshot_seq() == await store.head()


_DECIDE_FOR_EVER = """
import asyncio, itertools, sys
from pathlib import Path
from graphsvc.decide.keeper import Keeper
from graphsvc.store.sqlite import open_sqlite
from tests.service.harness import Clock, serving
from tests.service.test_keeper import story

async def main():
    store = await open_sqlite(Path(sys.argv[1]))
    keeper = Keeper(store, every=30)
    await keeper.restore()
    async with serving(store, name=sys.argv[2], keeper=keeper) as harness:
        await harness.prepare()
        for turn in itertools.count():
            await story(harness, f"{sys.argv[2]}{turn}-")
            print(keeper.saved, flush=True)

asyncio.run(main())
"""


async def test_a_killed_service_starts_from_a_whole_one(tmp_path: Path, anyio_backend: str) -> None:
    """After each of three kill -9 while snapshots are saved, snapshot and tail give what the whole log gives."""
    path, clock = tmp_path / "graphsvc.db", Clock()
    for name in ("x", "y", "z"):
        with subprocess.Popen(  # noqa: ASYNC220  it lives as long as the block
            [sys.executable, "-c", _DECIDE_FOR_EVER, str(path), name],
            stdout=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
        ) as process:
            assert process.stdout is not None
            said = [int(process.stdout.readline()) for _ in range(40)]
            process.kill()
        store = await open_sqlite(path)
        try:
            keeper = Keeper(store)
            assert (await keeper.restore()).seq >= said[-1] > said[0]
            async with serving(store, name=f"{name}r", clock=clock, keeper=keeper) as harness:
                assert _is_same(harness.service.world, await _folded(store, clock))
        finally:
            await store.close()


async def test_replicas_save_once_between_them() -> None:
    """A replica does not save what another one saved a moment ago."""
    store, clock = await open_memory(), Clock()
    async with _kept(store, clock, "a") as first:
        await first.prepare()
        keeper = Keeper(store, at_stop=5)
        await keeper.restore()
        async with serving(store, name="b", clock=clock, keeper=keeper) as second:
            await second.act("crm:Read")
    saved = await store.load_snapshot()
    assert saved is not None
    other = Keeper(store, at_stop=5)
    async with serving(store, name="c", clock=clock, keeper=other):
        assert other.world.seq >= 5
    assert await store.load_snapshot() == saved
