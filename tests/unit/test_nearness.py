"""How near harm is, in the corners: joined chains, windows of counts, and one variable with two values."""

from typing import Any

import pytest

from tests.law.engine import steps
from tests.oracle.sample import act

# q is a half, so what a step is worth says how many were missing: micros of a pattern of severity high.
_BY_MISSING = {1: 356_675, 2: 162_519}


def _risks(pattern: dict[str, Any], *trace: dict[str, Any]) -> list[tuple[int, int]]:
    policy = {
        "graphsvc": 1,
        "pack": {"id": "near", "version": "1"},
        "settings": {"entitlement": "off"},
        "patterns": [{"id": "p", "severity": "high", "on_match": "deny", "scope": "session", **pattern}],
    }
    return [(told.risk.before_micros, told.risk.after_micros) for _, told in steps(policy, [], list(trace))]


def test_joined_chains_know_together_what_each_knew() -> None:
    """The action after the join is a step that was reached before, and yet it is nearer than either chain was."""
    risks = _risks(
        {
            "steps": {
                "a": {"action": "x:A", "then": "end"},
                "b": {"action": "x:B", "then": "end"},
                "end": {"action": "x:End"},
            }
        },
        act("e1", "x:A", chain="c1", session="s"),
        act("e2", "x:B", chain="c2", session="s"),
        act("e3", "x:B", chain="c1", joins=["c2"]),
    )
    assert risks[1] == (_BY_MISSING[2], _BY_MISSING[2])
    assert risks[2] == (_BY_MISSING[2], _BY_MISSING[1])


def test_a_count_stays_as_near_as_the_values_left_in_its_window() -> None:
    """Of two values one grows too old: one is left, not none."""
    count = {"step": {"action": "x:Read"}, "distinct": "context.n", "more_than": 2}
    risks = _risks(
        {"within": "10m", "count": count},
        act("e1", "x:Read", 0, context={"n": 1}),
        act("e2", "x:Read", 6, context={"n": 2}),
        act("e3", "x:Other", 12),
        act("e4", "x:Other", 17),
    )
    assert risks[1] == (_BY_MISSING[2], _BY_MISSING[1])
    assert risks[2] == (_BY_MISSING[2], _BY_MISSING[2])
    assert risks[3] == (0, 0)


def test_one_action_is_not_two_steps_with_different_values() -> None:
    """Both steps bind `v` and the action gives them different values: it is one of them."""
    steps_ = {
        "a": {"action": "x:A", "key": {"v": "context.k"}, "then": "end"},
        "b": {"action": "x:A", "key": {"v": "context.n"}, "then": "end"},
        "end": {"action": "x:End", "key": {"v": "context.k"}},
    }
    differing, same = (
        _risks({"steps": steps_}, act("e1", "x:A", context={"k": one, "n": other}))
        for one, other in (("1", "2"), ("1", "1"))
    )
    assert differing == [(0, _BY_MISSING[2])]
    assert same == [(0, _BY_MISSING[1])]


def test_a_count_of_another_key_takes_nothing_away() -> None:
    """Two values of one key, then one of another: as near as the first."""
    count = {
        "step": {"action": "x:Read", "key": {"v": "context.k"}},
        "distinct": "context.n",
        "more_than": 2,
    }
    risks = _risks(
        {"within": "10m", "count": count},
        act("e1", "x:Read", 0, context={"k": "a", "n": 1}),
        act("e2", "x:Read", 1, context={"k": "a", "n": 2}),
        act("e3", "x:Read", 2, context={"k": "b", "n": 1}),
    )
    assert risks[1:] == [(_BY_MISSING[2], _BY_MISSING[1]), (_BY_MISSING[1], _BY_MISSING[1])]


@pytest.mark.parametrize(("key", "missing"), [("1", 2), ("2", 1)])
def test_what_a_reset_cut_off_is_not_near(key: str, missing: int) -> None:
    """Of two steps reached, the first counts unless its edge was cut for its own key value."""
    keyed = {"key": {"v": "context.k"}}
    pattern = {
        "steps": {
            "a": {"action": "x:A", "then": "end", **keyed},
            "b": {"action": "x:B", "then": "end", **keyed},
            "end": {"action": "x:End", **keyed},
        },
        "without": [{"action": each, "between": ["a", "end"], **keyed} for each in ("x:Reset", "x:Undo")],
    }
    for reset in ("x:Reset", "x:Undo"):
        risks = _risks(
            pattern,
            act("e0", "x:Reset", context={"k": "1"}),
            act("e1", "x:A", context={"k": "1"}),
            act("e2", reset, context={"k": key}),
            act("e3", "x:B", context={"k": "1"}),
        )
        assert risks[-1] == (_BY_MISSING[2], _BY_MISSING[missing])
