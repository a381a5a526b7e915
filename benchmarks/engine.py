"""The engine alone: CPU time of a decision, judged and folded, without store or network."""

from __future__ import annotations

import gc
import time

from benchmarks.workload import estate_lines, policy_text, traffic
from graphsvc.core.evaluate import decided
from graphsvc.core.policy.load import load_policy
from graphsvc.core.record import GraphCommitted, GraphStaged, PolicyPublished
from graphsvc.core.request import AccessRequest
from graphsvc.core.value import Json
from graphsvc.core.world import World
from graphsvc.importers import graph_jsonl

__all__ = ["measure", "world_of"]

_WARM_UP = 20_000


def measure(patterns: int, decisions: int) -> dict[str, Json]:
    """Decisions per second of CPU, and the CPU microseconds of one at p50, p99 and worst.

    judge: `evaluate` alone. decide: `evaluate` and folding the decision into the world.
    """
    world = world_of(policy_text(patterns), 100)
    requests = traffic(_WARM_UP + 3 * decisions)
    for request in requests[:_WARM_UP]:
        _decide(world, request)
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        rest = requests[_WARM_UP:]
        judge = _judge_all(world, rest[:decisions])
        started = time.process_time_ns()
        for request in rest[:decisions]:
            _decide(world, request)
        decide = time.process_time_ns() - started
        each = sorted(_timed(world, request) for request in rest[decisions : 2 * decisions])
    finally:
        gc.enable()
        gc.unfreeze()
    return {
        "patterns": patterns,
        "decisions": decisions,
        "judge_per_s": round(decisions / judge * 1e9),
        "decide_per_s": round(decisions / decide * 1e9),
        "judge_p50_us": each[len(each) // 2] / 1000,
        "judge_p99_us": each[len(each) * 99 // 100] / 1000,
        "judge_max_us": each[-1] / 1000,
    }


def world_of(text: str, identities: int) -> World:
    """A world with an estate of so many identities under a policy."""
    world = World()
    estate = graph_jsonl.read("\n".join(estate_lines(identities)), "estate")
    policy = load_policy(text, "bench.yaml")
    source = policy.source
    world.apply(GraphStaged(at_ms=0, load="l", nodes=estate.nodes, edges=estate.edges), 1)
    world.apply(GraphCommitted(at_ms=0, load="l", source="bench"), 2)
    world.apply(
        PolicyPublished(
            at_ms=0,
            pack=policy.pack.id,
            version="1",
            sha256=source.sha256,
            text=source.text,
            file=source.file,
        ),
        3,
    )
    return world


def _judge_all(world: World, requests: list[AccessRequest]) -> int:
    at_ms = world.seq
    started = time.process_time_ns()
    for request in requests:
        world.evaluate(request, at_ms)
    return time.process_time_ns() - started


def _timed(world: World, request: AccessRequest) -> int:
    """CPU nanoseconds of judging; the decision is folded outside the measurement."""
    at_ms = world.seq + 1
    started = time.thread_time_ns()
    world.evaluate(request, at_ms, seq=at_ms)
    took = time.thread_time_ns() - started
    _decide(world, request)
    return took


def _decide(world: World, request: AccessRequest) -> None:
    # One decision a millisecond: windows of minutes slide over the traffic.
    seq = world.seq + 1
    judged = world.evaluate(request, seq, seq=seq)
    world.apply(decided(judged), seq, judged)
