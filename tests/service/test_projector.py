"""How the graph is drawn behind the log: in short steps, from what was just folded, and from the log where that is gone."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from graphsvc.decide import projector
from graphsvc.decide.keeper import Keeper
from graphsvc.decide.ports import Store, Strokes
from graphsvc.store.memory import open_memory
from graphsvc.store.sqlite import open_sqlite
from tests.service.harness import ADMIN, serving

pytestmark = pytest.mark.anyio


class Drawn:
    """Watches what a store is asked: how many records each step draws, and how often the log is read."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.steps: list[int] = []
        self.reads = 0
        self.gate = asyncio.Event()
        self.gate.set()
        draw, read = store.draw, store.read

        async def drawn_after(strokes: Strokes, *, expected: int, drawn: int) -> bool:
            await self.gate.wait()
            self.steps.append(drawn - expected)
            return await draw(strokes, expected=expected, drawn=drawn)

        async def read_after(*, after: int, limit: int) -> object:
            self.reads += 1
            return await read(after=after, limit=limit)

        monkeypatch.setattr(store, "draw", drawn_after)
        monkeypatch.setattr(store, "read", read_after)


@pytest.mark.parametrize("held", [5_000, 0])
async def test_what_waited_is_drawn_in_bounded_steps(monkeypatch: pytest.MonkeyPatch, held: int) -> None:
    """However much has gathered, a step holds no more than its bound and one entry; the log is read where nothing is held."""
    monkeypatch.setattr(projector, "_STEP_RECORDS", 10)
    monkeypatch.setattr(projector, "_BEHIND_RECORDS", 10)
    monkeypatch.setattr(projector, "_HELD_LIMIT", held)
    store = await open_memory()
    async with serving(store) as harness:
        await harness.prepare()
        await harness.service.wait_drawn()
        drawn = Drawn(store, monkeypatch)
        drawn.gate.clear()
        before = harness.service.projector.drawn
        await asyncio.gather(
            *(harness.act("mail:Read", chain=f"c{number}", deadline_ms=600_000) for number in range(40))
        )
        for number in range(20):
            await harness.act("mail:Read", chain=f"c{number}")
        drawn.gate.set()
        await harness.service.wait_drawn()
        last = harness.service.projector.drawn
    assert last - before == sum(drawn.steps)
    # The first step is taken as soon as there is something; the forty are one entry, for they came together.
    assert all(size <= 10 + 40 for size in drawn.steps)
    assert len(drawn.steps) >= 3
    assert (await store.count())["Decision"] == 60
    assert (drawn.reads > 3) is (held == 0)


async def test_what_comes_after_a_removal_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawn late, a decision on what was removed just before it has its edge; the removal does not take it along."""
    store = await open_memory()
    async with serving(store) as harness:
        await harness.prepare()
        await harness.service.wait_drawn()
        drawn = Drawn(store, monkeypatch)
        drawn.gate.clear()
        await harness.act("mail:Read")
        await harness.service.remove_source(ADMIN, "test")
        await harness.act("crm:Read", "record:42")
        drawn.gate.set()
        await harness.service.wait_drawn()
        assert (await store.count())["ON"] == 2


async def test_a_start_over_a_drawn_log_notes_nothing_to_draw() -> None:
    """What folding a graph change notes for the drawing is gone when the store says that it is drawn."""
    store = await open_memory()
    async with serving(store) as harness:
        await harness.prepare()
        await harness.service.wait_drawn()
    async with serving(store) as again:
        assert again.service.world.redrawn == {}


async def test_a_drawing_that_was_lost_is_drawn_again(tmp_path: Path) -> None:
    """Its file is gone: history and graph are there again, though a start from a snapshot folds no import any more."""
    path = tmp_path / "graphsvc.db"
    store = await open_sqlite(path)
    async with serving(store, keeper=Keeper(store, at_stop=1)) as harness:
        await harness.prepare()
        await harness.act("mail:Read")
        await harness.service.wait_drawn()
        before = await store.count()
    await store.close()
    path.with_name("graphsvc.db-graph").unlink()
    store = await open_sqlite(path)
    keeper = Keeper(store)
    assert (await keeper.restore()).seq == await store.head()
    async with serving(store, name="b", keeper=keeper) as harness:
        await harness.service.wait_drawn()
        assert await store.count() == before
        assert before["Identity"] > 0
    await store.close()
