"""The oracle's answers about matches, guards, values and scopes, each reasoned from its rule."""

import pytest

from tests.oracle.definition import completions
from tests.oracle.sample import BOTH, READ_THEN_SEND, act, completing, other, pattern
from tests.oracle.text import Record

SEND: Record = {"b": {"action": "send"}}


def test_one_event_serves_two_siblings_unless_they_are_distinct() -> None:
    """R13: siblings may share an event."""
    steps = {
        "a": {"labels": {"any": ["x"]}, "then": "c"},
        "b": {"labels": {"any": ["y"]}, "then": "c"},
        "c": {"action": "send"},
    }
    trace = [act("e1", "read", labels=["x", "y"]), act("e2", "send")]
    assert completing(pattern(steps), *trace) == ["e2"]
    assert completing(pattern(steps, distinct=["a", "b"]), *trace) == []


def test_an_approval_lets_through_what_it_was_about_once() -> None:
    """R12: only the very request, only after approval, only once; asking again is judged at its own place."""
    steps = pattern(SEND, on_match="escalate")
    asked = act("e1", "send")
    approved = other("approve", decision="e1", by={"type": "human", "id": "dana"})
    rejected = other("reject", decision="e1", by={"type": "human", "id": "dana"})
    again, twice = act("e2", "send", 1, review="e1"), act("e3", "send", 2, review="e1")
    changed = act("e4", "send", 3, review="e1", labels=["new"])

    def told(*trace: Record) -> list[str]:
        return [result.verdict for result in completions([{"patterns": [steps]}], trace)]

    assert told(asked, approved, again, twice) == ["ESCALATE", "PERMIT", "DENY"]
    assert told(asked, again) == ["ESCALATE", "DENY"]
    assert told(asked, rejected, again) == ["ESCALATE", "DENY"]
    assert told(asked, approved, changed) == ["ESCALATE", "DENY"]


def test_what_cannot_be_answered_holds_in_a_step_and_fails_in_a_guard() -> None:
    """R24: the value is missing, so the step matches and its guard does not hold."""
    unanswerable = "context.missing == 1"
    steps = {"b": {"action": "send", "when": unanswerable}}
    assert completing(pattern(steps), act("e1", "send")) == ["e1"]
    assert completing(pattern(steps), act("e1", "send", context={"missing": 2})) == []
    guarded = pattern(SEND, unless=[{"action": "ok", "when": unanswerable}])
    assert completing(guarded, act("e1", "ok"), act("e2", "send")) == ["e2"]
    assert completing(guarded, act("e1", "ok", context={"missing": 1}), act("e2", "send")) == []


def test_two_steps_of_one_path_need_two_events() -> None:
    """R13: never one event for both ends of an edge."""
    steps = {"a": {"effects": ["send"], "then": "b"}, "b": {"action": "send"}}
    assert completing(pattern(steps), act("e1", "send"), act("e2", "send")) == ["e2"]


def test_a_guard_holds_for_its_key_and_time() -> None:
    """R14: equal key values, and `within` includes its edge."""
    guard = {"action": "ok", "key": {"v": "context.k"}, "within": "10m"}
    guarded = pattern({"b": {"action": "send", "key": {"v": "context.k"}}}, unless=[guard])
    trace = [
        act("e1", "ok", 0, context={"k": 1}),
        act("e2", "send", 10, context={"k": "1"}),
        act("e3", "send", 10, context={"k": 2}),
        act("e4", "send", 11, context={"k": 1}),
    ]
    assert completing(guarded, *trace) == ["e3", "e4"]


def test_nobody_approves_themselves_in_principal_scope() -> None:
    """R14: the default is `other` there, and `same` in session scope."""
    guarded = pattern(SEND, scope="principal", within="1h", unless=[{"action": "ok"}])
    assert completing(guarded, act("e1", "ok"), act("e2", "send")) == ["e2"]
    assert completing(guarded, act("e1", "ok", by="dana", chain="c9"), act("e2", "send")) == []
    in_session = pattern(SEND, unless=[{"action": "ok"}])
    assert completing(in_session, act("e1", "ok", by="dana", chain="c9"), act("e2", "send")) == ["e2"]
    assert completing(in_session, act("e1", "ok"), act("e2", "send")) == []


def test_an_approval_takes_the_key_of_the_reviewed_request() -> None:
    """R14: the guard's own expression is not asked."""
    guard = {"action": "review:Approve", "key": {"v": "resource.id"}}
    steps = {"b": {"action": "send", "key": {"v": "context.k"}}}
    escalating = pattern(steps, on_match="escalate", unless=[guard])
    approve = other("approve", decision="e1", by={"type": "human", "id": "dana"})
    trace = [
        act("e1", "send", context={"k": 1}),
        approve,
        act("e2", "send", context={"k": 1}),
        act("e3", "send", context={"k": 2}),
    ]
    assert completing(escalating, *trace) == ["e1", "e3"]


