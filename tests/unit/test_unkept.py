"""Values that were not kept and that rules ask for later: what cannot be told stands for everything (see `unseen`)."""

from __future__ import annotations

import json

import pytest

from graphsvc.cli.replayer import Replayer
from graphsvc.core.marker import NOT_KEPT
from graphsvc.core.policy.load import load_policy
from graphsvc.core.record import PolicyPublished
from graphsvc.core.trace import item_from_record
from graphsvc.core.value import Json
from tests.unit.lived import Record, act, policy

UNKEPT: Json = {NOT_KEPT: "digest"}


READ = act("e1", context={"v": UNKEPT})


def _lacking(rules: Record, *then: Record, before: tuple[Record, ...] = (READ,)) -> list[str]:
    """What is said of the last action under rules that came into force after what was before."""
    replayer = Replayer([load_policy(json.dumps(policy()), "t.yaml")])
    for record in before:
        replayer.step(item_from_record(record))
    text = json.dumps(rules)
    rules_now = PolicyPublished(at_ms=0, pack="t", version="2", sha256="y", text=text, file="t.yaml")
    replayer.world.apply(rules_now, replayer.world.seq + 1)
    answers = [replayer.step(item_from_record(each)) for each in then]
    assert answers[-1] is not None
    return [f"{reason.code} {reason.rule}" for reason in answers[-1].reasons]


def _steps(**fields: object) -> Record:
    key = {"key": {"v": "context.v"}}
    steps = {"a": {"action": "m:Read", "then": "b", **key, **fields}, "b": {"action": "m:Send", **key}}
    return policy({"id": "p", "on_match": "deny", "within": "1m", "steps": steps})


@pytest.mark.parametrize(("second", "reasons"), [(60, ["key_missing p"]), (61, [])])
def test_an_earlier_action_stands_for_every_key_while_its_window_is_open(
    second: int, reasons: list[str]
) -> None:
    """The edge belongs to the window (R1); behind it what is not known is of no matter."""
    send = act("e2", "m:Send", second, context={"v": "x"})
    assert _lacking(_steps(), send) == reasons


def test_only_what_would_have_fitted_stands_for_a_key() -> None:
    """An action without the label that the step asks for is none of its, whatever its key was."""
    send = act("e2", "m:Send", 1, context={"v": "x"})
    assert _lacking(_steps(labels={"any": ["hot"]}), send) == []
    assert _lacking(_steps(labels={"any": ["hot"]}), send, before=({**READ, "labels": ["hot"]},)) == [
        "key_missing p"
    ]


def test_what_lacks_the_key_and_what_hides_it_are_two_things() -> None:
    """An earlier action that had no such value at all stands for none."""
    send = act("e2", "m:Send", 1, context={"v": "x"})
    assert _lacking(_steps(), send, before=(act("e1"),)) == []


def test_a_guard_stands_before_what_is_not_known_too() -> None:
    """What would excuse the path excuses the doubt (R14)."""
    rules = _steps()
    rules["patterns"][0]["unless"] = [{"action": "m:Allow", "by": "same"}]
    allow, send = act("e2", "m:Allow", 1), act("e3", "m:Send", 2, context={"v": "x"})
    assert _lacking(rules, allow, send) == []
    assert _lacking(rules, send) == ["key_missing p"]


def _count(more_than: int, **fields: object) -> Record:
    step = {"action": "m:Read", "key": {"v": "context.v"}}
    count = {"step": step, "distinct": "resource.id", "more_than": more_than}
    return policy({"id": "p", "on_match": "deny", "within": "1m", "count": count, **fields})


@pytest.mark.parametrize(
    ("second", "box", "reasons"), [(60, "b2", ["key_missing p"]), (61, "b2", []), (60, "b1", [])]
)
def test_what_was_seen_may_belong_to_every_count(second: int, box: str, reasons: list[str]) -> None:
    """Inside the window, and where it is another value than those that are known to count."""
    read = act("e2", second=second, context={"v": "x"}, resource={"type": "box", "id": box})
    assert _lacking(_count(1), read) == reasons


def test_a_count_that_is_excused_leaves_no_doubt() -> None:
    """By the same guard as a count that is certain."""
    rules = _count(1, unless=[{"action": "m:Allow", "by": "same"}])
    read = act("e3", second=2, context={"v": "x"}, resource={"type": "box", "id": "b2"})
    assert _lacking(rules, act("e2", "m:Allow", 1), read) == []


def test_several_that_are_not_known_count_together() -> None:
    """Two of them and one of a key are three."""
    other = act("e0", context={"v": UNKEPT}, resource={"type": "box", "id": "b0"})
    read = act("e2", second=2, context={"v": "x"}, resource={"type": "box", "id": "b2"})
    assert _lacking(_count(2), read, before=(other, READ)) == ["key_missing p"]
    assert _lacking(_count(2), read) == []


@pytest.mark.parametrize(
    "path", ["context.v", "action.properties.v", "subject.properties.v", "resource.properties.v"]
)
def test_a_key_may_be_hidden_wherever_it_is_read(path: str) -> None:
    """Of the action, of whoever acts and of what is acted on."""
    key = {"key": {"v": path}}
    rules = policy(
        {
            "id": "p",
            "on_match": "deny",
            "steps": {"a": {"action": "m:Read", "then": "b", **key}, "b": {"action": "m:Send", **key}},
        }
    )

    def line(name: str, action: str, second: int, value: Json) -> Record:
        written = act(name, action, second)
        if path.startswith("context"):
            return {**written, "context": {"v": value}}
        part = path.partition(".")[0]
        return {**written, part: {**written[part], "properties": {"v": value}}}

    assert _lacking(rules, line("e2", "m:Send", 1, "x"), before=(line("e1", "m:Read", 0, UNKEPT),)) == [
        "key_missing p"
    ]


def test_every_pattern_that_is_in_doubt_is_told() -> None:
    """One action may complete several with an earlier one that fits them all."""
    rules = _steps()
    rules["patterns"].append({**rules["patterns"][0], "id": "q"})
    send = act("e2", "m:Send", 1, context={"v": "x"})
    assert _lacking(rules, send) == ["key_missing p", "key_missing q"]
