"""Replicas on a real Neo4j and Redis: three-step races, and what three replicas bring against one.

The races share forty people, so that replicas meet all the time. Spread, every client has people and chains of its own.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from tests.replica.asker import Asker
from tests.replica.cluster import PERSONS, Cluster, cluster
from tests.replica.estate import STEPS, step
from tests.support.service_process import ServiceProcess

__all__ = ["measure"]

_CLIENTS = 64
_SPREAD = 640  # ten people for each client


def measure(rounds: int, replicas: tuple[int, ...] = (1, 3)) -> list[dict[str, Any]]:
    """Rows for each number of replicas, raced and spread: `third_steps` must be 0. refused_share: appends judged again, of all."""
    return [_row(rounds, number, people) for people in (PERSONS, _SPREAD) for number in replicas]


def _row(rounds: int, replicas: int, people: int) -> dict[str, Any]:
    with (
        tempfile.TemporaryDirectory(prefix="graphsvc-bench-") as folder,
        cluster(Path(folder), replicas, persons=people) as held,
    ):
        return asyncio.run(_raced(held, rounds, people))


async def _spread(asker: Asker, rounds: int) -> list[str]:
    """Each client's steps one after another, by people whom no other client acts for; the vendors."""
    vendors = [f"spread-{number}" for number in range(rounds)]
    async with await asker.session() as http:

        async def client(mine: int) -> None:
            for number in range(mine, rounds, _CLIENTS):
                person = f"p{number % _SPREAD}"
                for action in STEPS:
                    await asker.ask(http, step(vendors[number], action, person), within_s=900)

        await asyncio.gather(*map(client, range(_CLIENTS)))
    return vendors


async def _raced(held: Cluster, rounds: int, people: int) -> dict[str, Any]:
    # A cold Java machine and cold plans take seconds.
    warm = held.asker()
    await held.race(warm, 50)
    before = [_figures(replica) for replica in held.replicas]
    asker = held.asker()
    began = time.perf_counter()
    if people == PERSONS:
        vendors = await held.race(asker, rounds, clients=_CLIENTS, within_s=900)
    else:
        vendors = await _spread(asker, rounds)
    took_s = time.perf_counter() - began
    after = [_figures(replica) for replica in held.replicas]
    said: dict[str, int] = {}
    for key, told in asker.told.items():
        vendor = key.rpartition("-erp:")[0]
        said[vendor] = said.get(vendor, 0) + (told[0].verdict == "PERMIT")
    await held.check(asker, vendors, exactly=False)
    commits = sum(now["batches"] - then["batches"] for now, then in zip(after, before, strict=True))
    refusals = sum(now["refusals"] - then["refusals"] for now, then in zip(after, before, strict=True))
    return {
        "replicas": len(held.replicas),
        "clients": _CLIENTS,
        "people": people,
        "rounds": rounds,
        "third_steps": sum(count > 2 for count in said.values()),
        "per_s": round(len(asker.told) / took_s),
        "batch": round(len(asker.told) / max(commits, 1), 1),
        "refused_share": round(refusals / max(commits + refusals, 1), 3),
        "asked_again": sum(count for name, count in asker.tries.items() if name != "recorded"),
    }


def _figures(replica: ServiceProcess) -> dict[str, float]:
    request = urllib.request.Request(
        f"{replica.url}/metrics", headers={"Authorization": f"Bearer {replica.token('admin')}"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        text = answer.read().decode()
    found: dict[str, float] = {}
    for name, metric in (
        ("batches", "graphsvc_commits_total"),
        ("refusals", "graphsvc_commits_rejudged_total"),
    ):
        match = re.search(rf"^{metric} ([0-9.e+]+)$", text, re.MULTILINE)
        found[name] = float(match[1]) if match is not None else 0.0
    return found
