"""Eight threads on one real store: a serial replay gives every verdict again, and both oracles agree with what was said."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from graphsvc.core.record import Decided
from graphsvc.core.verdict import Verdict
from graphsvc.decide.command import Answer, DecideCommand
from graphsvc.decide.ports import Store
from tests.race.second_opinion import (
    case_of,
    history_of,
    told_by_cypher,
    told_by_definition,
    told_by_engine,
)
from tests.race.story import completed_in_permitted, told_again
from tests.service.harness import GATEWAY, Clock, Harness, serving
from tests.store.conftest import Opener, fresh_neo4j, opener_of
from tests.support.neo4j_server import Neo4jServer

__all__ = ["fresh_neo4j"]

_THREADS = 8
_ASKED = 5  # by each thread
Ask = Callable[[int, DecideCommand], Answer]
Answers = list[Answer]


def _command(harness: Harness, rng: random.Random, key: str) -> DecideCommand:
    """Something harmful only together with what other threads do: two vendors, two tasks of one session each."""
    vendor, task = f"v{rng.randrange(3)}", f"task-{rng.randrange(3)}"
    match rng.choice(("create", "pay", "mail", "record", "send")):
        case "create":
            return harness.command("erp:CreateVendor", f"vendor:{vendor}", f"erp-{key}", "alice", key=key)
        case "pay":
            context = {"vendor_id": vendor}
            return harness.command(
                "erp:ApprovePayment", "invoice:1", f"erp-{key}", "alice", key=key, context=dict(context)
            )
        case "mail":
            return harness.command("mail:Read", "mailbox:support", task, on_behalf_of=("alice",), key=key)
        case "record":
            return harness.command("crm:Read", "record:42", task, on_behalf_of=("alice",), key=key)
        case _:
            return harness.command(
                "mail:Send",
                "mailbox:support",
                task,
                on_behalf_of=("alice",),
                key=key,
                properties={"to": "eve@example.org"},
            )


def _race(ask: Ask, harness: Harness) -> Answers:
    """Every thread asks one thing after the other, all threads at once."""
    answers: Answers = []
    together = threading.Barrier(_THREADS)

    def caller(number: int) -> None:
        rng = random.Random(number)
        together.wait(timeout=60)
        for turn in range(_ASKED):
            answers.append(ask(number, _command(harness, rng, f"t{number}-{turn}")))

    with ThreadPoolExecutor(_THREADS) as pool:
        for done in [pool.submit(caller, number) for number in range(_THREADS)]:
            done.result()
    return answers


async def _asked_by_threads(open_store: Opener, replicas: int) -> tuple[Store, Answers]:
    """A store of which eight threads asked at once, through so many replicas, each with a loop of its own."""
    store = await open_store()
    clock = Clock()
    async with serving(store, name="main", clock=clock) as harness:
        await harness.prepare()
        if replicas == 1:
            loop = asyncio.get_running_loop()

            def ask(_: int, command: DecideCommand) -> Answer:
                asked = harness.service.decide(GATEWAY, command)
                return asyncio.run_coroutine_threadsafe(asked, loop).result(120)

            answers = await asyncio.to_thread(_race, ask, harness)
        else:
            answers = await asyncio.to_thread(_race_of_replicas, open_store, clock, harness)
    return store, answers


def _race_of_replicas(open_store: Opener, clock: Clock, harness: Harness) -> Answers:
    async def serve(
        number: int, ready: threading.Event, inbox: dict[int, Harness], stop: asyncio.Event
    ) -> None:
        store = await open_store()
        try:
            async with serving(store, name=f"r{number}", clock=clock) as own:
                inbox[number] = own
                ready.set()
                await stop.wait()
        finally:
            await store.close()

    inbox: dict[int, Harness] = {}
    loops: dict[int, asyncio.AbstractEventLoop] = {}
    stops: dict[int, asyncio.Event] = {}
    readies = {number: threading.Event() for number in range(_THREADS)}

    def replica(number: int) -> None:
        async def whole() -> None:
            loops[number], stops[number] = asyncio.get_running_loop(), asyncio.Event()
            await serve(number, readies[number], inbox, stops[number])

        asyncio.run(whole())

    def ask(number: int, command: DecideCommand) -> Answer:
        asked = inbox[number].service.decide(GATEWAY, command)
        return asyncio.run_coroutine_threadsafe(asked, loops[number]).result(120)

    with ThreadPoolExecutor(_THREADS) as pool:
        running = [pool.submit(replica, number) for number in range(_THREADS)]
        try:
            assert all(ready.wait(120) for ready in readies.values())
            answers = _race(ask, harness)
        finally:
            for number, loop in loops.items():
                loop.call_soon_threadsafe(stops[number].set)
        for done in running:
            done.result()
    return answers


async def _agrees(store: Store, answers: Answers, server: Neo4jServer | None) -> None:
    stored, cancelled = await told_again(store)
    history = await history_of(store)
    # Whoever met too many others is refused unrecorded; nobody is permitted so.
    assert all(answer.recorded or answer.verdict is Verdict.DENY for answer in answers)
    recorded = {answer.decision.request.id: answer.verdict for answer in answers if answer.recorded}
    assert len(answers) == _THREADS * _ASKED
    kept = {record.request.id: record.answered for record in stored}
    assert recorded.items() <= kept.items()
    # A commit that came through after its caller was told DENY, for its time was over, is taken back.
    late = kept.keys() - recorded.keys()
    assert len(late) <= len(answers) - len(recorded)
    assert all(kept[name] is Verdict.DENY or name in cancelled for name in late)
    assert cancelled <= late
    told, case = told_by_engine(history), case_of(history)
    denied = {
        record.request.id for _, record in history if isinstance(record, Decided) and told[record.request.id]
    }
    assert denied, "nothing was stopped, so nothing was put to the test"
    assert told_by_definition(case) == told
    if server is not None:
        assert told_by_cypher(case, server) == told
    permitted = [record for record in stored if record.answered is Verdict.PERMIT]
    assert not any(told[record.request.id] for record in permitted)
    assert completed_in_permitted(each for each in stored if each.request.id not in cancelled) == []


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("kind", "replicas"),
    [("sqlite", 1), pytest.param("neo4j", _THREADS, marks=pytest.mark.neo4j)],
)
async def test_eight_threads_tell_one_serial_story(
    request: pytest.FixtureRequest, kind: str, replicas: int
) -> None:
    """In commit order every verdict comes again; the definition, and Cypher on Neo4j, complete what was denied and no more."""
    server = request.getfixturevalue("fresh_neo4j") if kind == "neo4j" else None
    store, answers = await _asked_by_threads(opener_of(request, kind), replicas)
    try:
        await _agrees(store, answers, server)
    finally:
        await store.close()


@pytest.mark.anyio
@pytest.mark.neo4j
async def test_cypher_finds_nothing_permitted_that_completes_in_sqlite(
    request: pytest.FixtureRequest, neo4j_server: Neo4jServer
) -> None:
    """What eight threads left in SQLite is judged by Cypher as it was judged then."""
    store, answers = await _asked_by_threads(opener_of(request, "sqlite"), 1)
    try:
        await _agrees(store, answers, neo4j_server)
    finally:
        await store.close()
