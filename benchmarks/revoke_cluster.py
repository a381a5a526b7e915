"""From a revoke or a suspension at one replica to the first guaranteed deny at every one: three replicas on a real Neo4j."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from graphsvc.client import Client, Decision
from tests.replica.cluster import Cluster, cluster

__all__ = ["measure"]

_PER_S = 200
_TRIES = 34  # at each replica, after each acknowledgement


def measure(rounds: int = 100, per_s: int = _PER_S) -> dict[str, Any]:
    """Milliseconds of wall time. permits: after an acknowledgement, at any replica, of all tries that were recorded."""
    with tempfile.TemporaryDirectory(prefix="graphsvc-bench-") as folder, cluster(Path(folder)) as held:
        return asyncio.run(_measured(held, rounds, per_s))


async def _measured(held: Cluster, rounds: int, per_s: int) -> dict[str, Any]:
    replica = held.replicas[0]
    async with AsyncExitStack() as stack:

        async def client(url: str, *roles: str) -> Client:
            return await stack.enter_async_context(Client(url, replica.token(*roles), deadline_ms=30_000))

        askers = [await client(url, "pep") for url in held.urls]
        admins = [await client(url, "admin") for url in held.urls]
        people = [
            {"node": {"type": "identity", "id": f"i{number}", "kind": "human"}} for number in range(rounds)
        ]
        await admins[0].upsert_graph("bench", people)
        load = asyncio.create_task(_busy(askers, per_s))
        try:
            return await _rounds(askers, admins, rounds, load)
        finally:
            load.cancel()


async def _rounds(
    askers: list[Client], admins: list[Client], rounds: int, load: asyncio.Task[int]
) -> dict[str, Any]:
    times: dict[str, list[float]] = {"revoke": [], "suspend": []}
    tries = permits = 0
    began = time.perf_counter()
    for number in range(rounds):
        identity, admin = f"i{number}", admins[number % len(admins)]
        given = await admin.grant(
            identity, actions=["app:*"], resources=["*"], expires_at="2099-01-01T00:00:00Z", purpose="bench"
        )
        for asker in askers:
            await _permitted(asker, identity)
        kind = "revoke" if number % 2 else "suspend"
        started = time.perf_counter()
        if kind == "revoke":
            await admin.revoke_grant(given.grant.id, "bench")
        else:
            await admin.suspend(identity, "bench")
        times[kind].append((time.perf_counter() - started) * 1_000)
        answers = await asyncio.gather(*(_ask(asker, identity) for _ in range(_TRIES) for asker in askers))
        # What was not recorded in time is a refusal too, and shows nothing.
        tries += sum(each.recorded for each in answers)
        permits += sum(each.permitted for each in answers)
        if load.done():
            load.result()
    took_s = time.perf_counter() - began
    return {
        "store": f"neo4j, {len(askers)} replicas",
        "decide/s": round((_Busy.answered + tries) / took_s),
        **{
            f"{kind} {share}": round(sorted(each)[min(len(each) - 1, int(len(each) * part))], 2)
            for kind, each in times.items()
            for share, part in (("p50 ms", 0.5), ("p99 ms", 0.99))
        },
        "tries": tries,
        "permits": permits,
    }


async def _permitted(asker: Client, identity: str) -> None:
    """Return once the grant lets an action through; a busy machine may need several tries."""
    while not (answer := await _ask(asker, identity)).permitted:
        if answer.recorded:
            raise RuntimeError(f"the grant does not permit: {answer.reasons}")


_keys = itertools.count()


class _Busy:
    answered = 0


async def _busy(askers: list[Client], per_s: int) -> int:
    """Decisions of others, spread over the replicas, until it is cancelled."""
    waiting: set[asyncio.Task[Decision]] = set()
    began = time.perf_counter()
    for number in itertools.count():
        task = asyncio.create_task(_ask(askers[number % len(askers)], f"p{number % 40}"))
        waiting.add(task)

        def done(task: asyncio.Task[Decision]) -> None:
            waiting.discard(task)
            _Busy.answered += 1

        task.add_done_callback(done)
        await asyncio.sleep(max(0.0, began + number / per_s - time.perf_counter()))
    return 0


async def _ask(asker: Client, identity: str) -> Decision:
    number = next(_keys)
    return await asker.decide(
        {
            "chain": f"c-{identity}-{id(asker)}",
            "subject": {"type": "human", "id": identity},
            "action": {"name": "app:Do"},
            "resource": {"type": "doc", "id": str(number % 100)},
        }
    )
