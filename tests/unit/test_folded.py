"""Records that come seldom, folded: what a caller sees of them afterwards."""

from __future__ import annotations

import json
from datetime import date

from graphsvc.cli.replayer import Replayer
from graphsvc.core.governing import FindingRegistered, FindingReleased, SignalsLowered
from graphsvc.core.graph import Node
from graphsvc.core.member import is_one_of
from graphsvc.core.person import about
from graphsvc.core.policy.condition import SubjectCondition
from graphsvc.core.policy.document import Policy
from graphsvc.core.policy.load import load_policy
from graphsvc.core.record import (
    Approved,
    ChainClosed,
    ChainOpened,
    GraphCommitted,
    GraphStaged,
    IntentDeclared,
    PolicyPublished,
    Reinstated,
    Rejected,
    Reported,
    Signalled,
    SourceRemoved,
    Suspended,
)
from graphsvc.core.request import Entity
from graphsvc.core.snapshot import restore, snapshot
from graphsvc.core.trace import item_from_record
from graphsvc.core.world import World
from tests.unit.lived import act, policy


def _graph(world: World, *nodes: Node, source: str = "s") -> None:
    world.apply(GraphStaged(at_ms=0, load=source, nodes=nodes), world.seq + 1)
    world.apply(GraphCommitted(at_ms=0, load=source, source=source), world.seq + 1)


def test_a_register_of_findings_holds_what_was_not_withdrawn() -> None:
    """Withdrawing what nobody registered changes nothing."""
    world = World()
    entry = FindingRegistered(
        at_ms=1,
        by="dana",
        id="e1",
        pattern="p",
        identity="i",
        accepted_until=date(2026, 10, 31),
        reason="sealed",
    )
    world.apply(entry, 1)
    assert list(world.governance.registered.values()) == [entry]
    world.apply(FindingReleased(at_ms=2, entry="other"), 2)
    assert list(world.governance.registered.values()) == [entry]
    world.apply(FindingReleased(at_ms=3, entry="e1"), 3)
    assert world.governance.registered == {}


def test_a_source_that_is_removed_takes_its_facts_along() -> None:
    """What another source says of the same thing stays."""
    world = World()
    _graph(world, Node(key="resource:doc:d1", labels=("secret",)), Node(key="resource:doc:d2"), source="one")
    _graph(world, Node(key="resource:doc:d2"), source="other")
    world.apply(SourceRemoved(at_ms=1, source="one"), world.seq + 1)
    assert [node.key for node in world.estate.nodes()] == ["resource:doc:d2"]


def test_what_is_said_of_a_chain_that_nobody_opened_is_of_no_effect() -> None:
    """Closing it or declaring what it is for; it can be opened afterwards as if nothing had been said."""
    world = World()
    world.apply(ChainClosed(at_ms=1, chain="c"), 1)
    world.apply(IntentDeclared(at_ms=2, chain="c", intent={"actions": ["a"]}), 2)
    assert world.cells.get(("c", "c")) is None
    world.apply(ChainOpened(at_ms=3, chain="c", owner="gw"), 3)
    world.apply(IntentDeclared(at_ms=4, chain="c", intent={"actions": ["a"]}), 4)
    chain = world.cells["c", "c"]
    assert (chain.owner, chain.closed, chain.intent) == ("gw", False, {"actions": ["a"]})


def test_signals_that_a_sender_takes_back_count_no_more() -> None:
    """Those of others stay, and those that come later."""
    world = World()
    for at_ms, sender in ((1, "edr"), (2, "siem"), (9, "edr")):
        world.apply(
            Signalled(
                at_ms=at_ms, identity="bot", weight=0.5, half_life_ms=60_000, cause=f"{sender}:odd", by=sender
            ),
            world.seq + 1,
        )
    before = snapshot(world)
    world.apply(SignalsLowered(at_ms=10, identity="bot", sender="edr", before_ms=5, by="edr"), world.seq + 1)
    assert snapshot(world) != before


