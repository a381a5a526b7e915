"""What long histories cost: a decision, a late label, the memory of an event, the telling of a path."""

from __future__ import annotations

import gc
import time
import tracemalloc

from benchmarks.engine import world_of
from benchmarks.workload import policy_text
from graphsvc.core.evaluate import decided
from graphsvc.core.record import Reported
from graphsvc.core.request import AccessRequest, Entity
from graphsvc.core.value import Json
from graphsvc.core.world import World

__all__ = ["lengths", "memory", "reports", "request_of", "witness"]

_PATTERNS = 200


def lengths(sizes: tuple[int, ...] = (10, 1_000, 100_000)) -> list[dict[str, Json]]:
    """CPU microseconds of a decision in one session of one principal that is already so long."""
    world = world_of(policy_text(_PATTERNS), 100)
    rows: list[dict[str, Json]] = []
    done = 0
    for size in sizes:
        for number in range(done, size):
            _decide(world, request_of(number))
        done = size
        requests = [request_of(number) for number in range(size, size + 400)]
        took = sorted(_timed(world, request) for request in requests)
        rows.append({"history": size, "p50_us": took[200] / 1000, "mean_us": round(sum(took) / 400_000, 1)})
    return rows


def reports() -> list[dict[str, Json]]:
    """Microseconds to take in a label reported for the newest action of a chain of 1,000, and 50 steps back."""
    world = world_of(policy_text(20), 100)
    for number in range(1_000):
        _decide(world, request_of(number))
    rows: list[dict[str, Json]] = []
    for label in ("unasked", "sensitive"):
        for back in (1, 50):
            name = _permitted(world, 1_000 - back)
            took = []
            for turn in range(20):
                record = Reported(at_ms=world.seq, action=name, outcome="SUCCESS", labels=(f"{label}{turn}",))
                if label == "sensitive" and turn == 0:
                    record = Reported(at_ms=world.seq, action=name, outcome="SUCCESS", labels=(label,))
                started = time.process_time_ns()
                world.apply(record, world.seq + 1)
                took.append(time.process_time_ns() - started)
            # The first report of a label that rules ask for is the one that moves registers.
            cost = took[0] if label == "sensitive" else sorted(took)[10]
            rows.append({"label": label, "steps back": back, "us": cost / 1000})
    return rows


def memory(events: int = 20_000) -> dict[str, Json]:
    """Bytes that one more decision keeps alive, everything counted: its record, its place, the registers."""
    world = world_of(policy_text(_PATTERNS), 100)
    for number in range(2_000):
        _decide(world, request_of(number, chains=400))
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for number in range(2_000, 2_000 + events):
        _decide(world, request_of(number, chains=400))
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return {"events": events, "bytes_per_event": round(grown / events)}


def witness(decisions: int = 20_000) -> dict[str, Json]:
    """Microseconds of decisions that complete something, path and sentence included."""
    world = world_of(policy_text(_PATTERNS), 100)
    took: list[int] = []
    for number in range(decisions):
        seq = world.seq + 1
        started = time.thread_time_ns()
        evaluation = world.evaluate(request_of(number, chains=100), seq, seq=seq)
        spent = time.thread_time_ns() - started
        if evaluation.completions:
            took.append(spent)
        world.apply(decided(evaluation), seq, evaluation)
    took.sort()
    count = len(took)
    return {
        "completing": count,
        "p50_us": took[count // 2] / 1000,
        "p99_us": took[count * 99 // 100] / 1000,
        "max_us": took[-1] / 1000,
    }


def request_of(number: int, chains: int = 1) -> AccessRequest:
    """The request of that number, spread over so many chains."""
    return AccessRequest(
        id=f"e{number}",
        chain=f"c{number % chains}",
        subject=Entity("human", f"u{number % chains % 100}"),
        action=f"app:Do{(number * 7919 + number // chains * 31) % 200}",
        resource=Entity("record", f"r{number * 104_729 % 500}"),
    )


def _decide(world: World, request: AccessRequest) -> None:
    seq = world.seq + 1
    evaluation = world.evaluate(request, seq, seq=seq)
    world.apply(decided(evaluation), seq, evaluation)


def _timed(world: World, request: AccessRequest) -> int:
    seq = world.seq + 1
    started = time.thread_time_ns()
    evaluation = world.evaluate(request, seq, seq=seq)
    took = time.thread_time_ns() - started
    world.apply(decided(evaluation), seq, evaluation)
    return took


def _permitted(world: World, number: int) -> str:
    """The newest permitted action at or before a number."""
    while True:
        happened = world.happened(f"e{number}")
        if happened is not None and happened.in_history:
            return f"e{number}"
        number -= 1
