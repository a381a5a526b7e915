"""Rebuilding registers for what became known late touches nothing else."""

import random

import pytest

from tests.law.engine import Record, replay
from tests.law.strategy import ALL_FEATURES, random_case

_POLICY: Record = {
    "graphsvc": 1,
    "pack": {"id": "rebuild", "version": "1"},
    "settings": {"entitlement": "off"},
    "actions": {"m:Read": {"effects": ["read"]}},
    "patterns": [{"id": "p", "on_match": "monitor", "steps": {"s": {"labels": {"any": ["hot"]}}}}],
}


def _action(name: str, chain: str, at: str) -> Record:
    return {
        "type": "action", "id": name, "at": at, "chain": chain, "subject": {"type": "agent", "id": "bot"},
        "action": {"name": "m:Read"}, "resource": {"type": "box", "id": "r1"},
    }  # fmt: skip


def test_a_report_never_turns_time_back() -> None:
    """A label reported for an older session leaves the newest time of the shared principal and resource."""
    trace: list[Record] = [
        _action("e1", "c1", "2026-11-23T10:00:00Z"),
        _action("e2", "c2", "2026-11-23T10:01:00Z"),
        {
            "type": "report",
            "action": "e1",
            "at": "2026-11-23T10:02:00Z",
            "outcome": "success",
            "labels": ["hot"],
        },
    ]
    world = replay(_POLICY, [], trace).world
    newest = world.decided["e2"].at_ms
    assert world.cells["tp:bot"] == newest
    assert world.cells["tr:box:r1"] == newest


@pytest.mark.parametrize("seed", range(60))
def test_going_back_a_little_is_building_everything_again(seed: int) -> None:
    """Late labels and cancels, taken in by rewinding, leave the state that a rebuild of everything gives."""
    rng = random.Random(seed)
    features = frozenset(rng.sample(sorted(ALL_FEATURES), 4)) | {"reports", "cancels", "causal_relation"}
    world = replay(*random_case(rng, features)).world
    grown = dict(world.cells)
    world.rebuild()
    assert world.cells == grown


def test_time_never_runs_backwards_at_a_resource() -> None:
    """R2: a record takes the newest time at its resource, whoever's sessions meet there."""
    policy = {
        **_POLICY,
        "patterns": [
            {
                "id": "p",
                "on_match": "monitor",
                "within": "6m",
                "steps": {"a": {"labels": {"any": ["hot"]}, "then": "b"}, "b": {"labels": {"any": ["cold"]}}},
            }
        ],
    }
    other = {"subject": {"type": "agent", "id": "other"}}
    trace: list[Record] = [
        _action("e1", "c1", "2026-11-23T10:10:00Z"),
        {**_action("e2", "c2", "2026-11-23T10:00:00Z"), **other, "labels": ["hot"]},
        {**_action("e3", "c2", "2026-11-23T10:12:00Z"), **other, "labels": ["cold"]},
    ]
    world = replay(policy, [], trace).world
    assert [completion.pattern for completion in world.decided["e3"].completions] == ["p"]
    assert world.decided["e2"].at_ms == world.decided["e1"].at_ms
