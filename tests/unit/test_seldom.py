"""Turns of the engine that everyday histories seldom take, each by what a caller sees of it."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from graphsvc.cli.replayer import Replayer
from graphsvc.core.audit.note import SigningKey
from graphsvc.core.erasure import open_erasure, scrubbed
from graphsvc.core.family import better, choices
from graphsvc.core.gain.distance import Network
from graphsvc.core.governance import glass_of
from graphsvc.core.graph import Edge, Node
from graphsvc.core.halt import Halts
from graphsvc.core.intent import MAX_LINEAGE, check_intent
from graphsvc.core.marker import NOT_KEPT, in_words
from graphsvc.core.permission import compile_permission
from graphsvc.core.policy.load import load_policy
from graphsvc.core.progress import total_at
from graphsvc.core.reading import attributes_of
from graphsvc.core.record import Decided, GraphCommitted, GraphStaged, PolicyPublished
from graphsvc.core.request import AccessRequest, Entity
from graphsvc.core.retire import GRACE_MS
from graphsvc.core.state import Register, Scope
from graphsvc.core.trace import item_from_record
from graphsvc.core.value import Json
from graphsvc.core.verdict import ReasonCode, Risk, Verdict
from graphsvc.core.world import World
from graphsvc.errors import BadInput
from tests.unit.lived import Record, act, evaluations, last, policy, told

READ_THEN_SEND: Record = {"a": {"action": "m:Read", "then": "b"}, "b": {"action": "m:Send"}}


def _completed(rules: Record, *trace: Record) -> list[str]:
    return [each.pattern for each in last(rules, *trace).completions]


def test_a_condition_on_no_label_holds_for_all() -> None:
    """Lint finds `labels: {}` doubtful; the engine takes it as it stands."""
    rules = policy({"id": "p", "on_match": "deny", "steps": {"a": {"action": "m:Read", "labels": {}}}})
    assert _completed(rules, act("e1")) == _completed(rules, act("e1", labels=["x"])) == ["p"]


def test_only_whom_a_sanitizer_names_sanitizes() -> None:
    """Somebody else's redaction cuts nothing."""
    cut = {"action": "m:Redact", "subject": {"id": "scrubber"}}
    rules = policy({"id": "p", "on_match": "deny", "steps": READ_THEN_SEND, "sanitized_by": [cut]})
    by = {"subject": {"type": "agent", "id": "scrubber"}}
    assert _completed(rules, act("e1"), act("e2", "m:Redact", 1), act("e3", "m:Send", 2)) == ["p"]
    assert _completed(rules, act("e1"), act("e2", "m:Redact", 1, **by), act("e3", "m:Send", 2)) == []


def test_joining_a_chain_that_has_done_nothing_changes_nothing() -> None:
    """A parent that was only named is a chain of the session, without an action to come after."""
    rules = policy({"id": "p", "on_match": "deny", "steps": READ_THEN_SEND})
    start = act("e1", parent_chain="p")
    assert _completed(rules, start, act("e2", "m:Send", 1, chain="d", parent_chain="p", joins=["p"])) == []
    assert _completed(rules, start, act("e2", "m:Send", 1, chain="d", parent_chain="p", joins=["c"])) == ["p"]


def test_what_a_keyed_step_lacks_counts_only_where_the_step_would_fit() -> None:
    """A step that asks for no action is lacked by what fits it otherwise, and by nothing else (R18)."""
    step = {"labels": {"any": ["hot"]}, "key": {"v": "context.v"}}
    rules = policy({"id": "p", "on_match": "deny", "steps": {"a": step}})
    for labels, lacking in (([], False), (["hot"], True)):
        answer = last(rules, act("e1", labels=labels))
        assert (ReasonCode.key_missing in {each.code for each in answer.reasons}) is lacking


