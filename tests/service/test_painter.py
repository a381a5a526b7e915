"""Drawing in a process of its own: the same graph, whatever happens to that process, and it never outlives the service."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from graphsvc.decide import projector
from graphsvc.decide.ports import ChainQuery, DecisionQuery, Store
from graphsvc.errors import StoreError
from graphsvc.store.drawer import process as drawer_process
from graphsvc.store.drawer.frame import Start
from graphsvc.store.drawer.process import ProcessPainter
from graphsvc.store.neo4j import open_neo4j
from graphsvc.store.sqlite import open_sqlite
from tests.service.harness import ADMIN, PACK, Harness, serving
from tests.store.conftest import fresh_neo4j, neo4j_address  # noqa: F401 - a fixture
from tests.support.neo4j_server import Neo4jServer
from tests.support.service_process import ServiceProcess

pytestmark = pytest.mark.anyio


class Served:
    """A store and what draws in it."""

    def __init__(self, store: Store, start: Start) -> None:
        self.store = store
        self.painter = ProcessPainter(start)

    @property
    def pid(self) -> int:
        """Of the process that draws."""
        assert self.painter._child is not None
        return self.painter._child.process.pid


@pytest.fixture(params=["sqlite", pytest.param("neo4j", marks=pytest.mark.neo4j)])
async def served(request: pytest.FixtureRequest, tmp_path: Path, anyio_backend: str) -> AsyncIterator[Served]:
    """An empty store of either kind."""
    async with AsyncExitStack() as stack:
        if request.param == "sqlite":
            store: Store = await open_sqlite(tmp_path / "graphsvc.db")
            start = Start(store=f"sqlite:///{tmp_path}/graphsvc.db", incarnation=store.incarnation)
        else:
            server: Neo4jServer = request.getfixturevalue("fresh_neo4j")
            store = await open_neo4j(neo4j_address(server), server.password)
            start = Start(store=server.store_url, incarnation=store.incarnation, password=server.password)
        stack.push_async_callback(store.close)
        yield Served(store, start)


async def story(harness: Harness) -> None:
    """Decisions before and after changes of the graph, of which some name nodes that come with it."""
    await harness.prepare()
    for number in range(5):
        await harness.act("mail:Read", chain=f"c{number}")
    await harness.service.remove_source(ADMIN, "test")
    await harness.act("crm:Read", "record:42")
    # Changes of the graph are drawn as the world has them then: what is there again was never away.
    await harness.service.wait_drawn()
    await harness.prepare()
    for number in range(5):
        await harness.act("mail:Send", "mailbox:out", chain=f"c{number}")


async def picture(store: Store) -> tuple[object, ...]:
    """What is drawn."""
    decisions = [row.seq for row in await store.decisions(DecisionQuery())]
    chains = [(row.seq, row.id, row.length) for row in await store.chains(ChainQuery())]
    return await store.drawn(), await store.count(), decisions, chains


async def _problem(harness: Harness) -> None:
    """Return once the service says that the graph is not drawn."""
    async with asyncio.timeout(10):
        while harness.service.projector.problem is None:  # noqa: ASYNC110  the projector rings nobody
            await asyncio.sleep(0.01)


async def test_the_graph_is_the_same(served: Served, tmp_path: Path) -> None:
    """A story with changes of the graph in between is drawn as this process itself draws it."""
    async with serving(served.store, painter=served.painter) as harness:
        await story(harness)
        await harness.service.wait_drawn()
        assert served.pid != os.getpid()
    async with AsyncExitStack() as stack:
        plain = await open_sqlite(tmp_path / "plain.db")
        stack.push_async_callback(plain.close)
        async with serving(plain) as harness:
            await story(harness)
            await harness.service.wait_drawn()
        assert await picture(served.store) == await picture(plain)


async def test_a_killed_process_is_started_again(
    served: Served, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Decisions go on, readiness says what is wrong, and what was not drawn is."""
    monkeypatch.setattr(projector, "_RETRY_S", 0.3)
    async with serving(served.store, painter=served.painter) as harness:
        await harness.prepare()
        await harness.act("mail:Read")
        await harness.service.wait_drawn()
        first = served.pid
        os.kill(first, signal.SIGKILL)
        await harness.act("mail:Read")
        await _problem(harness)
        assert "the process that draws the graph ended with -9" in harness.service.ready()[1]
        assert harness.service.projector.lag_seconds() > 0
        await asyncio.wait_for(harness.service.wait_drawn(), 30)
        assert (await served.store.count())["Decision"] == 2
        assert served.pid != first
    assert [each.msg for each in caplog.records if each.levelno >= logging.WARNING] == [
        "drawing_process_ended"
    ]