def test_a_sanitizer_cuts_the_path_it_lies_on() -> None:
    """R15: inside the path; a second, declared path round it still matches."""
    steps = {"a": {"action": "read", "labels": {"any": ["raw"]}, "then": "b"}, "b": {"action": "send"}}
    clean = pattern(steps, sanitized_by=[{"action": "wash", "removes": ["raw"]}])
    start = [act("e1", "read", labels=["raw"]), act("e2", "wash")]
    assert completing(clean, *start, act("e3", "send")) == []
    assert completing(clean, *start, act("e3", "send", parents=["e1"])) == ["e3"]


def test_a_sanitizer_spares_steps_that_do_not_need_its_labels() -> None:
    """R15: `any` must lie within `removes`."""
    steps = {"a": {"action": "read", "labels": {"any": ["raw", "hot"]}, "then": "b"}, "b": {"action": "send"}}
    clean = pattern(steps, sanitized_by=[{"action": "wash", "removes": ["raw"]}])
    assert completing(clean, act("e1", "read", labels=["raw"]), act("e2", "wash"), act("e3", "send")) == [
        "e3"
    ]


def test_a_reset_cuts_an_edge_in_log_order() -> None:
    """R16: an event between the ends, even in another chain of the session."""
    reset = pattern(READ_THEN_SEND, without=[{"action": "reset", "between": ["a", "b"]}])
    trace = [act("e1", "read"), act("e2", "reset", chain="c2", parent_chain="c1"), act("e3", "send")]
    assert completing(reset, *trace) == []
    assert completing(reset, *trace, act("e4", "read"), act("e5", "send")) == ["e5"]


def test_a_count_is_strictly_more() -> None:
    """R17: two of two are not more than two; the action must itself be counted."""
    count = {"step": {"action": "read"}, "distinct": "context.k", "more_than": 1}
    trace = [
        act("e1", "read", context={"k": 1}),
        act("e2", "read", context={"k": "1"}),
        act("e3", "read", context={"k": 2}),
        act("e4", "send", context={"k": 3}),
    ]
    assert completing(pattern(count=count), *trace) == ["e3"]


def test_a_missing_distinct_value_is_new() -> None:
    """R18: leaving the value out does not hide a read."""
    count = {"step": {"action": "read"}, "distinct": "context.k", "more_than": 1}
    assert completing(pattern(count=count), act("e1", "read"), act("e2", "read")) == ["e2"]


def test_a_missing_key_gets_the_patterns_verdict() -> None:
    """R18: no match, but `key_missing` and `on_match`; so it is not in the history."""
    steps = {"a": {"action": "read", "key": {"v": "context.k"}}}
    result = completions(
        [{"patterns": [pattern(steps, on_match="deny")]}], [act("e1", "read", context={"k": None})]
    )
    assert [(r.completed, r.key_missing, r.verdict) for r in result] == [([], ["p"], "DENY")]


@pytest.mark.parametrize(
    ("one", "other_value", "same"), [(1, "1", True), (True, "true", True), (1, "1.0", False)]
)
def test_keys_compare_as_text(one: object, other_value: object, same: bool) -> None:
    """R19: numbers and booleans in JSON spelling."""
    steps = {name: {**step, "key": {"v": "context.k"}} for name, step in BOTH.items()}
    trace = [act("e1", "read", context={"k": one}), act("e2", "send", context={"k": other_value})]
    assert completing(pattern(steps), *trace) == (["e2"] if same else [])


def test_exactly_one_entry_describes_an_action() -> None:
    """R20: the exact name, else most literal characters, else the first; nothing merges; case counts."""
    actions = {
        "*": {"effects": ["pay"]},
        "m:*": {"effects": ["read"]},
        "*:x": {"effects": ["send"]},
        "m:y": {},
    }
    watch = pattern({"a": {"effects": ["read"]}})
    trace = [act("e1", "m:x"), act("e2", "m:y"), act("e3", "n:x"), act("e4", "M:z")]
    results = completions([{"actions": actions, "patterns": [watch]}], trace)
    assert [result.id for result in results if result.completed] == ["e1"]


def test_labels_come_from_the_resource_as_of_the_event() -> None:
    """R21: a later relabel does not rewrite an earlier event."""
    steps = {"a": {"action": "read", "labels": {"all": ["hot", "raw"]}, "then": "b"}, "b": {"action": "send"}}
    graph: list[Record] = [
        {"node": {"type": "resource", "resource_type": "doc", "id": "d1", "labels": ["hot"]}}
    ]
    trace = [act("e1", "read", labels=["raw"]), act("e2", "send")]
    assert completing(pattern(steps), *trace, graph=graph) == ["e2"]
    relabel = other("relabel", resource={"type": "doc", "id": "d1"}, labels=["hot"])
    assert completing(pattern(steps), trace[0], relabel, trace[1]) == []