@pytest.mark.parametrize(
    ("before", "now", "completed"),
    [({}, "to", []), ({"to": "destination"}, "cc", ["p"]), ({"cc": "destination"}, "to", [])],
)
def test_an_event_is_judged_again_by_what_new_rules_call_a_destination(
    before: Record, now: str, completed: list[str]
) -> None:
    """Which argument says where something went is known from the declaration in force, not from the one of then."""
    step = {"action": "m:Read", "destination": "unknown", "then": "b"}
    rules = policy({"id": "p", "on_match": "deny", "steps": {"a": step, "b": {"action": "m:Send"}}})
    rules["actions"]["m:Read"]["arguments"] = before
    ours = Edge(type="OWNS", start="identity:bot", end="resource:mailbox:us@x")
    replayer = Replayer(
        [load_policy(json.dumps(rules), "t.yaml")],
        nodes=[Node(key="identity:bot"), Node(key=ours.end)],
        edges=[ours],
    )
    sent: Record = {"name": "m:Read", "properties": {"to": "mailbox:us@x", "cc": "them@y"}}
    replayer.step(item_from_record({**act("e1"), "action": sent}))
    rules["actions"]["m:Read"]["arguments"] = {now: "destination"}
    text = json.dumps(rules)
    replayer.world.apply(
        PolicyPublished(at_ms=0, pack="t", version="2", sha256="y", text=text, file="t.yaml"), 90
    )
    answer = replayer.step(item_from_record(act("e2", "m:Send", 1)))
    assert answer is not None
    assert [each.pattern for each in answer.completions] == completed


def test_paths_that_share_an_event_are_not_two() -> None:
    """Where steps must differ, a register that used an event cannot stand beside that event; meeting itself it stays."""
    one = Register(start_ms=5, step=0, action="e1", uses=("e1",))
    assert better(one, one) is one
    assert list(choices((one,), "e1")) == []
    assert [used for _, used in choices((one,), "e2")] == [{"e1", "e2"}]


def test_a_chain_too_deep_to_have_its_intents_read_is_stopped() -> None:
    """So a caller cannot spawn its way out of what the task was for."""
    trace = [act("e0", intent={"actions": ["m:*"]}, chain="c0")]
    trace += [
        act(f"e{number}", second=number, chain=f"c{number}", parent_chain=f"c{number - 1}")
        for number in range(1, MAX_LINEAGE + 3)
    ]
    answers = evaluations(policy(), *trace)
    assert answers[MAX_LINEAGE].verdict is Verdict.PERMIT
    assert (answers[-1].verdict, answers[-1].reasons[0].code) == (Verdict.DENY, ReasonCode.cap_reached)


def test_an_intent_names_what_it_may() -> None:
    """Known effects, a currency, a length of time."""
    check_intent({"actions": ["m:*"], "effects": ["read"], "lasts": "1h", "template": "support"})
    mistakes: list[dict[str, Json]] = [{"effects": ["fly"]}, {"lasts": "soon"}, {"template": 7}]
    for wrong in mistakes:
        with pytest.raises(BadInput):
            check_intent(wrong)


def test_an_intent_once_declared_is_not_changed_by_an_action() -> None:
    """Later actions cannot widen it."""
    narrow, wide = {"actions": ["m:Read"]}, {"actions": ["*"]}
    answer = last(policy(), act("e1", intent=narrow), act("e2", "m:Send", 1, intent=wide))
    assert ReasonCode.outside_intent in {each.code for each in answer.reasons}


def test_nothing_suspended_gives_no_reason() -> None:
    """And what is suspended gives one for each way in which the action is meant."""
    assert Halts().reasons("a", "s", ("c",), 0) == []


def test_a_note_of_something_else_erases_nothing() -> None:
    """Only a signed statement of an erasure is one; a node without aliases keeps having none."""
    key = SigningKey("log.example", Ed25519PrivateKey.from_private_bytes(bytes(32)))
    with pytest.raises(BadInput, match="is no statement of an erasure"):
        open_erasure(key.sign("something else\n"))
    node = Node(
        key="identity:dana", fields={"name": "Dana", "kind": "human"}, properties={"Mail": "d@x", "team": "a"}
    )
    left = scrubbed(node, {"mail"}, ())
    assert (left.fields, left.properties) == ({"kind": "human"}, {"team": "a"})


def test_what_was_not_kept_is_shown_in_words() -> None:
    """A person never sees a digest for a value."""
    unkept: Json = {NOT_KEPT: "digest"}
    assert in_words({"a": 1}) == {"a": 1}
    assert in_words({"a": 1, "b": unkept}) == {"a": 1, "b": "not kept"}


