"""What long histories cost: a decision, a late label, the memory of an event, the telling of a path."""

from __future__ import annotations

import gc
import time
import tracemalloc

from benchmarks import mix
from benchmarks.engine import Driver, mixed_world, world_of
from benchmarks.workload import policy_text
from graphsvc.core.rebuild import rebuild
from graphsvc.core.record import Reported
from graphsvc.core.request import AccessRequest, Entity
from graphsvc.core.value import Json

__all__ = ["lengths", "memory", "reports", "request_of", "witness"]

_PATTERNS = 200


def lengths(sizes: tuple[int, ...] = (10, 1_000, 100_000)) -> list[dict[str, Json]]:
    """CPU microseconds of a decision in one session of one principal that is already so long: all kinds of patterns."""
    driver = Driver(world_of(policy_text(_PATTERNS), 100))
    rows: list[dict[str, Json]] = []
    done = 0
    for size in sizes:
        for number in range(done, size):
            driver.decide(request_of(number))
        done = size
        requests = [request_of(number) for number in range(size, size + 400)]
        for request in requests:
            driver.judge(request)
        took = []
        for request in requests:
            started = time.thread_time_ns()
            driver.judge(request)
            took.append(time.thread_time_ns() - started)
        took.sort()
        rows.append({"history": size, "p50_us": took[200] / 1000, "mean_us": round(sum(took) / 400_000, 1)})
    for row in rows:
        row["x shortest"] = round(float(row["mean_us"]) / float(rows[0]["mean_us"]), 2)  # type: ignore[arg-type]
    return rows


def reports(reported: int = 25) -> list[dict[str, Json]]:
    """Microseconds to take in a label reported for the newest action of a chain of 1,000, and 50 steps back: the median.

    unasked: no rule asks for the label; sensitive: it changes what the action may be, so registers move. Where the
    action of that place is none that it changes, or was denied, more actions are taken, or it is the one before.
    baseline: building the registers of the whole session again.
    """
    return [_reports(label, back, reported) for label in ("unasked", "sensitive") for back in (1, 50)]


def _reports(label: str, back: int, reported: int) -> dict[str, Json]:
    driver = Driver(world_of(policy_text(20), 100))
    world = driver.world
    for number in range(1_000):
        driver.decide(request_of(number))
    number, took = 1_000, []
    for _ in range(reported):
        for _ in range(12):
            # A label changes an action once, so the next must be told of another.
            driver.decide(request_of(number))
            number += 1
        if back == 1:
            number = _until_it_matters(driver, number, label)
        name = _permitted(driver, number - back, label)
        record = Reported(at_ms=world.seq, action=name, outcome="SUCCESS", labels=(label,))
        started = time.process_time_ns()
        world.apply(record, world.seq + 1)
        took.append(time.process_time_ns() - started)
    median = sorted(took)[reported // 2]
    happened = world.happened(name)
    assert happened is not None
    started = time.process_time_ns()
    rebuild(world, frozenset(happened.scopes))
    again = time.process_time_ns() - started
    row: dict[str, Json] = {"label": label, "steps back": back, "us": median / 1000}
    return row | {"baseline_us": again / 1000, "x baseline": round(again / median, 1)}


def memory(events: int = 60_000) -> dict[str, Json]:
    """Bytes that one more decision keeps alive in the mix, everything counted.

    baseline: what a re-scan needs of it, the bare request. history, cells, decided, undo: of the same, by what
    holds it; the rest is shared by many events (parties, targets, remembered answers).
    """
    driver = Driver(mixed_world(_PATTERNS), mix.STEP_MS)
    requests = mix.requests(20_000 + events)
    for _ in range(20_000):
        driver.decide(next(requests))
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    kept = [next(requests) for _ in range(events)]
    bare = tracemalloc.get_traced_memory()[0] - before
    before = tracemalloc.get_traced_memory()[0]
    for request in kept:
        driver.decide(request)
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - before
    row: dict[str, Json] = {"events": events, "bytes_per_event": round(grown / events)}
    for name in ("decided", "undo", "history", "cells"):
        before = tracemalloc.get_traced_memory()[0]
        _drop(driver, name)
        gc.collect()
        row[name] = round((before - tracemalloc.get_traced_memory()[0]) / events)
    tracemalloc.stop()
    return row | {"baseline": round(bare / events)}


def _drop(driver: Driver, name: str) -> None:
    world = driver.world
    if name == "undo":
        world.undo.forget()
    elif name == "cells":
        world.cells.clear()
    elif name == "history":
        world.history.forget(list(world.history))
        world.names_of.clear()
    else:
        world.decided = type(world.decided)()


def witness(decisions: int = 20_000) -> dict[str, Json]:
    """Microseconds of decisions that complete something, path and sentence included; beside those that do not."""
    driver = Driver(mixed_world(_PATTERNS), mix.STEP_MS)
    took: list[int] = []
    others: list[int] = []
    for request in mix.requests(decisions):
        started = time.thread_time_ns()
        evaluation = driver.judge(request)
        spent = time.thread_time_ns() - started
        (took if evaluation.completions else others).append(spent)
        driver.decide(request)
    took.sort()
    others.sort()
    count = len(took)
    return {
        "completing": count,
        "p50_us": took[count // 2] / 1000,
        "p99_us": took[count * 99 // 100] / 1000,
        "max_us": took[-1] / 1000,
        "baseline_p50_us": others[len(others) // 2] / 1000,
        "baseline_p99_us": others[len(others) * 99 // 100] / 1000,
    }


def request_of(number: int, chains: int = 1) -> AccessRequest:
    """The request of that number, spread over so many chains."""
    return AccessRequest(
        id=f"e{number}",
        chain=f"c{number % chains}",
        subject=Entity("human", f"u{number % chains % 100}"),
        action=f"app:Do{(number * 7919 + number // chains * 30) % 200}",
        resource=Entity("record", f"r{number * 104_729 % 500}"),
    )


def _until_it_matters(driver: Driver, number: int, label: str) -> int:
    """Go on until the newest action is one that the label changes; how many there are then."""
    while not _matters(driver, number - 1, label):
        driver.decide(request_of(number))
        number += 1
    return number


def _permitted(driver: Driver, number: int, label: str) -> str:
    """The newest permitted action at or before a number that the label changes."""
    while not _matters(driver, number, label):
        number -= 1
    return f"e{number}"


def _matters(driver: Driver, number: int, label: str) -> bool:
    happened = driver.world.happened(f"e{number}")
    if happened is None or not happened.in_history:
        return False
    labels = happened.event.labels
    candidates = driver.world.ruleset.candidates(happened.event.request.action)
    return candidates.tells_apart(labels, labels | {label}) is (label == "sensitive")
