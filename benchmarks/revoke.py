"""From a revoke or a suspension to the first guaranteed deny, while others keep deciding."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from graphsvc.core.graph import Node
from graphsvc.core.request import AccessRequest, Entity
from graphsvc.core.verdict import Verdict
from graphsvc.decide.command import Caller, DecideCommand
from graphsvc.decide.service import GraphsvcService
from graphsvc.wiring import new_id, now_ms, open_store

__all__ = ["measure"]

_ADMIN = Caller(subject="admin", roles=frozenset({"admin", "pep"}))
_PER_S = 200
_HOUR_MS = 3_600_000


def measure(store: str = "sqlite", rounds: int = 300) -> dict[str, Any]:
    """Milliseconds of wall time. store: memory or sqlite. permits: after an acknowledgement, of all tries."""
    return asyncio.run(_measured(store, rounds))


async def _measured(store: str, rounds: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="graphsvc-bench-") as folder:
        url = "memory:" if store == "memory" else f"sqlite:///{Path(folder) / 'bench.db'}"
        opened = await open_store(url)
        service = GraphsvcService(opened, clock=now_ms, ids=new_id)
        await service.start()
        try:
            return await _rounds(service, store, rounds)
        finally:
            await service.close()
            await opened.close()


async def _rounds(service: GraphsvcService, store: str, rounds: int) -> dict[str, Any]:
    people = [Node(key=f"identity:i{number}", fields={"kind": "human"}) for number in range(rounds + 1)]
    await service.load_graph(_ADMIN, "bench", people, [], replace=True)
    keys = itertools.count()

    async def ask(identity: str) -> Verdict:
        number = next(keys)
        request = AccessRequest(
            id="", chain=f"c-{identity}", subject=Entity("human", identity), action="app:Do",
            resource=Entity("doc", str(number % 100)),
        )  # fmt: skip
        answer = await service.decide(_ADMIN, DecideCommand(key=f"k{number}", request=request))
        return answer.verdict

    async def busy() -> None:
        waiting: set[asyncio.Task[Verdict]] = set()
        while True:
            task = asyncio.create_task(ask(f"i{rounds}"))
            waiting.add(task)
            task.add_done_callback(waiting.discard)
            await asyncio.sleep(1 / _PER_S)

    load = asyncio.create_task(busy())
    times: dict[str, list[float]] = {"revoke": [], "suspend": []}
    tries = permits = 0
    for number in range(rounds):
        identity = f"i{number}"
        given = await service.grant(
            _ADMIN, identity=identity, actions=["*"], resources=["*"], expires_ms=now_ms() + _HOUR_MS,
            not_before_ms=None, uses=None, chain=None, purpose="bench",
        )  # fmt: skip
        assert await ask(identity) is Verdict.PERMIT
        kind = "revoke" if number % 2 else "suspend"
        stop: Callable[[], Awaitable[object]] = (
            (lambda g=given: service.revoke_grant(_ADMIN, g.grant.id, "bench"))  # type: ignore[misc]
            if kind == "revoke"
            else (lambda i=identity: service.suspend(_ADMIN, i, "bench", None))  # type: ignore[misc]
        )
        began = time.perf_counter()
        await stop()
        acknowledged = time.perf_counter()
        answers = await asyncio.gather(*(ask(identity) for _ in range(34)))
        tries += len(answers)
        permits += sum(each is Verdict.PERMIT for each in answers)
        times[kind].append((acknowledged - began) * 1_000)
    load.cancel()
    return {
        "store": store,
        "background decide/s": _PER_S,
        **{
            f"{kind} {share}": round(sorted(each)[int(len(each) * part)], 2)
            for kind, each in times.items()
            for share, part in (("p50 ms", 0.5), ("p99 ms", 0.99))
        },
        "tries": tries,
        "permits": permits,
    }
