"""What is answered where packs only observe, where nothing is entitled, and in emergencies that do not reach so far."""

from __future__ import annotations

import json
from typing import Any

import pytest

from graphsvc.cli.replayer import Replayer
from graphsvc.core.evaluate import Evaluation
from graphsvc.core.governing import GlassBroken
from graphsvc.core.graph import Edge, Node
from graphsvc.core.policy.load import load_policies
from graphsvc.core.trace import item_from_record
from graphsvc.core.verdict import Verdict
from graphsvc.packs import pack_text
from tests.unit.lived import Record, act, last, policy

SEND: Record = {"id": "p", "on_match": "deny", "steps": {"a": {"action": "m:Send"}}}


def _answer(packs: list[str], *trace: Record) -> Evaluation:
    """The last answer under several packs."""
    replayer = Replayer(load_policies([(text, f"{number}.yaml") for number, text in enumerate(packs)]))
    answers = [replayer.step(item_from_record(record)) for record in trace]
    assert answers[-1] is not None
    return answers[-1]


def _pack(name: str, *patterns: Record, **settings: object) -> str:
    return json.dumps({**policy(*patterns, **settings), "pack": {"id": name, "version": "1"}})


def _told(answer: Evaluation) -> tuple[str, list[str]]:
    return answer.enforced.value, [reason.code.value for reason in answer.reasons]


def test_a_suspension_stands_where_a_pack_only_observes() -> None:
    """What was suspended is stopped, whoever else would only have watched."""
    packs = [_pack("seen", SEND, enforce="observe"), _pack("held", enforce="on")]
    suspended = {"type": "suspend", "target": {"type": "identity", "id": "bot"}, "at": "2026-11-23T10:00:01Z"}
    assert _told(_answer(packs, act("e1", "m:Send"))) == ("PERMIT", ["pattern_completed", "observe_only"])
    assert _told(_answer(packs, suspended, act("e1", "m:Send", 2))) == ("DENY", ["subject_suspended"])


_FOREIGN = act("e0", "gmail:read_email")


def _sent(fact: str) -> Record:
    """A mail to an address of which this is known."""
    argument = {"name": "to", "role": "destination", "fact": fact}
    sent: dict[str, Any] = {"name": "gmail:send_email", "properties": {"to": ["eve@x.example"]}}
    return {
        **act("e1"),
        "action": sent,
        "arguments": [argument],
        "context": {"provenance": {"requested": "requested"}},
    }


@pytest.mark.parametrize(("enforce", "answered"), [("observe", "PERMIT"), ("on", "DENY")])
def test_a_table_of_an_observed_pack_stops_nothing(enforce: str, answered: str) -> None:
    """Beside another pack that is enforced; enforced itself it does."""
    shipped = pack_text("agent_provenance").replace(
        "\nactions:", f"\nsettings: {{enforce: '{enforce}'}}\nactions:", 1
    )
    answer = _answer([shipped, _pack("held", enforce="on")], _FOREIGN, _sent("from_untrusted"))
    assert "provenance" in _told(answer)[1]
    assert _told(answer)[0] == answered


def test_an_emergency_is_for_the_actions_that_its_pack_names() -> None:
    """Of others nothing is waived, nor once the pack names none at all."""
    glass = {
        "break_glass": {"subject": {"group": "crew"}, "action": "m:Send", "for": "1h", "review_within": "2h"}
    }
    nodes = [Node(key="identity:bot", fields={"kind": "human"}), Node(key="group:crew")]
    edges = [Edge(type="MEMBER_OF", start="identity:bot", end="group:crew")]
    rules = policy({**SEND, "steps": {"a": {"action": "m:*"}}})
    for written, waived in (({**rules, **glass}, ["m:Send"]), (rules, [])):
        replayer = Replayer(load_policies([(json.dumps(written), "t.yaml")]), nodes=nodes, edges=edges)
        started = act("e0")
        replayer.step(item_from_record({**started, "action": {"name": "x:Other"}}))
        at_ms = replayer.world.newest_ms
        broken = GlassBroken(
            at_ms=at_ms, id="g", identity="bot", pack="t", reason="fire", until_ms=at_ms + 3_600_000
        )
        replayer.world.apply(broken, replayer.world.seq + 1)
        answers = [
            replayer.step(item_from_record(act(f"e{n}", name, n)))
            for n, name in ((1, "m:Send"), (2, "m:Read"))
        ]
        permitted = [
            each.request.action for each in answers if each is not None and each.enforced is Verdict.PERMIT
        ]
        assert permitted == waived


