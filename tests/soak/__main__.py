"""`make soak`: three replicas on a real Neo4j and Redis under load, faults injected all the time, memory watched.

Every few seconds something breaks: a replica is killed or frozen, its way to the store is cut or its connections are
dropped, Redis or Neo4j freezes, Neo4j is killed. At the end the log is replayed serially and compared with everything
that clients were told. The report is written as Markdown; exit code 1 when something does not hold.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from graphsvc.core import cap
from tests.replica.cluster import PERSONS, Cluster, cluster
from tests.replica.estate import STEPS, step
from tests.support.service_process import ServiceProcess

_SAMPLE_S = 2.0
# Of the time is taken for the caches to fill.
_WARM_UP = 0.3
_PATIENCE_S = 600.0
# How long a replica may take until it is ready, and how long it is started again.
_READY_S, _START_S = 240.0, 900.0


@dataclass
class Watched:
    """What was seen. memory: by replica, (seconds since its start, bytes) of each life."""

    faults: Counter[str] = field(default_factory=Counter)
    memory: dict[str, list[tuple[float, int]]] = field(default_factory=dict)
    outages_s: list[float] = field(default_factory=list)
    vendors: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


class Soak:
    """One run."""

    def __init__(self, held: Cluster, minutes: float, clients: int, pause_s: float, seed: int) -> None:
        self.cluster = held
        self.asker = held.asker()
        self.watched = Watched()
        self._until = time.monotonic() + minutes * 60
        self._clients = clients
        self._pause_s = pause_s
        self._chance = random.Random(seed)
        self._began = time.monotonic()
        # The oldest replica is spared by what kills, so that one memory curve is long.
        self._victims = held.replicas[1:]

    async def run(self) -> None:
        """Load, faults and samples until the time is over; then the checks."""
        await asyncio.gather(self._load(), self._break(), self._sample())
        try:
            await self.cluster.check(self.asker, self.watched.vendors, exactly=False)
        except AssertionError as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            told = f"{where.name}, `{where.line}`: {error}"
            self.watched.problems.append(f"the log and what clients were told differ: {told}")

    @property
    def _is_over(self) -> bool:
        return time.monotonic() >= self._until

    async def _load(self) -> None:
        numbers = iter(range(10**9))
        async with await self.asker.session() as http:

            async def client() -> None:
                while not self._is_over:
                    number = next(numbers)
                    vendor = f"soak-{number}"
                    self.watched.vendors.append(vendor)
                    order = self._chance.sample(STEPS, len(STEPS))
                    asked = [step(vendor, action, f"p{number % PERSONS}") for action in order]
                    await asyncio.gather(*(self._ask(http, each) for each in asked))

            await asyncio.gather(*(client() for _ in range(self._clients)))

    async def _ask(self, http: aiohttp.ClientSession, asked: dict[str, Any]) -> None:
        try:
            await self.asker.ask(http, asked, within_s=_PATIENCE_S)
        except TimeoutError:
            told = f"{asked['idempotencyKey']} was not answered within {_PATIENCE_S:g} s"
            self.watched.problems.append(f"{told}, at {time.monotonic() - self._began:.0f} s")

    async def _break(self) -> None:
        faults: dict[str, Callable[[], Awaitable[None]]] = {
            "replica killed": self._kill_replica,
            "replica frozen": self._freeze_replica,
            "replica cut off": self._cut_off,
            "connections dropped": self._drop,
            "Redis frozen": self._freeze_redis,
            "Neo4j frozen": self._freeze_neo4j,
            "Neo4j killed": self._kill_neo4j,
        }
        while not self._is_over:
            await asyncio.sleep(self._pause_s * self._chance.uniform(0.5, 1.5))
            if self._is_over:
                return
            name = self._chance.choice(sorted(faults))
            print(
                f"{time.monotonic() - self._began:.0f} s: {name}; {dict(self.asker.tries)}",
                file=sys.stderr,
                flush=True,
            )
            await faults[name]()
            self.watched.faults[name] += 1
            began, before = time.monotonic(), self.asker.tries["recorded"]
            while self.asker.tries["recorded"] == before and not self._is_over:  # noqa: ASYNC110  a counter tells nobody
                await asyncio.sleep(0.02)
            self.watched.outages_s.append(time.monotonic() - began)

    async def _kill_replica(self) -> None:
        victim = self._chance.choice(self._victims)
        await asyncio.to_thread(victim.kill)
        await asyncio.sleep(self._chance.uniform(0.1, 2))
        await asyncio.to_thread(_started, victim)

    async def _freeze_replica(self) -> None:
        victim = self._chance.choice(self.cluster.replicas)
        victim.pause()
        await asyncio.sleep(self._chance.uniform(1, 12))
        victim.resume()

    async def _cut_off(self) -> None:
        way = self._chance.choice(self.cluster.ways)
        way.cut()
        await asyncio.sleep(self._chance.uniform(1, 12))
        way.heal()

    async def _drop(self) -> None:
        self._chance.choice(self.cluster.ways).drop()

    async def _freeze_redis(self) -> None:
        self.cluster.redis.pause()
        await asyncio.sleep(self._chance.uniform(1, 8))
        self.cluster.redis.resume()

    async def _freeze_neo4j(self) -> None:
        server = self.cluster.neo4j.process
        assert server is not None
        server.pause()
        await asyncio.sleep(self._chance.uniform(1, 8))
        server.resume()

    async def _kill_neo4j(self) -> None:
        server = self.cluster.neo4j.process
        assert server is not None
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)

    async def _sample(self) -> None:
        while not self._is_over:
            for number, replica in enumerate(self.cluster.replicas):
                process = replica.process
                if process is None or process.poll() is not None:
                    continue
                held = self.watched.memory.setdefault(f"replica {number}, process {process.pid}", [])
                try:
                    held.append((time.monotonic() - self._began, replica.rss_bytes()))
                except (OSError, IndexError):
                    continue
            await asyncio.sleep(_SAMPLE_S)


def _started(replica: ServiceProcess) -> None:
    """Start it until it runs: a service that finds no store ends, and whoever runs it starts it again."""
    until = time.monotonic() + _START_S
    while True:
        replica.launch()
        try:
            replica.wait_ready(_READY_S)
        except AssertionError:
            if time.monotonic() > until:
                raise
            replica.kill()
        else:
            return


def growth(samples: list[tuple[float, int]]) -> float:
    """Bytes a minute after the warm-up, by least squares."""
    warm = samples[int(len(samples) * _WARM_UP) :]
    if len(warm) < 3:
        return 0.0
    return statistics.linear_regression([at for at, _ in warm], [size for _, size in warm]).slope * 60


def as_markdown(soak: Soak, took_s: float) -> str:
    """The report."""
    watched, asker = soak.watched, soak.asker
    decisions = len(asker.told)
    told = (
        f"{took_s / 60:.1f} minutes, {decisions} decisions of {len(watched.vendors)} three-step races by clients that ask "
        f"again until they are answered, {sum(watched.faults.values())} faults; at most {cap.MAX_SESSIONS:,} sessions."
    )
    lines = [
        "# Soak",
        "",
        told,
        "",
        "| check | result |",
        "|---|---|",
        f"| answered twice differently | {len(asker.differing())} |",
        f"| everything else: lost, third step permitted, serial replay | {'; '.join(watched.problems) or 'holds'} |",
        "",
        "| fault | times |",
        "|---|---|",
        *(f"| {name} | {count} |" for name, count in sorted(watched.faults.items())),
        "",
        "| try | times |",
        "|---|---|",
        *(f"| {name} | {count} |" for name, count in asker.tries.most_common()),
        "",
    ]
    if watched.outages_s:
        told = (
            f"After a fault was repaired the next decision was recorded within {statistics.median(watched.outages_s):.2f} s "
            f"(median), {max(watched.outages_s):.2f} s at most."
        )
        lines += [told, ""]
    lines += [
        "| memory of | samples | first MB | last MB | after warm-up, MB a minute |",
        "|---|---|---|---|---|",
    ]
    for name, samples in sorted(watched.memory.items()):
        if len(samples) >= 5:
            first, last = samples[0][1] / 1e6, samples[-1][1] / 1e6
            lines.append(
                f"| {name} | {len(samples)} | {first:.0f} | {last:.0f} | {growth(samples) / 1e6:+.1f} |"
            )
    each = max(decisions, 1)
    longest = max(watched.memory.values(), key=len, default=[])
    if longest:
        lines += [
            "",
            f"The longest-lived process grew by {(longest[-1][1] - longest[0][1]) / each:.0f} bytes a decision.",
        ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run, report, judge."""
    asked = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    asked.add_argument("--minutes", type=float, default=30.0)
    asked.add_argument("--clients", type=int, default=24)
    asked.add_argument("--pause", type=float, default=8.0, help="seconds between two faults, about")
    asked.add_argument("--seed", type=int, default=None)
    asked.add_argument(
        "--sessions",
        type=int,
        default=cap.MAX_SESSIONS,
        help="how many may be alive at once: fewer than the service allows, so that a short run gets there",
    )
    asked.add_argument("--report", type=Path, default=Path("bench-results/soak.md"))
    given = asked.parse_args()
    seed = given.seed if given.seed is not None else random.SystemRandom().randrange(10**6)
    print(f"seed {seed}", file=sys.stderr)
    cap.MAX_SESSIONS = given.sessions  # for the replay
    with (
        tempfile.TemporaryDirectory(prefix="graphsvc-soak-") as folder,
        cluster(Path(folder), most_sessions=given.sessions) as held,
    ):
        soak = Soak(held, given.minutes, given.clients, given.pause, seed)
        began = time.monotonic()
        asyncio.run(soak.run())
        text = as_markdown(soak, time.monotonic() - began) + f"\nSeed {seed}.\n"
    given.report.parent.mkdir(parents=True, exist_ok=True)
    given.report.write_text(text, encoding="utf-8")
    print(text)
    return 1 if soak.watched.problems or soak.asker.differing() else 0


if __name__ == "__main__":
    sys.exit(main())