def test_an_emergency_is_known_by_its_reason() -> None:
    """A decision that nothing waived names none."""
    request = AccessRequest(
        id="e", chain="c", subject=Entity("agent", "bot"), action="a", resource=Entity("t", "r")
    )
    plain = Decided(
        at_ms=0,
        session="c",
        index=1,
        request=request,
        verdict=Verdict.PERMIT,
        risk=Risk(before_micros=0, after_micros=0),
    )
    assert glass_of(plain) is None


def test_a_distance_that_is_gone_stays_gone() -> None:
    """Removing what was never there changes nothing."""
    network = Network()
    network.insert(1, 2, 5)
    network.delete(1, 3)
    network.delete(7, 8)
    assert network.out[1] == {2: 5}


def test_the_risk_of_a_scope_falls_when_its_window_ends() -> None:
    """Asked later, without anything having happened."""
    rules = policy({"id": "p", "on_match": "deny", "within": "1m", "steps": READ_THEN_SEND})
    replayer = Replayer([load_policy(json.dumps(rules), "t.yaml")])
    answer = replayer.step(item_from_record(act("e1")))
    assert answer is not None
    scope = replayer.world.cells["s:c"]
    assert isinstance(scope, Scope)
    at_ms, ruleset = answer.at_ms, replayer.world.ruleset
    assert total_at(scope, ruleset, at_ms) == answer.risk.after_micros > 0
    assert total_at(scope, ruleset, at_ms + 60_000) == answer.risk.after_micros
    assert total_at(scope, ruleset, at_ms + 60_001) == 0


def test_a_key_that_is_no_plain_text_reads_everything() -> None:
    """What is looked up by a text that cannot be read here may be any attribute."""
    rules = policy(
        {"id": "p", "on_match": "deny", "steps": {"a": {"action": "m:Read", "when": "context[r'k'] == 1"}}}
    )
    assert attributes_of(load_policy(json.dumps(rules), "t.yaml")) == {"context.*"}


def test_whoever_acted_in_forgotten_sessions_alone_is_forgotten() -> None:
    """Names of actions by principal go with the last of their sessions."""
    replayer = Replayer([load_policy(json.dumps(policy()), "t.yaml")])
    world = replayer.world
    replayer.step(item_from_record(act("e1")))
    replayer.step(item_from_record({"type": "close", "chain": "c", "at": "2026-11-23T10:00:01Z"}))
    assert any("bot" in name for name in world.names_of)
    later: Record = {
        "at": "2026-12-23T10:00:00Z",
        "chain": "d",
        "subject": {"type": "agent", "id": "other"},
    }
    assert GRACE_MS < 29 * 86_400_000
    replayer.step(item_from_record({**act("e2"), **later}))
    assert not any("bot" in name for name in world.names_of)
    assert "e1" not in world.history


def test_a_permission_on_all_of_aws_is_about_what_its_service_knows() -> None:
    """`s3:*` on everything says something of buckets, not of queues."""
    node = Node(key="permission:p", fields={"actions": ["s3:*"], "resources": ["aws:*"], "effect": "allow"})
    permission = compile_permission(node, ())
    bucket, queue = (
        ((f"resource:{name}", name),) for name in ("aws:arn:aws:s3:::b", "aws:arn:aws:sqs:eu-1:1:q")
    )
    assert permission.names(bucket)
    assert not permission.names(queue)


def test_a_condition_that_cannot_be_read_never_holds_for_certain() -> None:
    """Nobody can say whether it does."""
    node = Node(key="permission:p", fields={"actions": ["a"], "resources": ["*"], "condition": "context.("})
    assert compile_permission(node, ()).condition is None
    world = World()
    nodes = (Node(key="identity:bot", fields={"kind": "agent"}), Node(key="permission:p", fields=node.fields))
    world.apply(GraphStaged(at_ms=0, load="l", nodes=nodes), 1)
    world.apply(GraphCommitted(at_ms=0, load="l", source="s"), 2)
    assert told(last(policy(), act("e1"))) == []
