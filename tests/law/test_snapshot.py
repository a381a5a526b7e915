"""Snapshots: a world that was written and read again goes on as if nothing had happened (law M9)."""

import itertools
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from typing import cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphsvc.core.snapshot import in_steps, restore, snapshot
from graphsvc.core.state import ChainState
from graphsvc.core.trace import item_from_record
from graphsvc.errors import BadInput
from tests.law.engine import replay, result_of
from tests.law.strategy import ALL_FEATURES, Case, random_case
from tests.support.requirement import REPOSITORY


def _goes_on_the_same(case: Case, at: int) -> None:
    first, rest = case.trace[:at], case.trace[at:]
    straight = replay(case.policy, case.graph, first)
    restored = replay(case.policy, case.graph, first)
    written = snapshot(restored.world)
    restored.world = restore(written, entitlement="off")
    assert snapshot(restored.world) == written
    assert restored.world.cells == straight.world.cells
    for record in rest:
        one, other = (replayer.step(item_from_record(record)) for replayer in (straight, restored))
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            assert result_of(one) == result_of(other)
            assert (one.risk, one.reasons, one.completions) == (other.risk, other.reasons, other.completions)
    assert restored.world.cells == straight.world.cells
    straight.world.rebuild()
    restored.world.rebuild()
    assert restored.world.cells == straight.world.cells


@given(st.randoms(use_true_random=False), st.integers(0, 20))
def test_a_restored_world_goes_on_the_same(rng: random.Random, at: int) -> None:
    """M9: with any features, at any place, later verdicts, risks, paths and the whole state are the same."""
    features = frozenset(rng.sample(sorted(ALL_FEATURES), 4)) | {"causal_relation"}
    _goes_on_the_same(random_case(rng, features), at)


@pytest.mark.parametrize("seed", range(40))
def test_fixed_cases_go_on_the_same(seed: int) -> None:
    """The same for cases that do not change from run to run, with all features together."""
    rng = random.Random(seed)
    _goes_on_the_same(random_case(rng, ALL_FEATURES), rng.randint(3, 12))


@pytest.mark.parametrize("seed", range(20))
def test_the_world_may_go_on_while_it_is_written(seed: int) -> None:
    """What is folded between the steps is no part of the snapshot, whatever it changes."""
    rng = random.Random(seed)
    case = random_case(rng, ALL_FEATURES)
    at = rng.randint(0, len(case.trace) - 1)
    replayer = replay(case.policy, case.graph, case.trace[:at])
    before = snapshot(replayer.world)
    steps = in_steps(replayer.world)
    next(steps)
    rest = iter(case.trace[at:])
    written: list[bytes] = []

    def drain() -> Iterator[None]:
        written.append((yield from steps))

    for _ in drain():
        for record in itertools.islice(rest, 2):
            replayer.step(item_from_record(record))
    assert written == [before]
    assert snapshot(replayer.world) != before


def test_bytes_depend_on_content_alone() -> None:
    """Registers that are equal without being the same object are written as the same one."""
    policy = {
        "graphsvc": 1,
        "pack": {"id": "t", "version": "1"},
        "settings": {"entitlement": "off"},
        "patterns": [
            {
                "id": "p",
                "on_match": "monitor",
                "within": "1h",
                "steps": {"a": {"action": "m:Read", "then": "b"}, "b": {"action": "m:Send"}},
            }
        ],
    }
    world = replay(
        policy,
        [],
        [
            {
                "type": "action",
                "id": name,
                "at": "2026-11-23T10:00:00Z",
                "chain": chain,
                "session": "s",
                "subject": {"type": "agent", "id": "bot"},
                "action": {"name": "m:Read"},
                "resource": {"type": "box", "id": "r1"},
            }
            for name, chain in (("e1", "c1"), ("e2", "c2"))
        ],
    ).world
    written = snapshot(world)
    state = cast("ChainState", world.cells["c", "c1"])
    ((slot, register),) = state.front.causal.items()
    twin = msgspec.structs.replace(register)
    front = msgspec.structs.replace(state.front, causal=state.front.causal.set(slot, twin))
    world.cells["c", "c1"] = msgspec.structs.replace(state, front=front)
    assert len(msgspec.msgpack.decode(snapshot(world))["registers"]) == len(
        msgspec.msgpack.decode(written)["registers"]
    )


def test_bytes_do_not_depend_on_the_process() -> None:
    """Sets are written in order: the seed of text hashes, another one in each process, changes no byte."""
    program = """
import hashlib, random
from graphsvc.core.snapshot import snapshot
from tests.law.engine import replay
from tests.law.strategy import ALL_FEATURES, random_case
whole = hashlib.sha256()
for seed in range(40):
    case = random_case(random.Random(seed), ALL_FEATURES)
    whole.update(snapshot(replay(case.policy, case.graph, case.trace).world))
print(whole.hexdigest())
"""
    printed = {
        subprocess.run(
            [sys.executable, "-c", program],
            check=True, capture_output=True, text=True, cwd=REPOSITORY, env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "11", "21", "28")
    }  # fmt: skip
    assert len(printed) == 1


def test_what_is_no_snapshot_is_refused() -> None:
    """Other bytes, and snapshots of another format, are refused with a reason."""
    with pytest.raises(BadInput, match="not a snapshot"):
        restore(b"\x81\xa3abc")
    with pytest.raises(BadInput, match="has format 99"):
        restore(msgspec.msgpack.encode({"format": 99}))