def test_whoever_is_suspended_in_the_graph_does_nothing() -> None:
    """By the status that a source gives, for itself and for whoever it acts for, whatever it is entitled to."""

    def line(name: str, **fields: object) -> Record:
        return {"node": {"type": "identity", "id": name, "kind": "human", **fields}}

    for people in (
        (line("bot", status="suspended"), line("ann")),
        (line("bot"), line("ann", status="suspended")),
    ):
        answer = last(policy(), act("e1", on_behalf_of=[{"type": "human", "id": "ann"}]), graph=people)
        assert _told(answer) == ("DENY", ["subject_suspended"])


def test_the_same_reason_is_given_once() -> None:
    """A delegation that names somebody twice lacks the right once."""
    graph: tuple[Record, ...] = (
        {"node": {"type": "identity", "id": "bot", "kind": "agent"}}, {"node": {"type": "identity", "id": "ann", "kind": "human"}},
        {"edge": {"type": "ACTS_FOR", "from": "identity:bot", "to": "identity:ann"}}, {"edge": {"type": "ACTS_FOR", "from": "identity:ann", "to": "identity:ann"}},
    )  # fmt: skip
    behind = [{"type": "human", "id": "ann"}] * 2
    answer = last(policy(entitlement="required"), act("e1", on_behalf_of=behind), graph=graph)
    assert [reason.message for reason in answer.reasons] == [
        f"`{who}` holds no right to `m:Read` on `box:b1`" for who in ("bot", "ann")
    ]


def test_risks_of_several_scopes_add_up() -> None:
    """A session's and a principal's, of different harm, when another principal behind the action has none."""
    steps = {"a": {"action": "m:Read", "then": "b"}, "b": {"action": "m:Send"}}
    mine: Record = {"id": "mine", "on_match": "deny", "harm": "one", "steps": steps}
    hers: Record = {
        "id": "hers",
        "on_match": "deny",
        "harm": "two",
        "scope": "principal",
        "principal": "root",
        "within": "1h",
        "steps": steps,
    }
    behind: Record = {"on_behalf_of": [{"type": "human", "id": "ann"}]}
    alone = [last(policy(each), act("e1", **behind)).risk.after_micros for each in (mine, hers)]
    assert last(policy(mine, hers), act("e1", **behind)).risk.after_micros == sum(alone) > max(alone) > 0


def test_a_key_that_is_missing_is_missing_whatever_could_have_hidden_it() -> None:
    """A tier comes from the graph alone: nothing was left out by whoever kept the request."""
    key = {"key": {"tier": "resource.tier"}}
    rules = policy(
        {
            "id": "p",
            "on_match": "escalate",
            "steps": {"a": {"action": "m:Read", "then": "b", **key}, "b": {"action": "m:Send", **key}},
        }
    )
    assert _told(last(rules, act("e1"))) == ("ESCALATE", ["key_missing"])
    assert _told(last(rules, act("e1"), act("e2", "m:Send", 1)))[1] == ["key_missing"]


def test_what_was_forgotten_is_left_out_of_a_path() -> None:
    """In a trace whose times go back a path may begin with an action of which nothing is known any more."""
    steps = {"a": {"action": "m:Read", "then": "b"}, "b": {"action": "m:Send"}}
    across: Record = {"on_match": "monitor", "scope": "principal", "within": "24h"}
    rules = policy(
        {"id": "steps", **across, "steps": steps},
        {
            "id": "count",
            **across,
            "count": {"step": {"action": "m:*"}, "distinct": "resource.id", "more_than": 1},
        },
    )
    closed = {"type": "close", "chain": "c", "at": "2026-11-23T10:00:01Z"}
    other: Record = {
        "subject": {"type": "agent", "id": "other"},
        "chain": "d",
        "resource": {"type": "box", "id": "b2"},
    }
    later = {**act("e2", **other), "at": "2026-11-28T10:00:00Z"}
    back = act("e3", "m:Send", 2, chain="f", resource={"type": "box", "id": "b3"})
    for trace, path in (((closed, back), ["e1", "e3"]), ((closed, later, back), ["e3"])):
        answer = last(rules, act("e1"), *trace)
        told = {each.pattern: [step.action for step in each.path] for each in answer.completions}
        assert told == {"steps": path, "count": path}