@pytest.mark.parametrize(("whose", "expected"), [("actor", []), ("root", ["e2"]), ("any", ["e2", "e3"])])
def test_a_principal_is_the_actor_the_root_or_one_in_common(whose: str, expected: list[str]) -> None:
    """R22: e1 and e2 share the human at the root, e1 and e3 the agent in between."""
    alice, mid = {"type": "human", "id": "alice"}, {"type": "agent", "id": "mid"}
    watch = pattern(BOTH, scope="principal", principal=whose, within="1h")
    trace = [
        act("e1", "read", chain="c1", by="bot1", on_behalf_of=[mid, alice]),
        act("e2", "send", chain="c2", by="bot2", on_behalf_of=[alice]),
        act("e3", "send", chain="c3", by="mid"),
    ]
    assert completing(watch, *trace) == expected


def test_one_principal_is_common_to_all_steps() -> None:
    """R22: pairs with different people in common are not enough."""
    steps = {"a": {"action": "read"}, "b": {"action": "write"}, "c": {"action": "send"}}
    watch = pattern(steps, scope="principal", principal="any", within="1h")
    people = {name: {"type": "human", "id": name} for name in "xyz"}
    trace = [
        act("e1", "read", chain="c1", by="x", on_behalf_of=[people["y"]]),
        act("e2", "write", chain="c2", by="y", on_behalf_of=[people["z"]]),
        act("e3", "send", chain="c3", by="z", on_behalf_of=[people["x"]]),
    ]
    assert completing(watch, *trace) == []


def test_data_flows_through_a_store_between_sessions() -> None:
    """R23: an executed write of a resource leads to a later read of it, wherever."""
    steps = {"a": {"action": "write", "labels": {"any": ["raw"]}, "then": "b"}, "b": {"action": "send"}}
    watch = pattern(steps, scope="data", relation="flow", within="1h")
    write = act("e1", "write", labels=["raw"])
    rest = [act("e2", "read", chain="c2"), act("e3", "send", chain="c2", parents=["e2"])]
    assert completing(watch, write, *rest) == ["e3"]
    assert completing(watch, {**write, "executed": False}, *rest) == []
    assert completing(watch, write, rest[0], act("e3", "send", chain="c2", parents=[])) == []


def test_a_session_pattern_is_causal_by_default() -> None:
    """R25: two chains of one session that never meet do not match."""
    trace = [act("e0", "read", chain="c2", session="s"), act("e1", "send", session="s")]
    assert completing(pattern(READ_THEN_SEND), *trace) == []
    assert completing(pattern(READ_THEN_SEND, relation="log"), *trace) == ["e1"]


def test_every_completed_pattern_is_listed() -> None:
    """R26: sorted ids whatever the verdict; the verdict is the most severe."""
    three = [
        pattern(SEND, id=name, on_match=how)
        for name, how in (("z", "deny"), ("a", "monitor"), ("m", "escalate"))
    ]
    (result,) = completions([{"patterns": three}], [act("e1", "send")])
    assert (result.completed, result.verdict) == (["a", "m", "z"], "DENY")


@pytest.mark.parametrize(
    ("to", "holds"),
    [
        ("carol", ["known"]),
        ("home", ["known", "owned"]),
        ("doc:home", ["known", "owned"]),
        ("eve", ["unknown"]),
        (["carol", "home"], ["known"]),
        (["home", "eve"], ["unknown"]),
        (None, ["unknown"]),
    ],
)
def test_a_destination_is_as_good_as_its_worst_value(to: object, holds: list[str]) -> None:
    """1.1: known through a group, owned by a principal, unknown when absent."""
    edges = [("OWNS", "identity:bot", "resource:doc:home"), ("MEMBER_OF", "identity:bot", "group:inner")]
    edges += [("MEMBER_OF", "group:inner", "group:outer"), ("KNOWS", "group:outer", "identity:carol")]
    graph: list[Record] = [{"edge": {"type": kind, "from": one, "to": two}} for kind, one, two in edges]
    sent = act("e1", "send")
    sent["action"]["properties"] = {} if to is None else {"to": to}
    for standing in ("known", "owned", "unknown"):
        watch = pattern({"b": {"action": "send", "destination": standing}})
        assert completing(watch, sent, graph=graph) == (["e1"] if standing in holds else [])


def test_an_unknown_condition_is_refused() -> None:
    """A condition the oracle cannot judge is an error, never silently true."""
    with pytest.raises(ValueError, match="`weather`"):
        completing(pattern({"a": {"weather": "true"}}), act("e1", "read"))
