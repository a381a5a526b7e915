"""What a completed or approaching path says in words, in the cases that come seldom."""

from __future__ import annotations

import json

from graphsvc.cli.replayer import Replayer
from graphsvc.core.governing import PolicyShadowed
from graphsvc.core.near import nearest
from graphsvc.core.policy.load import load_policy
from graphsvc.core.trace import item_from_record
from graphsvc.core.trial import unjudged
from graphsvc.core.verdict import NearHarm, Verdict
from graphsvc.packs import pack_text
from tests.unit.lived import Record, act, last, policy


def _replayed(rules: Record, *trace: Record) -> Replayer:
    replayer = Replayer([load_policy(json.dumps(rules), "t.yaml")])
    for record in trace:
        replayer.step(item_from_record(record))
    return replayer


def _nearest(replayer: Replayer, second: int = 0) -> list[tuple[str, tuple[str, ...]]]:
    at_ms = 1_795_428_000_000 + second * 1000
    found: tuple[NearHarm, ...] = nearest(["s:c"], replayer.world.facts(), at_ms)
    return [(each.pattern, each.remaining) for each in found]


def test_a_long_path_is_shortened_in_the_middle() -> None:
    """Six phrases are told; what lies between is counted."""
    steps = {f"s{number}": {"action": f"a:{number}", "then": f"s{number + 1}"} for number in range(7)}
    steps["s7"] = {"action": "a:7"}
    rules = policy({"id": "p", "on_match": "deny", "steps": steps})
    (completion,) = last(rules, *(act(f"e{n}", f"a:{n}", n) for n in range(8))).completions
    assert len(completion.path) == 8
    phrases = completion.explanation.split(" -> ")
    assert [phrase for phrase in phrases if "more steps" in phrase] == ["(2 more steps)"]
    assert (len(phrases), "a:3" in phrases[3], "a:6" in phrases[5], "a:7" in phrases[6]) == (
        7,
        True,
        True,
        True,
    )


def test_an_approval_in_a_path_is_told_with_the_approver() -> None:
    """`review:Approve` is an action like any other, done by a person."""
    rules = policy(
        {"id": "ask", "on_match": "escalate", "steps": {"a": {"action": "m:Read"}}},
        {
            "id": "p", "on_match": "deny", "relation": "log",
            "steps": {"agreed": {"action": "review:Approve", "then": "out"}, "out": {"action": "m:Send"}},
        },
    )  # fmt: skip
    approved = {
        "type": "approve", "decision": "e1", "at": "2026-11-23T10:00:01Z", "by": {"type": "human", "id": "dana"},
    }  # fmt: skip
    answer = last(rules, act("e1"), approved, act("e2", "m:Send", 2))
    (completion,) = [each for each in answer.completions if each.pattern == "p"]
    assert completion.explanation.startswith("approved by dana (review:Approve: agreed) -> now send")


def test_a_window_is_told_in_the_largest_unit_that_fits() -> None:
    """Ninety seconds are no whole minutes."""
    for within, told in (("90s", "within 90s"), ("120s", "within 2m"), ("24h", "within 1d")):
        count = {"step": {"action": "m:Read"}, "distinct": "resource.id", "more_than": 1}
        rules = policy({"id": "p", "on_match": "monitor", "within": within, "count": count})
        answer = last(rules, act("e1"), act("e2", second=1, resource={"type": "box", "id": "b2"}))
        assert told in answer.completions[0].explanation


