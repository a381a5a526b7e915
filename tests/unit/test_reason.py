"""Every reason that an answer can list: its code, text, verdict and rule, and the order they stand in."""

from __future__ import annotations

import pytest

from graphsvc.core import cap
from graphsvc.core.verdict import ReasonCode, Verdict, most_severe
from tests.unit.lived import Record, act, evaluations, last, policy, told

READS: Record = {"id": "reads", "title": "Reading", "steps": {"s": {"action": "m:Read"}}}
KEYED: Record = {"id": "keyed", "steps": {"s": {"action": "m:Read", "key": {"v": "context.v"}}}}
DANA = {"type": "human", "id": "dana"}
AT = "2026-11-23T10:00:00Z"


def test_the_most_severe_verdict_wins() -> None:
    """DENY before ESCALATE before PERMIT, in any order; nothing said is PERMIT."""
    permit, escalate, deny = Verdict.PERMIT, Verdict.ESCALATE, Verdict.DENY
    assert most_severe() is permit
    assert most_severe(permit, escalate) is most_severe(escalate, permit) is escalate
    assert most_severe(escalate, deny, permit) is most_severe(deny) is deny


def test_only_what_was_not_decided_may_be_asked_again() -> None:
    """Four codes say that nothing was decided or stored."""
    again = {code.value for code in ReasonCode if code.retryable}
    assert again == {"store_unavailable", "deadline_exceeded", "overloaded", "revision_unavailable"}


def test_nothing_against_it_is_no_reason() -> None:
    """A permitted action that no rule speaks of lists none."""
    answer = last(policy(), act("e1"))
    assert (answer.verdict, answer.reasons) == (Verdict.PERMIT, ())


@pytest.mark.parametrize(
    ("on_match", "verdict"), [("deny", "DENY"), ("escalate", "ESCALATE"), ("monitor", "PERMIT")]
)
def test_a_completed_pattern_is_told_with_its_path(on_match: str, verdict: str) -> None:
    """Whatever comes of it."""
    answer = last(policy({**READS, "on_match": on_match}), act("e1"))
    assert [(row[0], row[2], row[3]) for row in told(answer)] == [("pattern_completed", verdict, "reads")]
    assert answer.reasons[0].message == f"completes Reading: {answer.completions[0].explanation}"
    assert answer.verdict.value == verdict


def test_a_closed_chain_takes_nothing() -> None:
    """Closing is final."""
    answer = last(policy(), act("e1"), {"type": "close", "chain": "c", "at": AT}, act("e2"))
    assert told(answer) == [("chain_closed", "chain `c` is closed", "DENY", None)]


@pytest.mark.parametrize(
    ("kind", "name", "row"),
    [
        ("chain", "c", ("chain_closed", "chain `c` is suspended", "DENY", "chain:c")),
        ("session", "c", ("chain_closed", "session `c` is suspended", "DENY", "session:c")),
        (
            "action",
            "m:*",
            (
                "denied_explicitly",
                "the action `m:Read` is suspended for everybody",
                "DENY",
                "action:m:Read",
            ),
        ),
        ("identity", "bot", ("subject_suspended", "identity `bot` is suspended", "DENY", "bot")),
    ],
)
def test_what_is_suspended_is_stopped_until_then(
    kind: str, name: str, row: tuple[str, str, str, str]
) -> None:
    """At the very time that was named it goes on."""
    suspend = {
        "type": "suspend", "target": {"type": kind, "id": name}, "until": "2026-11-23T10:00:09Z", "at": AT, "reason": "x",
    }  # fmt: skip
    stopped, late = evaluations(policy(), suspend, act("e1", second=8), act("e2", second=9))
    assert told(stopped) == [row]
    assert told(late) == []
    other = {**suspend, "target": {"type": kind, "id": "other"}}
    assert told(last(policy(), other, act("e1", second=8))) == []
    back = {"type": "reinstate", "target": suspend["target"], "at": AT}
    assert told(last(policy(), suspend, back, act("e1", second=8))) == []


def test_a_spawned_chain_is_stopped_with_its_parent() -> None:
    """What a task started stops with it."""
    suspend = {"type": "suspend", "target": {"type": "chain", "id": "c"}, "at": AT}
    answer = last(policy(), act("e1"), suspend, act("e2", chain="d", parent_chain="c"))
    assert told(answer) == [("chain_closed", "chain `c` is suspended", "DENY", "chain:c")]


def test_more_than_eight_principals_are_refused() -> None:
    """R22: eight are judged, nine are `cap_reached`, for a pattern could not be asked of all."""
    many = [{"type": "human", "id": f"h{number}"} for number in range(8)]
    assert told(last(policy(), act("e1", on_behalf_of=many[:7]))) == []
    told_nine = told(last(policy(), act("e1", on_behalf_of=many)))
    assert told_nine == [("cap_reached", "9 principals; at most 8 can be judged", "DENY", "principals")]


