"""Counting: the newest different values of a window, by examples that each small change of it would spoil."""

from __future__ import annotations

import pytest

from tests.unit.lived import Record, act, evaluations, policy

MINUTE = 60


def _rules(more_than: int, **fields: object) -> Record:
    count = {"step": {"action": "m:Read"}, "distinct": "resource.id", "more_than": more_than}
    return policy({"id": "p", "on_match": "monitor", "count": count, **fields})


def _reads(*seen: tuple[str, int]) -> list[Record]:
    """Reads of a resource at a minute."""
    return [
        act(f"e{number}", second=minute * MINUTE, resource={"type": "box", "id": name})
        for number, (name, minute) in enumerate(seen)
    ]


@pytest.mark.parametrize(
    ("seen", "completes"),
    [
        # The window includes its edge, and ends behind it.
        ([("a", 0), ("b", 10)], [False, True]),
        ([("a", 0), ("b", 11)], [False, False]),
        # A value counts from when it was seen last.
        ([("a", 0), ("a", 8), ("b", 15)], [False, False, True]),
        ([("a", 0), ("b", 1), ("a", 8), ("c", 12)], [False, True, True, True]),
        ([("a", 0), ("b", 1), ("a", 8), ("c", 19)], [False, True, True, False]),
        # Everything that has grown too old goes at once, and what comes after counts from new.
        ([("a", 0), ("b", 1), ("c", 20), ("d", 21)], [False, True, False, True]),
        ([("a", 0), ("b", 1), ("c", 2), ("a", 13), ("d", 24), ("e", 25)], [False, True, True, False, False, True]),
    ],
)  # fmt: skip
def test_different_values_of_a_window(seen: list[tuple[str, int]], completes: list[bool]) -> None:
    """More than one within ten minutes, the action's own among them (R1, R17)."""
    answers = evaluations(_rules(1, within="10m"), *_reads(*seen))
    assert [bool(each.completions) for each in answers] == completes


def test_no_more_are_remembered_than_are_needed() -> None:
    """The path holds the newest values that are one more than allowed, by when each was seen last."""
    answers = evaluations(_rules(1), *_reads(("a", 0), ("b", 1), ("c", 2), ("b", 3), ("d", 4)))
    paths = [[step.action for step in each.completions[0].path] for each in answers[1:]]
    assert paths == [["e0", "e1"], ["e1", "e2"], ["e2", "e3"], ["e3", "e4"]]


def test_without_a_value_every_action_counts() -> None:
    """The same resource again is one more; a value that is missing is a new one each time (R18)."""
    times = [("a", 0), ("a", 1), ("a", 2)]
    rules = _rules(2)
    del rules["patterns"][0]["count"]["distinct"]
    assert [bool(each.completions) for each in evaluations(rules, *_reads(*times))] == [False, False, True]
    rules["patterns"][0]["count"]["distinct"] = "context.file"
    assert [bool(each.completions) for each in evaluations(rules, *_reads(*times))] == [False, False, True]
    told = evaluations(rules, *_reads(*times))[-1].completions[0].explanation
    assert "number 3 of different values; more than 2" in told


def test_one_who_acts_in_two_sessions_counts_as_one() -> None:
    """In scope `principal` a value that was seen in one session counts in the next; another agent's does not."""
    rules = _rules(1, scope="principal", principal="actor", within="1h")
    first, second = _reads(("a", 0), ("b", 1))
    other = {"subject": {"type": "agent", "id": "other"}}
    for more, completes in (({}, True), (other, False)):
        answers = evaluations(rules, first, {**second, "chain": "d", **more})
        assert bool(answers[1].completions) is completes