def test_what_is_near_knows_counts_windows_and_trials() -> None:
    """A count lacks one more action; what lies outside its window is not near; a trial never is."""
    count = {"step": {"action": "m:Read"}, "distinct": "resource.id", "more_than": 1}
    steps = {"a": {"action": "m:Read", "then": "b"}, "b": {"action": "m:Send"}}
    rules = policy(
        {"id": "counted", "on_match": "deny", "count": count},
        {"id": "soon", "on_match": "deny", "within": "1m", "steps": steps},
    )
    replayer = _replayed(rules, act("e1"))
    assert _nearest(replayer) == [("counted", ("counted",)), ("soon", ("b",))]
    assert _nearest(replayer, second=61) == [("counted", ("counted",))]
    trial = {
        **policy({"id": "tried", "on_match": "deny", "steps": steps}),
        "pack": {"id": "trial", "version": "1"},
    }
    text = json.dumps(trial)
    replayer.world.apply(
        PolicyShadowed(at_ms=0, pack="trial", version="1", sha256="x", text=text, file="t.yaml", share_ppm=0),
        99,
    )
    replayer.step(item_from_record(act("e2")))
    assert "tried" not in dict(_nearest(replayer))


def test_what_a_trial_cannot_judge_is_told() -> None:
    """Rights, settings and the provenance table are named; a pack of sequences alone leaves nothing out."""
    steps = {"a": {"action": "m:Read"}}
    plain = policy({"id": "p", "on_match": "deny", "steps": steps})
    del plain["settings"]
    assert unjudged(load_policy(json.dumps(plain), "t.yaml")) == []
    told = unjudged(load_policy(json.dumps({**plain, "settings": {"entitlement": "off"}}), "t.yaml"))
    assert told == ["settings (entitlement) have no effect on trial"]
    shipped = unjudged(load_policy(pack_text("agent_provenance"), "p.yaml"))
    assert "the provenance table has no effect on trial" in shipped


def test_only_a_fitting_approval_guards() -> None:
    """A guard that asks who approves, or of which key, is not met by another's approval."""
    pay = {"action": "m:Send", "key": {"box": "resource.id"}}
    ask = {"id": "ask", "on_match": "escalate", "steps": {"a": {"action": "m:Read"}}}
    read = {"action": "m:Read", "key": {"box": "resource.id"}}
    for key in ({}, {"key": {"box": "resource.id"}}):
        guard = {"action": "review:Approve", "subject": {"id": "dana"}, "by": "anyone", **key}
        guarded = {
            "id": "p", "on_match": "deny", "relation": "log", "unless": [guard], "steps": {"a": {**read, "then": "b"}, "b": pay},
        }  # fmt: skip
        for person, completed in (("dana", []), ("eve", ["p"])):
            approved = {
                "type": "approve", "decision": "e1", "at": "2026-11-23T10:00:01Z", "by": {"type": "human", "id": person},
            }  # fmt: skip
            answer = last(
                policy(ask, guarded),
                act("e1"),
                approved,
                act("e2", second=2, review="e1"),
                act("e3", "m:Send", 3),
            )
            assert [each.pattern for each in answer.completions] == completed, (person, key)
            assert answer.verdict is (Verdict.DENY if completed else Verdict.PERMIT)


def test_a_completion_tells_what_its_steps_agree_on() -> None:
    """The values of the key, as text."""
    key = {"key": {"v": "context.v"}}
    steps = {"a": {"action": "m:Read", "then": "b", **key}, "b": {"action": "m:Send", **key}}
    rules = policy({"id": "p", "on_match": "deny", "steps": steps})
    answer = last(rules, act("e1", context={"v": 7}), act("e2", "m:Send", 1, context={"v": "7"}))
    assert answer.completions[0].key == {"v": "7"}


def test_steps_that_must_differ_have_the_same_window() -> None:
    """Its edge belongs to it (R1), and one event is never both (R13)."""
    steps = {"a": {"action": "m:Read"}, "b": {"action": "m:Read"}}
    rules = policy({"id": "p", "on_match": "deny", "within": "1m", "distinct": ["a", "b"], "steps": steps})
    for second, completed in ((60, ["p"]), (61, [])):
        assert [
            each.pattern for each in last(rules, act("e1"), act("e2", second=second)).completions
        ] == completed
    assert last(rules, act("e1")).completions == ()