def test_a_suspended_pattern_is_told_and_nothing_comes_of_it() -> None:
    """It is completed still, and a key it lacks is not asked for."""
    suspends: list[Record] = [
        {"type": "suspend", "target": {"type": "pattern", "id": name}, "at": AT}
        for name in ("reads", "keyed")
    ]
    answer = last(policy({**READS, "on_match": "deny"}, {**KEYED, "on_match": "deny"}), *suspends, act("e1"))
    explained = answer.completions[0].explanation
    text = f"the pattern is suspended, so nothing comes of it: completes Reading: {explained}"
    assert told(answer) == [("observe_only", text, "PERMIT", "reads")]
    assert answer.verdict is Verdict.PERMIT


def test_a_pattern_is_suspended_until_then() -> None:
    """At the very time that was named it stops what completes it again."""
    suspend: Record = {
        "type": "suspend", "target": {"type": "pattern", "id": "reads"}, "until": "2026-11-23T10:00:09Z", "at": AT,
    }  # fmt: skip
    pack = policy({**READS, "on_match": "deny"})
    early, late = evaluations(pack, suspend, act("e1", second=8), act("e2", second=9))
    assert (early.verdict, late.verdict) == (Verdict.PERMIT, Verdict.DENY)


@pytest.mark.parametrize(
    ("on_match", "verdict"), [("deny", "DENY"), ("escalate", "ESCALATE"), ("monitor", "PERMIT")]
)
def test_leaving_out_a_key_is_no_way_round(on_match: str, verdict: str) -> None:
    """R18: answered with `key_missing` and the pattern's own verdict."""
    answer = last(policy({**KEYED, "on_match": on_match}), act("e1"))
    text = "the action fits a step of `keyed` but lacks its key"
    assert told(answer) == [("key_missing", text, verdict, "keyed")]


def _thresholds(**settings: object) -> list[tuple[str, str, str, str | None]]:
    reads = {**READS, "on_match": "escalate", "severity": "high"}
    return [row for row in told(last(policy(reads, **settings), act("e1"))) if row[0] != "pattern_completed"]


def test_a_threshold_acts_when_the_risk_rises_to_it() -> None:
    """At the threshold itself, and the deny threshold before the other."""
    deny = ("risk_threshold", "risk reaches the deny threshold", "DENY", "deny_at")
    escalate = ("risk_threshold", "risk reaches the escalate threshold", "ESCALATE", "escalate_at")
    assert _thresholds(escalate_at=0.6, deny_at=0.6) == [deny]
    assert _thresholds(escalate_at=0.6, deny_at=0.601) == [escalate]
    assert _thresholds(escalate_at=0.601, deny_at=0.601) == []
    assert _thresholds(deny_at=0.5) == [deny]
    assert _thresholds(escalate_at=0.5) == [escalate]


@pytest.mark.parametrize(
    ("severity", "weight"), [("low", 0.1), ("medium", 0.3), ("high", 0.6), ("critical", 0.9)]
)
def test_a_completed_pattern_reaches_a_threshold_of_its_own_weight(severity: str, weight: float) -> None:
    """Both are rounded to whole micros in the same way."""
    rules = policy({**READS, "on_match": "escalate", "severity": severity}, deny_at=weight)
    assert "risk_threshold" in [row[0] for row in told(last(rules, act("e1")))]


def test_a_pattern_that_only_watches_meets_no_threshold() -> None:
    """`monitor` never raises the risk."""
    answer = last(policy({**READS, "on_match": "monitor"}, deny_at=0.1), act("e1"))
    assert [row[0] for row in told(answer)] == ["pattern_completed"]


def test_an_action_that_adds_no_risk_meets_no_threshold() -> None:
    """What was reached before stays reached, and others go on."""
    path = {
        "id": "path",
        "on_match": "deny",
        "steps": {"a": {"action": "m:Read", "then": "b"}, "b": {"action": "m:Send"}},
    }
    rules = policy({**path, "severity": "high"}, enforce="observe", deny_at=0.1)
    first, second = evaluations(rules, act("e1"), act("e2", second=1))
    assert [row[0] for row in told(first)] == ["risk_threshold", "observe_only"]
    assert told(second) == []
    assert second.risk.before_micros == second.risk.after_micros == first.risk.after_micros > 0


def _asked_again(*between: Record, labels: tuple[str, ...] = ()) -> list[tuple[str, str, str, str | None]]:
    rules = policy({**READS, "on_match": "escalate"})
    return told(last(rules, act("e1"), *between, act("e2", second=30, review="e1", labels=list(labels))))


