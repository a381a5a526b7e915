"""From a security event pushed to us (RFC 8935) to the answer that says it counts, while others keep deciding; over real ports."""

from __future__ import annotations

import asyncio
import itertools
import json
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp

from graphsvc.api.jwks import KeySet
from graphsvc.api.ssf.stream import Stream
from graphsvc.client import Client, Decision
from graphsvc.store.sqlite import open_sqlite
from tests.api.issuer import RISC, US, Issuer
from tests.api.served import served

__all__ = ["measure"]

_PER_S = 200
_TRIES = 10


def measure(rounds: int = 300) -> dict[str, Any]:
    """Milliseconds of wall time until the push is answered; permits: of what was asked after that answer."""
    with tempfile.TemporaryDirectory(prefix="graphsvc-bench-") as folder:
        return asyncio.run(_measured(Path(folder), rounds))


async def _measured(folder: Path, rounds: int) -> dict[str, Any]:
    issuer = Issuer()
    (folder / "jwks.json").write_text(json.dumps(issuer.jwks()))
    stream = Stream(name="idp", issuer=issuer.url, audience=US, keys=KeySet(file=folder / "jwks.json"))
    people = [
        {"node": {"type": "identity", "id": f"i{number}", "kind": "human", "aliases": [f"email:i{number}@x.example"]}}
        for number in range(rounds + 1)
    ]  # fmt: skip
    async with AsyncExitStack() as stack:
        store = await open_sqlite(folder / "bench.db")
        service = await stack.enter_async_context(served(store=store, streams=(stream,)))
        # The service's clock is the tests' own; the tokens' time is the machine's.
        pep = await stack.enter_async_context(service.client(deadline_ms=600_000))
        async with service.client("admin", subject="root") as admin:
            await admin.upsert_graph("bench", people)
        load = asyncio.create_task(_busy(pep, f"i{rounds}"))
        try:
            return await _rounds(issuer, service.url, pep, rounds)
        finally:
            load.cancel()


async def _rounds(issuer: Issuer, url: str, pep: Client, rounds: int) -> dict[str, Any]:
    times: list[float] = []
    tries = permits = 0
    async with aiohttp.ClientSession(headers={"Content-Type": "application/secevent+jwt"}) as http:
        for number in range(rounds):
            subject = {"format": "email", "email": f"i{number}@x.example"}
            token = issuer.sign(issuer.event(RISC + "account-disabled", subject), typ="secevent+jwt")
            began = time.perf_counter()
            async with http.post(f"{url}/ssf/events", data=token) as answer:
                if answer.status != 202:
                    raise RuntimeError(f"the event was refused: {await answer.text()}")
            times.append((time.perf_counter() - began) * 1_000)
            answers = await asyncio.gather(*(_ask(pep, f"i{number}") for _ in range(_TRIES)))
            tries += len(answers)
            permits += sum(each.permitted for each in answers)
    ordered = sorted(times)
    return {
        "event": "RISC account-disabled",
        "store": "sqlite",
        "background decide/s": _PER_S,
        "p50 ms": round(ordered[len(ordered) // 2], 2),
        "p99 ms": round(ordered[int(len(ordered) * 0.99)], 2),
        "tries": tries,
        "permits": permits,
    }


_keys = itertools.count()


async def _busy(pep: Client, identity: str) -> None:
    waiting: set[asyncio.Task[Decision]] = set()
    while True:
        task = asyncio.create_task(_ask(pep, identity))
        waiting.add(task)
        task.add_done_callback(waiting.discard)
        await asyncio.sleep(1 / _PER_S)


async def _ask(pep: Client, identity: str) -> Decision:
    return await pep.decide(
        {
            "chain": f"c-{identity}",
            "subject": {"type": "human", "id": identity},
            "action": {"name": "app:Do"},
            "resource": {"type": "doc", "id": str(next(_keys) % 100)},
        }
    )
