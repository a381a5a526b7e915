"""Each fault of the table in docs/operations.md, caused for real, and what callers get."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from graphsvc.core.verdict import Verdict
from graphsvc.store.sqlite import open_sqlite
from tests.failure.conftest import until
from tests.race.story import told_again
from tests.replica.asker import Asker
from tests.replica.cluster import PERSONS
from tests.replica.estate import STEPS, final, permits_by_key, step
from tests.support.neo4j_server import Neo4jServer
from tests.support.service_process import ServiceProcess

_DECIDE = "mutation D($i: DecideInput!) { decide(input: $i) { ... on Decision { id verdict reasons { code retryable } } } }"
_EVALUATE = "query E($i: DecideInput!) { evaluate(input: $i) { verdict stale } }"
# 50 kills in all, ten on each of five stores: every start reads the whole log, which a killed service leaves no snapshot of.
_LIVES, _KILLS = 5, 10
_IN_FLIGHT = 64


def _decided(service: ServiceProcess, asked: dict[str, Any]) -> tuple[str, list[str], float]:
    """Verdict, reason codes, seconds it took."""
    began = time.monotonic()
    answer = service.ask(_DECIDE, {"i": asked})["data"]["decide"]
    return answer["verdict"], [reason["code"] for reason in answer["reasons"]], time.monotonic() - began


@pytest.mark.neo4j
@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("how", ["killed", "frozen"])
def test_a_store_that_goes_away_under_load(
    on_neo4j: ServiceProcess, own_neo4j: Neo4jServer, how: str
) -> None:
    """DENY `store_unavailable` in the deadline, `evaluate` stale, not ready; afterwards it recovers by itself."""
    server = own_neo4j.process
    assert server is not None
    asker = Asker([on_neo4j.url], on_neo4j.token())

    async def load(stop: asyncio.Event) -> None:
        async with await asker.session() as http:

            async def client(number: int) -> None:
                for turn in itertools.count():
                    if stop.is_set():
                        return
                    asked = step(f"l{number}-{turn}", "erp:Pay", f"p{number}")
                    await asker.once(http, on_neo4j.url, {**asked, "deadlineMs": 2_000})

            await asyncio.gather(*(client(number) for number in range(16)))

    async def story() -> tuple[float, float]:
        stop = asyncio.Event()
        loading = asyncio.create_task(load(stop))
        await asyncio.sleep(2)
        (server.kill if how == "killed" else server.pause)()
        gone_at = time.monotonic()
        while not asker.tries["store_unavailable"]:
            await asyncio.sleep(0.01)
            assert time.monotonic() - gone_at < 10, asker.tries
        first_s = time.monotonic() - gone_at
        asked = {**step("outage", "erp:Pay", "p1"), "deadlineMs": 2_000}
        verdict, codes, took_s = await asyncio.to_thread(_decided, on_neo4j, asked)
        assert (verdict, codes) == ("DENY", ["store_unavailable"])
        assert took_s < 2.0 + 1.5
        await asyncio.to_thread(
            until,
            lambda: on_neo4j.ask(_EVALUATE, {"i": step("e", "erp:Pay", "p1")})["data"]["evaluate"]["stale"],
            20,
            "never stale",
        )
        assert not await asyncio.to_thread(on_neo4j.is_ready)
        await asyncio.to_thread(server.start if how == "killed" else server.resume)
        back_at = time.monotonic()
        before = asker.tries["recorded"]
        while asker.tries["recorded"] == before:
            await asyncio.sleep(0.01)
            assert time.monotonic() - back_at < 60, asker.tries
        back_s = time.monotonic() - back_at
        stop.set()
        await loading
        return first_s, back_s

    first_s, back_s = asyncio.run(story())
    print(
        f"{how}: first store_unavailable after {first_s:.2f} s, decided again {back_s:.2f} s after it was back"
    )
    # The deadline of the load, and a second for the machine.
    assert first_s < 2.0 + 1.5
    assert not asker.differing()
    on_neo4j.wait_ready(30)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("life", range(_LIVES))
def test_a_service_that_is_killed_again_and_again(on_sqlite: ServiceProcess, life: int) -> None:
    """Killed at random moments with 64 requests in flight: nothing acknowledged is lost or answered differently."""
    rounds = Counter[str]()
    chance = random.Random(20261124 + life)
    asker = Asker([on_sqlite.url], on_sqlite.token())
    numbers = itertools.count()
    vendors: list[str] = []

    async def one(delay_s: float) -> None:
        asked: list[dict[str, Any]] = []
        for number in itertools.islice(numbers, 300):
            vendor = f"k{number}"
            vendors.append(vendor)
            asked += [step(vendor, action, f"p{number % PERSONS}") for action in chance.sample(STEPS, 3)]
        waiting: dict[str, dict[str, Any]] = {}
        async with await asker.session() as http:
            left = iter(asked)

            async def client() -> None:
                for each in left:
                    waiting[each["idempotencyKey"]] = each
                    if await asker.once(http, on_sqlite.url, each) is None:
                        return
                    del waiting[each["idempotencyKey"]]

            clients = [asyncio.create_task(client()) for _ in range(_IN_FLIGHT)]
            await asyncio.sleep(delay_s)
            on_sqlite.kill()
            await asyncio.gather(*clients)
        rounds["unacknowledged"] += len(waiting)
        on_sqlite.launch()
        await asyncio.to_thread(on_sqlite.wait_ready)
        async with await asker.session() as http:
            # Those that were in flight are asked again, and some of those that were answered.
            again = [
                *waiting.values(),
                *(each for each in asked[:60] if each["idempotencyKey"] in asker.told),
            ]
            known = {key for key in waiting if key not in asker.told}
            await asyncio.gather(*(asker.ask(http, each) for each in again))
            rounds["written before the kill"] += sum(
                asker.told[key][0].verdict in {"PERMIT", "DENY"} for key in known
            )

    on_sqlite.start()
    for _ in range(_KILLS):
        asyncio.run(one(chance.uniform(0.05, 1.2)))
    on_sqlite.stop()

    async def history() -> None:
        store = await open_sqlite(on_sqlite.folder / "graphsvc.db")
        try:
            stored, cancelled = await told_again(store)
        finally:
            await store.close()
        by_id = {record.request.id: record for record in stored}
        assert len({record.dedupe for record in stored}) == len(stored)
        for told in asker.told.values():
            assert final(by_id[told[0].id], cancelled) == told[0].verdict
        permitted = permits_by_key(
            [
                (record.request.resource.id, record.request.action)
                for record in stored
                if record.answered is Verdict.PERMIT and record.request.id not in cancelled
            ]
        )
        assert max(map(len, permitted.values())) == 2

    asyncio.run(history())
    print(f"{_KILLS} kills: {len(asker.told)} keys acknowledged, {dict(rounds)}")
    assert not asker.differing()
    assert rounds["unacknowledged"] > 0


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_full_disk_denies_and_loses_nothing(on_sqlite: ServiceProcess) -> None:
    """No file can grow any more: DENY with the store as the cause, `evaluate` goes on; with room again all is there."""
    size = (on_sqlite.folder / "graphsvc.db").stat().st_size
    on_sqlite.limit_file_bytes = size + 400_000
    on_sqlite.start()
    told: dict[str, str] = {}
    for number in range(2_000):
        asked = step(f"f{number}", "erp:Pay", f"p{number % PERSONS}")
        verdict, codes, _ = _decided(on_sqlite, asked)
        if codes == ["store_unavailable"]:
            break
        told[asked["idempotencyKey"]] = verdict
    else:
        pytest.fail("the disk never became full")
    assert verdict == "DENY"
    assert told
    assert (
        on_sqlite.ask(_EVALUATE, {"i": step("e", "erp:Pay", "p1")})["data"]["evaluate"]["verdict"] == "PERMIT"
    )
    on_sqlite.kill()
    on_sqlite.limit_file_bytes = None
    on_sqlite.start()
    for key, before in told.items():
        vendor = key.removesuffix("-erp:Pay")
        number = int(vendor.removeprefix("f"))
        assert _decided(on_sqlite, step(vendor, "erp:Pay", f"p{number % PERSONS}"))[0] == before
    assert _decided(on_sqlite, asked)[0] == "PERMIT"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_client_that_hangs_up_leaves_no_half_decision(on_sqlite: ServiceProcess) -> None:
    """200 clients send a request and hang up at once: each key is in the log once or not at all, and is answered alike."""
    on_sqlite.start()
    token = on_sqlite.token()
    asked = [step(f"h{number}", action, f"p{number % PERSONS}") for number in range(70) for action in STEPS][
        :200
    ]
    for each in asked:
        body = json.dumps({"query": _DECIDE, "variables": {"i": each}}).encode()
        with socket.create_connection(("127.0.0.1", on_sqlite.port)) as connection:
            head = (
                f"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1:{on_sqlite.port}\r\nContent-Type: application/json\r\n"
                f"Authorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            connection.sendall(head.encode() + body)
            # Some are gone before the request is read, some while it is being written.
            time.sleep(random.Random(each["idempotencyKey"]).choice([0, 0, 0.001, 0.004]))
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")

    async def ask_again() -> Asker:
        asker = Asker([on_sqlite.url], token)
        async with await asker.session() as http:
            for _ in range(2):
                await asyncio.gather(*(asker.ask(http, each) for each in asked))
        return asker

    asker = asyncio.run(ask_again())
    assert not asker.differing()
    on_sqlite.stop()

    async def stored() -> Counter[str]:
        store = await open_sqlite(on_sqlite.folder / "graphsvc.db")
        try:
            return Counter(record.dedupe for record in (await told_again(store))[0])
        finally:
            await store.close()

    counted = asyncio.run(stored())
    assert len(counted) == len(asked)
    assert set(counted.values()) == {1}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_two_processes_do_not_share_a_file(on_sqlite: ServiceProcess) -> None:
    """The second service on one SQLite file ends with exit code 3 and names the owner; the first goes on."""
    on_sqlite.start()
    second = ServiceProcess(on_sqlite.folder, on_sqlite.store)
    second.launch()
    assert second.process is not None
    assert on_sqlite.process is not None
    assert second.process.wait(60) == 3
    assert f"another process ({on_sqlite.process.pid}) owns it" in second.told()
    assert _decided(on_sqlite, step("s1", "erp:Pay", "p1"))[0] == "PERMIT"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_clock_that_jumps_orders_nothing_anew(on_sqlite: ServiceProcess) -> None:
    """Our clock jumps by an hour and back: times in the log never fall, and the third step is refused all the same."""
    on_sqlite.skew_ms = 0
    on_sqlite.start()
    verdicts: list[str] = []
    for action, skew_ms in zip(STEPS, (3_600_000, -3_600_000, 0), strict=True):
        on_sqlite.set_clock(skew_ms)
        asked = {**step("j1", action, "p1"), "deadlineMs": 600_000}
        verdicts.append(_decided(on_sqlite, asked)[0])
    assert verdicts == ["PERMIT", "PERMIT", "DENY"]
    on_sqlite.stop()

    async def times() -> list[int]:
        store = await open_sqlite(on_sqlite.folder / "graphsvc.db")
        try:
            return [record.at_ms for record in (await told_again(store))[0]]
        finally:
            await store.close()

    found = asyncio.run(times())
    assert found == sorted(found)


@pytest.mark.neo4j
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_backup_put_back_behind_a_running_replica(
    on_neo4j: ServiceProcess, own_neo4j: Neo4jServer, tmp_path: Path
) -> None:
    """The database is emptied and restored while the service runs: it opens the store anew, what the backup holds is
    answered as before, what came after it is judged anew, and revisions of before do not hold.
    """
    file, env = tmp_path / "kept.backup", {**os.environ, "GRAPHSVC_NEO4J_PASSWORD": own_neo4j.password}

    def command(*arguments: str) -> None:
        program = [sys.executable, "-c", "from graphsvc.cli.main import app; app()"]
        subprocess.run([*program, *arguments, "--store", own_neo4j.store_url], env=env, check=True)

    kept = [step("r1", action, "p1") for action in STEPS]
    before = [_told(on_neo4j, asked) for asked in kept]
    verdicts = ["PERMIT", "PERMIT", "DENY"]
    assert [told["verdict"] for told in before] == verdicts
    command("backup", "-o", str(file))
    lost = _told(on_neo4j, step("r2", STEPS[0], "p1"))
    own_neo4j.clear()
    command("restore", str(file))
    until(on_neo4j.is_ready, 60, "never ready again")
    after = [_told(on_neo4j, asked) for asked in kept]
    assert [told["id"] for told in after] == [told["id"] for told in before]
    assert [told["verdict"] for told in after] == verdicts
    # Of what came after the backup nothing is known: the store is as it was then.
    again = _told(on_neo4j, {**step("r2", STEPS[0], "p1"), "deadlineMs": 10_000})
    assert again["verdict"] == "PERMIT"
    assert again["revision"].partition(".")[0] != lost["revision"].partition(".")[0]
    refused = _decided(on_neo4j, {**step("r3", STEPS[0], "p1"), "atLeast": lost["revision"]})
    assert refused[:2] == ("DENY", ["revision_unavailable"])


def _told(service: ServiceProcess, asked: dict[str, Any]) -> dict[str, Any]:
    query = "mutation D($i: DecideInput!) { decide(input: $i) { ... on Decision { id verdict revision } } }"
    told: dict[str, Any] = service.ask(query, {"i": asked})["data"]["decide"]
    return told