def test_a_review_that_does_not_help_says_why() -> None:
    """R12: not approved, rejected, of another request, expired, used before; the escalation stands beside it."""
    approve: Record = {"type": "approve", "decision": "e1", "by": DANA, "at": AT}
    invalid = "review_invalid"
    assert _asked_again()[1:] == [(invalid, "review `e1` is not approved", "DENY", None)]
    rejected = {**approve, "type": "reject"}
    assert _asked_again(rejected)[1:] == [("review_rejected", "review `e1` was rejected", "DENY", "e1")]
    assert _asked_again(approve) == []
    other = _asked_again(approve, labels=("new",))
    assert other[1:] == [(invalid, "review `e1` is of another request", "DENY", None)]
    assert other[0][0] == "pattern_completed"
    until = {**approve, "until": "2026-11-23T10:00:30Z"}
    assert _asked_again(until) == []
    until = {**approve, "until": "2026-11-23T10:00:29Z"}
    assert _asked_again(until)[1:] == [(invalid, "the approval of review `e1` has expired", "DENY", None)]
    first = act("e1a", second=20, review="e1")
    assert _asked_again(approve, first)[1:] == [(invalid, "review `e1` was used before", "DENY", None)]


def test_an_approval_covers_what_it_listed_and_nothing_new() -> None:
    """R12: a pattern completed by another path than the one shown stops the action again."""
    path = {
        "id": "path",
        "on_match": "escalate",
        "steps": {"a": {"action": "m:Read", "then": "b"}, "b": {"action": "m:Send"}},
    }
    approve: Record = {"type": "approve", "decision": "e2", "by": DANA, "at": AT}
    again = act("e4", "m:Send", 9, review="e2")
    asked = (act("e1"), act("e2", "m:Send", 1), approve)
    assert told(last(policy(path), *asked, again)) == []
    both = policy(
        path,
        {
            **READS,
            "id": "more",
            "on_match": "escalate",
            "steps": {"s": {"effects": ["send"], "labels": {"any": ["x"]}}},
        },
    )
    relabelled = {"type": "relabel", "resource": {"type": "box", "id": "b1"}, "labels": ["x"], "at": AT}
    assert [row[3] for row in told(last(both, *asked, relabelled, again))] == ["more"]


def test_reasons_stand_in_the_order_of_their_codes_and_then_of_severity() -> None:
    """Chains and rights first, then patterns, the severest of one code first."""
    rules = policy(
        {**READS, "id": "m", "on_match": "monitor"},
        {**READS, "id": "d", "on_match": "deny"},
        {**READS, "id": "e", "on_match": "escalate"},
        {**KEYED, "on_match": "monitor"},
        entitlement="required",
    )
    answer = last(
        rules,
        act("e1"),
        {"type": "close", "chain": "c", "at": AT},
        act("e2"),
        graph=({"node": {"type": "identity", "id": "bot", "kind": "agent"}},),
    )
    assert [(row[0], row[3]) for row in told(answer)] == [
        ("not_entitled", None),
        ("pattern_completed", "d"),
        ("pattern_completed", "e"),
        ("pattern_completed", "m"),
        ("key_missing", "keyed"),
        ("chain_closed", None),
    ]


def test_two_reasons_stand_in_order_too() -> None:
    """The severest of two first, whatever their names."""
    answer = last(
        policy({**READS, "id": "a", "on_match": "monitor"}, {**READS, "id": "b", "on_match": "deny"}),
        act("e1"),
    )
    assert [row[3] for row in told(answer)] == ["b", "a"]


def test_what_comes_after_a_suspended_pattern_is_judged() -> None:
    """A suspension is of one pattern: others are completed, and lack their keys, as ever."""
    suspends: list[Record] = [
        {"type": "suspend", "target": {"type": "pattern", "id": name}, "until": until, "at": AT}
        for name, until in (("a", "2026-11-23T10:01:00Z"), ("ka", "2026-11-23T10:01:00Z"))
    ]
    pack = policy(
        *({**READS, "id": name, "on_match": "deny"} for name in ("a", "b")),
        *({**KEYED, "id": name, "on_match": "deny"} for name in ("ka", "kb")),
    )
    during, after = evaluations(pack, *suspends, act("e1", second=1), act("e2", second=61))
    assert [(row[0], row[3]) for row in told(during)] == [
        ("pattern_completed", "b"),
        ("key_missing", "kb"),
        ("observe_only", "a"),
    ]
    assert [row[3] for row in told(after)] == ["a", "b", "ka", "kb"]


def test_a_limit_that_is_reached_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which one, and what to do about it."""
    monkeypatch.setattr(cap, "MAX_SESSIONS", 0)
    text = "200,000 sessions are alive; close chains that are done"
    assert told(last(policy(), act("e1"))) == [("cap_reached", text, "DENY", "sessions")]


def test_an_unknown_subject_ends_the_evaluation() -> None:
    """Whoever is unknown completes nothing; what holds of the chain is told all the same."""
    rules = policy({**READS, "on_match": "deny"}, entitlement="required")
    assert told(last(rules, act("e1"))) == [("subject_unknown", "identity `bot` is unknown", "DENY", "bot")]
    closed = last(rules, act("e1"), {"type": "close", "chain": "c", "at": AT}, act("e2"))
    assert [row[0] for row in told(closed)] == ["subject_unknown", "chain_closed"]
