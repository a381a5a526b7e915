"""The engine alone: CPU time of a decision, judged, recorded and folded, without store or network.

The traffic is that of `mix`. A share of all decisions meets parties, resources and sessions that nobody asked about for
a while; a warm-up only sees that every action was there before.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Iterable, Iterator, Sequence

from benchmarks import mix
from benchmarks.workload import estate_lines
from graphsvc.core.evaluate import Evaluation, decided
from graphsvc.core.graph import Edge, Node
from graphsvc.core.policy.load import load_policy
from graphsvc.core.record import GraphCommitted, GraphStaged, PolicyPublished
from graphsvc.core.request import AccessRequest
from graphsvc.core.value import Json
from graphsvc.core.world import World
from graphsvc.importers import graph_jsonl

__all__ = ["Driver", "measure", "mixed_world", "publish", "timed", "world_of"]

_WARM_UP = 100_000


class Driver:
    """Decides one request after the other, each a little later than the one before."""

    def __init__(self, world: World, step_ms: int = 1) -> None:
        self.world = world
        self.at_ms = 0
        self._step_ms = step_ms

    def decide(self, request: AccessRequest) -> Evaluation:
        """Judge, record and fold."""
        self.at_ms += self._step_ms
        seq = self.world.seq + 1
        judged = self.world.evaluate(request, self.at_ms, seq=seq)
        self.world.apply(decided(judged), seq, judged)
        return judged

    def judge(self, request: AccessRequest) -> Evaluation:
        """Judge; nothing changes."""
        return self.world.evaluate(request, self.at_ms + 1, seq=self.world.seq + 1)


def measure(patterns: int, decisions: int, *, warm_up: int = _WARM_UP) -> dict[str, Json]:
    """Decisions per second of CPU, and the CPU microseconds of one at p50, p99 and worst.

    A decision is judged, recorded and folded; again: judging the same once more, when all it needs is at hand.
    `loop_ns` is what one turn of an empty loop over a dict costs on this machine now: figures of two machines, or of
    one that is busy with other things, compare by it.
    """
    requests = mix.requests(warm_up + 2 * decisions)
    return {"patterns": patterns, **timed(mixed_world(patterns), requests, decisions, warm_up)}


def timed(
    world: World, requests: Iterator[AccessRequest], decisions: int, warm_up: int = _WARM_UP
) -> dict[str, Json]:
    """The figures of `measure` for any world and traffic of `warm_up + 2 * decisions` requests."""
    driver = Driver(world, mix.STEP_MS)
    for _ in range(warm_up):
        driver.decide(next(requests))
    loop_ns = _loop_ns()
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        whole = list(_take(requests, decisions))
        started = time.process_time_ns()
        for request in whole:
            driver.decide(request)
        took = time.process_time_ns() - started
        each, again, completing = _one_by_one(driver, list(_take(requests, decisions)))
    finally:
        gc.enable()
        gc.unfreeze()
    return {
        "decisions": decisions,
        "per_s": round(decisions / took * 1e9),
        "p50_us": each[len(each) // 2] / 1000,
        "p99_us": each[len(each) * 99 // 100] / 1000,
        "max_us": each[-1] / 1000,
        "again_p50_us": again[len(again) // 2] / 1000,
        "completing": round(completing / decisions, 4),
        "loop_ns": loop_ns,
    }


def _one_by_one(driver: Driver, requests: Sequence[AccessRequest]) -> tuple[list[int], list[int], int]:
    each: list[int] = []
    again: list[int] = []
    completing = 0
    clock = time.thread_time_ns
    for request in requests:
        started = clock()
        judged = driver.decide(request)
        each.append(clock() - started)
        completing += bool(judged.completions)
        started = clock()
        driver.judge(request)
        again.append(clock() - started)
    return sorted(each), sorted(again), completing


def _take(requests: Iterable[AccessRequest], count: int) -> Iterable[AccessRequest]:
    for _, request in zip(range(count), requests, strict=False):
        yield request


def _loop_ns() -> float:
    numbers = {number: number for number in range(1_000)}
    best = 1e9
    for _ in range(5):
        total = 0
        started = time.thread_time_ns()
        for number in range(100_000):
            total += numbers.get(number % 1_000, 0)
        best = min(best, (time.thread_time_ns() - started) / 100_000)
    return round(best, 1)


def mixed_world(patterns: int) -> World:
    """The estate and the rules of `mix`."""
    return _world(*mix.estate(), mix.policy(patterns))


def world_of(text: str, identities: int) -> World:
    """A world with a small estate of so many identities under a policy."""
    estate = graph_jsonl.read("\n".join(estate_lines(identities)), "estate")
    return _world(estate.nodes, estate.edges, text)


def _world(nodes: tuple[Node, ...], edges: tuple[Edge, ...], text: str) -> World:
    world = World()
    world.apply(GraphStaged(at_ms=0, load="l", nodes=nodes, edges=edges), 1)
    world.apply(GraphCommitted(at_ms=0, load="l", source="bench"), 2)
    publish(world, text)
    return world


def publish(world: World, text: str) -> None:
    """Put a pack in force."""
    policy = load_policy(text, "bench.yaml")
    source = policy.source
    world.apply(
        PolicyPublished(
            at_ms=0,
            pack=policy.pack.id,
            version="1",
            sha256=source.sha256,
            text=source.text,
            file=source.file,
        ),
        world.seq + 1,
    )