def test_tokens_of_a_late_report_are_remembered_by_a_snapshot() -> None:
    """Where a value was seen first is known after a restart too."""
    replayer = Replayer([load_policy(json.dumps(policy()), "t.yaml")])
    replayer.step(item_from_record(act("e1")))
    world = replayer.world
    world.apply(
        Reported(at_ms=1, action="e1", outcome="SUCCESS", tokens=("partner@acme.example",)), world.seq + 1
    )
    written = snapshot(world)
    again = restore(written)
    assert snapshot(again) == written
    world.apply(Reported(at_ms=1, action="unknown", outcome="SUCCESS", tokens=("x",)), world.seq + 1)


def test_whom_a_condition_means() -> None:
    """By kind, by id or any alias, by group; whoever the graph does not know has no kind."""
    world = World()
    _graph(world, Node(key="identity:dana", fields={"kind": "human", "aliases": ["d@acme.example"]}))
    for condition, name, expected in (
        (SubjectCondition(id=("dan*",)), "d@acme.example", True),
        (SubjectCondition(id=("eve",)), "dana", False),
        (SubjectCondition(kind=("human",)), "dana", True),
        (SubjectCondition(kind=("human",)), "stranger", False),
        (SubjectCondition(id=("str*",)), "stranger", True),
    ):
        assert is_one_of(condition, name, world.estate) is expected, (condition, name)


def test_which_records_are_about_somebody() -> None:
    """Suspending a chain of that name is about nobody."""
    assert about(Suspended(at_ms=1, target_kind="identity", target="dana"), ["dana"])
    assert about(Reinstated(at_ms=1, target_kind="identity", target="dana"), ["dana"])
    assert not about(Suspended(at_ms=1, target_kind="chain", target="dana"), ["dana"])


def test_an_answer_to_a_review_is_about_whoever_gave_it() -> None:
    """Whoever approved or rejected, by any of their names."""
    dana = Entity("human", "dana")
    for record in (
        Approved(at_ms=1, decision="e1", person=dana),
        Rejected(at_ms=1, decision="e1", person=dana),
    ):
        assert about(record, ["d@acme.example", "dana"])
        assert not about(record, ["eve"])


def test_a_policy_made_in_a_program_comes_from_nowhere() -> None:
    """Without a text there is no line to name."""
    made = Policy.model_validate({"graphsvc": 1, "pack": {"id": "p"}})
    assert made.where("anything") == (1, 1)
    assert made.source.text == ""


def test_a_pack_that_fits_no_more_leaves_those_in_force() -> None:
    """Of packs that belong together the first alone may not fit: nothing changes until the set does."""
    world = World()
    rules = policy({"id": "p", "on_match": "deny", "steps": {"a": {"action": "m:Read"}}})
    for number, pack in enumerate(("one", "two")):
        text = json.dumps({**rules, "pack": {"id": pack}})
        world.apply(
            PolicyPublished(at_ms=0, pack=pack, version="1", sha256="x", text=text, file="t.yaml"), number + 1
        )
    assert [each.pack.id for each in world.ruleset.policies] == ["one"]


def test_rules_that_were_warmed_too_early_are_not_taken_over() -> None:
    """A copy that has not seen the last action before the rules would have forgotten it; everything is built again instead."""
    steps = {"a": {"action": "m:Read", "then": "b"}, "b": {"action": "m:Send"}}
    text = json.dumps(policy({"id": "p", "on_match": "deny", "steps": steps}))
    published = PolicyPublished(at_ms=0, pack="t", version="2", sha256="y", text=text, file="t.yaml")
    replayer = Replayer([load_policy(json.dumps(policy()), "t.yaml")])
    world = replayer.world
    early = restore(snapshot(world))
    early.apply(published, early.seq + 2)
    replayer.step(item_from_record(act("e1")))
    world.warmed = early, [published]
    world.apply(published, world.seq + 1)
    assert world.warmed is None
    answer = replayer.step(item_from_record(act("e2", "m:Send", 1)))
    assert answer is not None
    assert [each.pattern for each in answer.completions] == ["p"]
