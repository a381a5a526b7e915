"""Three real replicas on a real Neo4j and Redis: raced, killed, paused, cut off, with clocks that differ."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import aiohttp
import pytest

from tests.replica.cluster import Cluster
from tests.replica.estate import step

pytestmark = [pytest.mark.neo4j, pytest.mark.slow, pytest.mark.timeout(1_800)]

_EVALUATE = "query E($i: DecideInput!) { evaluate(input: $i) { verdict stale } }"
_DECIDE = (
    "mutation D($i: DecideInput!) { decide(input: $i) "
    "{ ... on Decision { verdict reasons { code retryable } } } }"
)


def test_of_three_steps_raced_over_three_replicas_two_pass(replicas: Cluster) -> None:
    """64 clients over three replicas: two of each three steps are permitted, and a serial replay agrees."""

    async def story() -> None:
        asker = replicas.asker()
        vendors = await replicas.race(asker, 120)
        await replicas.check(asker, vendors, exactly=True)

    asyncio.run(story())


def _faulted(
    replicas: Cluster, fault: Callable[[], None], repair: Callable[[], None], lasts_s: float
) -> None:
    async def story() -> None:
        asker = replicas.asker()
        racing = asyncio.create_task(replicas.race(asker, 240))
        await asyncio.sleep(0.5)
        fault()
        await asyncio.sleep(lasts_s)
        repair()
        vendors = await racing
        # The fault was felt: otherwise this test says nothing.
        assert sum(count for name, count in asker.tries.items() if name != "recorded"), asker.tries
        await replicas.check(asker, vendors, exactly=False)

    asyncio.run(story())


def test_a_killed_replica_takes_nothing_with_it(replicas: Cluster) -> None:
    """One replica is killed in the middle of a race and started again: nothing acknowledged is lost or differs."""
    victim = replicas.replicas[0]
    _faulted(replicas, victim.kill, victim.launch, 1.0)


def test_a_paused_replica_does_no_harm_when_it_wakes(replicas: Cluster) -> None:
    """One replica is frozen beyond every deadline; what it still believes is refused by the log."""
    victim = replicas.replicas[1]
    _faulted(replicas, victim.pause, victim.resume, 12.0)


def test_a_replica_cut_off_from_the_store_denies(replicas: Cluster) -> None:
    """A partition between one replica and the store: the others go on, and after it heals the log tells one story."""
    way = replicas.ways[2]
    _faulted(replicas, way.cut, way.heal, 8.0)


def test_what_a_replica_that_is_cut_off_says(replicas: Cluster) -> None:
    """It denies with the store as the cause, in the deadline; evaluates with `stale`, later not at all; then recovers."""
    replica, way = replicas.replicas[2], replicas.ways[2]
    asked = {**step("w1", "erp:Pay", "p1"), "deadlineMs": 2_000}
    assert replica.ask(_EVALUATE, {"i": asked})["data"]["evaluate"] == {"verdict": "PERMIT", "stale": False}
    way.cut()
    cut_at = time.monotonic()
    time.sleep(5.5)
    began = time.monotonic()
    answer = replica.ask(_DECIDE, {"i": asked})["data"]["decide"]
    assert time.monotonic() - began < 2.0 + 1.0
    assert answer["verdict"] == "DENY"
    assert [(reason["code"], reason["retryable"]) for reason in answer["reasons"]] == [
        ("store_unavailable", True)
    ]
    assert replica.ask(_EVALUATE, {"i": asked})["data"]["evaluate"]["stale"]
    assert not replica.is_ready()
    time.sleep(max(0.0, 32 - (time.monotonic() - cut_at)))
    refused = replica.ask(_EVALUATE, {"i": asked})
    assert refused["errors"][0]["extensions"]["code"] == "store_unavailable"
    way.heal()
    healed_at = time.monotonic()
    replica.wait_ready()
    while replica.ask(_EVALUATE, {"i": asked})["data"]["evaluate"]["stale"]:
        assert time.monotonic() - healed_at < 10
        time.sleep(0.05)
    assert (
        replica.ask(_DECIDE, {"i": {**asked, "idempotencyKey": "w1-again"}})["data"]["decide"]["verdict"]
        == "PERMIT"
    )


def test_an_idle_replica_is_up_to_date_without_being_asked(replicas: Cluster) -> None:
    """A subscription at one replica tells what another decided: by the bell at once, without Redis a little later."""

    async def heard_after(url: str, token: str, name: str) -> float:
        query = "subscription { decisions { __typename ... on DecisionEvent { decision { id } } } }"
        headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
        async with (
            aiohttp.ClientSession() as http,
            http.post(f"{url}/graphql", json={"query": query}, headers=headers) as stream,
        ):
            assert stream.status == 200
            await asyncio.sleep(0.5)
            asker = replicas.asker()
            asker.urls = [replicas.urls[0]]
            async with await asker.session() as asking:
                told = await asker.ask(asking, step(name, "erp:Pay", "p2"))
            began = time.monotonic()
            async with asyncio.timeout(20):
                async for line in stream.content:
                    if told.id in line.decode():
                        return time.monotonic() - began
        raise AssertionError("the stream ended")

    token = replicas.replicas[1].token("analyst")
    with_bell = min(asyncio.run(heard_after(replicas.urls[1], token, f"bell-{turn}")) for turn in range(5))
    replicas.redis.pause()
    try:
        without = max(asyncio.run(heard_after(replicas.urls[1], token, f"dumb-{turn}")) for turn in range(3))
    finally:
        replicas.redis.resume()
    assert with_bell < 0.25
    assert without < 5


def test_a_clock_a_little_off_changes_nothing(replicas: Cluster) -> None:
    """A replica whose clock is 300 ms behind races with the others; verdicts and replay stay as they must."""

    async def story() -> None:
        asker = replicas.asker()
        asker.urls = [*replicas.urls[:2], late.url]
        vendors = await replicas.race(asker, 60)
        await replicas.check(asker, vendors, exactly=True)

    late = replicas.replica(replicas.ways[0].port, skew_ms=-300)
    try:
        late.start()
        asyncio.run(story())
    finally:
        late.stop()


def test_a_clock_far_off_keeps_a_replica_out(replicas: Cluster) -> None:
    """A replica whose clock is 3 seconds ahead does not start, and says why."""
    early = replicas.replica(replicas.ways[0].port, skew_ms=3_000)
    early.launch()
    assert early.process is not None
    try:
        assert early.process.wait(240) == 3
        assert "clock and ours differ" in early.told()
    finally:
        early.stop()


def test_one_replica_draws_and_when_it_is_killed_another_does(replicas: Cluster) -> None:
    """The graph is drawn to the end of the log after whichever replica holds the lease was killed."""

    async def drawn_and_head() -> tuple[int, int]:
        store = await replicas.store()
        try:
            return await store.drawn(), await store.head()
        finally:
            await store.close()

    async def ask(name: str, url: str) -> None:
        asker = replicas.asker()
        asker.urls = [url]
        async with await asker.session() as http:
            await asker.ask(http, step(name, "erp:Pay", "p3"))

    for victim, other in ((0, 1), (1, 2), (2, 0)):
        replicas.replicas[victim].kill()
        asyncio.run(ask(f"draw-{victim}", replicas.urls[other]))
        until = time.monotonic() + 20
        while True:
            drawn, head = asyncio.run(drawn_and_head())
            if drawn == head:
                break
            assert time.monotonic() < until, (drawn, head)
        replicas.replicas[victim].start()


def test_a_clock_that_jumps_stops_a_replica_until_it_agrees_again(replicas: Cluster) -> None:
    """A jump by ten seconds is noticed within a few; nothing is decided until the clock is right."""
    replica = replicas.replica(replicas.ways[0].port, skew_ms=0)

    def decided(name: str) -> list[str]:
        answer = replica.ask(_DECIDE, {"i": step(name, "erp:Pay", "p4")})["data"]["decide"]
        return [answer["verdict"], *(reason["code"] for reason in answer["reasons"])]

    def becomes(wanted: list[str], name: str) -> None:
        until = time.monotonic() + 30
        turn = 0
        while decided(f"{name}-{turn}") != wanted:
            assert time.monotonic() < until, decided(f"{name}-last")
            turn += 1
            time.sleep(0.2)

    try:
        replica.start()
        assert decided("jump-before") == ["PERMIT"]
        for skew_ms in (10_000, -10_000):
            replica.set_clock(skew_ms)
            becomes(["DENY", "store_unavailable"], f"jump{skew_ms}")
            assert not replica.is_ready()
            replica.set_clock(0)
            becomes(["PERMIT"], f"back{skew_ms}")
    finally:
        replica.stop()