async def test_a_process_killed_all_the_time_draws_everything_once(served: Served) -> None:
    """Killed at any moment, in the middle of a step too, nothing is left out."""
    async with serving(served.store, painter=served.painter) as harness:
        await harness.prepare()
        await harness.service.wait_drawn()
        for number in range(60):
            await harness.act("mail:Read", chain=f"c{number % 7}")
            if number % 12 == 11 and served.painter._child is not None:
                os.kill(served.pid, signal.SIGKILL)
        await asyncio.wait_for(harness.service.wait_drawn(), 60)
        rows = await served.store.decisions(DecisionQuery(limit=100))
        assert len({row.seq for row in rows}) == len(rows) == 60


async def test_it_ends_with_the_service(served: Served) -> None:
    """Closing waits for it; nothing of it is left."""
    async with serving(served.store, painter=served.painter) as harness:
        await harness.prepare()
        await harness.act("mail:Read")
        await harness.service.wait_drawn()
        child = served.painter._child
        assert child is not None
    assert child.process.poll() == 0
    await served.painter.close()


async def test_signals_to_all_processes_leave_the_end_to_the_service(served: Served) -> None:
    """SIGTERM and SIGINT, as an init system and a terminal send them to all, do not end it before it is told to."""
    async with serving(served.store, painter=served.painter) as harness:
        await harness.prepare()
        await harness.act("mail:Read")
        await harness.service.wait_drawn()
        for number in (signal.SIGTERM, signal.SIGINT):
            os.kill(served.pid, number)
        first = served.pid
        await harness.act("mail:Read")
        await harness.service.wait_drawn()
        assert served.pid == first


async def test_a_process_that_cannot_be_started_is_told(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Decisions go on."""
    monkeypatch.setattr(drawer_process, "_COMMAND", ("/nowhere/python",))
    async with serving(served.store, painter=served.painter) as harness:
        await harness.prepare()
        assert (await harness.act("mail:Read")).decision.request.id
        await _problem(harness)
        assert "No such file" in str(harness.service.projector.problem)


async def test_a_defect_is_told_with_its_traceback(
    served: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """In the service's log; the problem is one line."""
    code = (
        "import runpy\nfrom graphsvc.decide import painting\n"
        "def fail(*_): raise ZeroDivisionError('half')\npainting.draw = fail\n"
        "runpy.run_module('graphsvc.store.drawer', run_name='__main__')"
    )
    monkeypatch.setattr(drawer_process, "_COMMAND", (sys.executable, "-c", code))
    async with serving(served.store) as harness:
        await harness.prepare()
        await harness.service.wait_drawn()
        drawn = await served.store.drawn()
        await harness.act("mail:Read")
        await harness.service.wait_drawn()
    with pytest.raises(StoreError, match=r"^a defect: ZeroDivisionError: half$"):
        await served.painter.paint(after=0, upto=drawn, most=1)
    (told,) = [each.__dict__["traceback"] for each in caplog.records if each.msg == "drawing_failed"]
    assert "painting.py" in told


async def test_a_drawing_that_is_gone_is_told(tmp_path: Path) -> None:
    """Its file was removed, and the process has to open it anew: somebody has to restart the service."""
    store = await open_sqlite(tmp_path / "graphsvc.db")
    painter = ProcessPainter(Start(store=f"sqlite:///{tmp_path}/graphsvc.db", incarnation=store.incarnation))
    (tmp_path / "graphsvc.db-graph").unlink()
    with pytest.raises(StoreError, match="is gone; restart graphsvc, which draws it anew"):
        await painter.paint(after=0, upto=1, most=1)
    assert not (tmp_path / "graphsvc.db-graph").exists()
    await store.close()


async def test_another_store_is_not_drawn_in(served: Served) -> None:
    """One that was swapped since the service opened it is refused."""
    start = Start(
        store=served.painter._start.store, incarnation="another", password=served.painter._start.password
    )
    painter = ProcessPainter(start)
    with pytest.raises(StoreError, match="is not the store that was opened"):
        await painter.paint(after=0, upto=1, most=1)


def _drawers(of: int) -> list[int]:
    """The drawing processes that a process has started."""
    found = subprocess.run(
        ["pgrep", "-P", str(of)], capture_output=True, text=True, check=False
    ).stdout.split()
    return [int(each) for each in found]


def _until(holds: Callable[[], object], within_s: float = 20) -> None:
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < within_s
        time.sleep(0.02)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_service_leaves_no_process_behind(tmp_path: Path, how: signal.Signals) -> None:
    """Stopped or killed, `serve` takes it along; the password of the store is in no command line."""
    service = ServiceProcess(tmp_path / "service", f"sqlite:///{tmp_path}/graphsvc.db")
    service.start()
    try:
        query = "mutation($y: String!) { publishPolicy(input: {yaml: $y}) { __typename } }"
        told = service.ask(query, {"y": PACK}, "admin")
        assert told["data"]["publishPolicy"]["__typename"] != "InvalidRequest", told
        assert service.process is not None
        pid = service.process.pid
        _until(lambda: _drawers(pid))
        (drawer,) = _drawers(pid)
        service.process.send_signal(how)
        service.process.wait(30)
        _until(lambda: not Path(f"/proc/{drawer}").exists())
    finally:
        service.stop()
