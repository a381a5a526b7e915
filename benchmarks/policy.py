"""What differentiated protection costs a decision, and how fast stored history is judged by other rules."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from hashlib import sha256

from benchmarks.engine import world_of
from benchmarks.workload import policy_text, traffic
from graphsvc.core.codec import decode_records, encode_records
from graphsvc.core.evaluate import decided
from graphsvc.core.governing import PolicyShadowed
from graphsvc.core.policy.load import load_policies
from graphsvc.core.record import Granted, IntentDeclared, PolicyPublished, Record, Signalled
from graphsvc.core.rejudge import Changed, Whole, concerned_sessions, only_patterns
from graphsvc.core.request import AccessRequest
from graphsvc.core.value import Json
from graphsvc.core.world import World

__all__ = ["protection", "replays"]

_WARM_UP = 5_000
_BATCH = 100


def protection(decisions: int) -> list[dict[str, Json]]:
    """CPU microseconds of a decision, judged and folded, plain and with each of what may be added, as the mean."""
    plain = _cost(decisions, lambda _: None)
    rows: list[dict[str, Json]] = [{"with": "nothing", "us": plain, "x": 1.0}]
    for name, add in _ADDED.items():
        cost = _cost(decisions, add)
        rows.append({"with": name, "us": cost, "x": round(cost / plain, 3)})

    def everything(world: World) -> None:
        for add in _ADDED.values():
            add(world)

    cost = _cost(decisions, everything)
    rows.append({"with": "all of it", "us": cost, "x": round(cost / plain, 3)})
    return rows


def replays(decisions: int) -> list[dict[str, Json]]:
    """Decisions a second of CPU time: a draft that changes one pattern, judged by what it concerns, and in full."""
    text = policy_text(50)
    other = text.replace('version: "1"', 'version: "2"').replace(
        "id: p1\n", "id: p1\n    description: changed\n"
    )
    steps = '      a: {action: "app:Do7", key: {k: resource.id}, then: b}\n'
    at = other.index("id: p1\n")
    begin = other.index("      a:", at)
    other = other[:begin] + steps + other[other.index("\n", begin) + 1 :]
    world, records = world_of(text, 100), list[tuple[int, Record]]()
    for request in traffic(decisions, chains=decisions // 20):
        seq = world.seq + 1
        judged = world.evaluate(request, seq, seq=seq)
        record = decided(judged)
        world.apply(record, seq, judged)
        records.append((seq, record))
    bodies = [
        encode_records([record for _, record in records[at : at + _BATCH]], b"0" * 16)
        for at in range(0, len(records), _BATCH)
    ]
    held, draft = load_policies([(text, "held")]), load_policies([(other, "draft")])
    rows: list[dict[str, Json]] = []
    started = time.process_time()
    for body in bodies:
        list(decode_records(body))
    read_s = time.process_time() - started
    started = time.process_time()
    reduced = only_patterns(held, draft, (record for _, record in records))
    assert reduced is not None
    changed = Changed(*reduced, concerned_sessions(*reduced, (record for _, record in records)))
    quick = [each for seq, record in records if (each := changed.take(record, seq)) is not None]
    quick_s = time.process_time() - started
    rows.append(
        _row("what one changed pattern concerns", decisions, quick_s, read_s, len(quick), changed.passed_over)
    )
    # Both must judge by the same estate; its records are not in the history above.
    some = records[: decisions // 10]
    for name, recorded in (
        ("everything, the rules of then as recorded", True),
        ("everything, by both", False),
    ):
        whole = Whole(held, draft, recorded=recorded)
        started = time.process_time()
        for number, each_record in some:
            whole.take(each_record, number)
        rows.append(_row(name, len(some), time.process_time() - started, read_s / 10, None, 0))
    return rows


def _row(
    name: str, decisions: int, took_s: float, read_s: float, differing: int | None, passed_over: int
) -> dict[str, Json]:
    return {
        "judged": name,
        "decisions": decisions,
        "per_s": round(decisions / took_s),
        "per_s_with_reading": round(decisions / (took_s + read_s)),
        "differing": differing,
        "passed_over": passed_over,
    }


def _cost(decisions: int, add: Callable[[World], None]) -> float:
    world = world_of(policy_text(50), 100)
    requests = traffic(_WARM_UP + decisions)
    for request in requests[:_WARM_UP]:
        _decide(world, request)
    add(world)
    for request in requests[_WARM_UP : _WARM_UP + 500]:
        _decide(world, request)
    gc.collect()
    gc.disable()
    try:
        started = time.process_time_ns()
        for request in requests[_WARM_UP + 500 :]:
            _decide(world, request)
        took = time.process_time_ns() - started
    finally:
        gc.enable()
    return round(took / (decisions - 500) / 1000, 2)


def _decide(world: World, request: AccessRequest) -> None:
    seq = world.seq + 1
    judged = world.evaluate(request, seq, seq=seq)
    world.apply(decided(judged, policy=world.ruleset.version), seq, judged)


def _shadow(world: World) -> None:
    # Ten patterns of another pack, a fifth of those in force, beside them.
    text = policy_text(10, seed=9).replace("id: bench", "id: trial")
    digest = sha256(text.encode()).hexdigest()
    world.apply(PolicyShadowed(at_ms=0, pack="trial", version="1", sha256=digest, text=text), world.seq + 1)


def _levels(world: World) -> None:
    text = policy_text(50) + "levels: [{on_match: monitor, subject: {group: g1}}]\n"
    digest = sha256(text.encode()).hexdigest()
    world.apply(PolicyPublished(at_ms=0, pack="bench", version="1", sha256=digest, text=text), world.seq + 1)


def _grants(world: World) -> None:
    for number in range(100):
        world.apply(
            Granted(
                at_ms=0, id=f"g{number}", identity=f"u{number}", actions=("app:*",), resources=("record:*",), from_ms=0,
                to_ms=10**9,
            ),
            world.seq + 1,
        )  # fmt: skip


def _signals(world: World) -> None:
    for number in range(100):
        signal = Signalled(at_ms=world.seq, identity=f"u{number}", weight=0.2, half_life_ms=3_600_000)
        world.apply(signal, world.seq + 1)


def _intents(world: World) -> None:
    for number in range(400):
        intent: dict[str, Json] = {"actions": ["app:*"], "resources": ["record:*"]}
        world.apply(IntentDeclared(at_ms=world.seq, chain=f"c{number}", intent=intent), world.seq + 1)


_ADDED: dict[str, Callable[[World], None]] = {
    "10 patterns on trial": _shadow,
    "levels": _levels,
    "a grant each": _grants,
    "a signal each": _signals,
    "an intent each": _intents,
}
