"""History under other packs: the quick way and the whole way find the same differences."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from graphsvc.core.evaluate import decided
from graphsvc.core.governing import GlassBroken, PolicyShadowed
from graphsvc.core.graph import Node
from graphsvc.core.marker import NOT_KEPT
from graphsvc.core.policy.load import load_policies
from graphsvc.core.record import (
    Approved,
    Cancelled,
    Decided,
    GraphCommitted,
    GraphStaged,
    Record,
    Reported,
    Suspended,
)
from graphsvc.core.rejudge import (
    Changed,
    Difference,
    Whole,
    concerned_sessions,
    judged_by,
    only_patterns,
)
from graphsvc.core.request import AccessRequest, Entity
from graphsvc.core.undecided import Undecided
from graphsvc.core.value import Json
from graphsvc.core.verdict import Reason, ReasonCode, Verdict
from graphsvc.core.world import World
from tests.protection.test_trial import published

HEAD = """
graphsvc: 1
pack: {id: live, version: "%s"}
settings: {entitlement: "off"}
actions:
  "x:Read": {effects: [read], result: {labels: [untrusted]}}
  "x:Send": {effects: [send]}
patterns:
"""
KEPT = """
  - id: kept
    on_match: escalate
    steps: {a: {action: "z:One", then: b}, b: {action: "z:Two"}}
"""
PATTERNS = [
    "{id: p, on_match: deny, steps: {a: {labels: [untrusted], then: b}, b: {action: 'x:Send'}}}",
    "{id: p, on_match: escalate, steps: {a: {labels: [secret], then: b}, b: {effects: [send]}}}",
    "{id: p, on_match: deny, levels: [{on_match: monitor, subject: {id: s1}}], steps: {a: {action: 'x:Send'}}}",
    "{id: p, on_match: deny, scope: principal, within: 1h, steps: {a: {action: 'x:Read', key: {v: context.v}}, b: {action: 'y:Pay', key: {v: context.v}}}}",
    "{id: p, on_match: escalate, scope: principal, principal: any, within: 1h, count: {step: {effects: [read]}, distinct: resource.id, more_than: 2}}",
    "{id: p, on_match: deny, steps: {a: {action: 'x:Read', then: b}, b: {action: 'x:Send'}}, unless: [{action: 'review:Approve', within: 1h, by: anyone}]}",
    "{id: p, on_match: deny, scope: principal, within: 1h, steps: {a: {action: 'x:Read'}, b: {action: 'x:Send'}}, unless: [{action: 'y:Pay'}]}",
    "{id: p, on_match: deny, scope: data, within: 1h, steps: {a: {action: 'x:Read', then: b}, b: {action: 'x:Send'}}}",
    "{id: p, on_match: deny, relation: log, steps: {a: {action: 'x:Read', then: b}, b: {action: 'x:Send'}}, without: [{action: 'y:Pay', between: [a, b]}]}",
]  # fmt: skip
ACTIONS = ["x:Read", "x:Send", "y:Pay", "z:One", "z:Two", "q:Other", "q:Other", "q:Other"]


def pack(version: str, body: str | None) -> str:
    return HEAD % version + KEPT + (f"  - {body}\n" if body is not None else "")


def history(seed: int, text: str) -> list[tuple[int, Record]]:
    """A random history as rules of this text judged it."""
    rnd = random.Random(seed)
    world = World()
    found: list[tuple[int, Record]] = []

    def tell(record: Record) -> None:
        seq = world.seq + 1
        world.apply(record, seq)
        found.append((seq, record))

    tell(published(text))
    chains: list[str] = []
    for number in range(rnd.randrange(10, 60)):
        at_ms = (number + 1) * 20_000
        known = list(world.decided.values())
        kind = rnd.random()
        if known and kind < 0.15:
            past = rnd.choice(known)
            if past.answered is Verdict.PERMIT and past.request.id not in world.cancelled:
                if rnd.random() < 0.5:
                    tell(Reported(at_ms=at_ms, action=past.request.id, outcome="SUCCESS", labels=("secret",)))
                else:
                    tell(Cancelled(at_ms=at_ms, action=past.request.id))
                continue
        if world.waiting and kind < 0.3:
            tell(Approved(at_ms=at_ms, decision=rnd.choice([*world.waiting]), person=Entity("human", "ann")))
            continue
        chain = rnd.choice(chains) if chains and rnd.random() < 0.7 else f"c{number}"
        others = [each for each in chains if each != chain]
        is_new = chain not in chains
        request = AccessRequest(
            id=f"e{number}", chain=chain, subject=Entity("agent", rnd.choice(["s1", "s2"])),
            action=rnd.choice(ACTIONS), resource=Entity("box", rnd.choice(["b1", "b2", "b3", "b4"])),
            parent_chain=rnd.choice(others) if is_new and others and rnd.random() < 0.3 else None,
            joins=(rnd.choice(others),) if others and rnd.random() < 0.15 else (),
            context={"v": rnd.choice(["1", "2"])} if rnd.random() < 0.8 else {},
            labels=("secret",) if rnd.random() < 0.2 else (), executed=rnd.random() < 0.9,
        )  # fmt: skip
        if is_new:
            chains.append(chain)
        judged = world.evaluate(request, at_ms, seq=world.seq + 1)
        tell(decided(judged, policy=world.ruleset.version))
    return found


def told(differences: Iterator[Difference | None]) -> list[tuple[object, ...]]:
    return [
        (each.seq, each.before, each.after, each.completed_before, each.completed_after)
        for each in differences
        if each is not None
    ]


@pytest.mark.parametrize("seed", range(120))
def test_the_quick_way_finds_what_the_whole_way_finds(seed: int) -> None:
    """Same decisions, same verdicts and same completions before and after, whatever was passed over."""
    rnd = random.Random(seed)
    old, new = rnd.sample([*PATTERNS, None], 2)
    records = history(seed, pack("1", old))
    held, draft = load_policies([(pack("1", old), "old")]), load_policies([(pack("2", new), "new")])
    reduced = only_patterns(held, draft, (record for _, record in records))
    assert reduced is not None
    whole = Whole(held, draft)
    expected = told(whole.take(record, seq) for seq, record in records)
    sessions = concerned_sessions(*reduced, (record for _, record in records))
    quick = Changed(*reduced, sessions)
    assert told(quick.take(record, seq) for seq, record in records) == expected


def test_the_whole_way_tells_what_was_stored_as_before() -> None:
    """Under the packs that were in force then, before is what the decisions of then say."""
    differing = 0
    for seed in range(40):
        records = history(seed, pack("1", PATTERNS[0]))
        held, draft = (
            load_policies([(pack("1", PATTERNS[0]), "old")]),
            load_policies([(pack("2", PATTERNS[1]), "new")]),
        )
        whole = Whole(held, draft)
        for seq, record in records:
            difference = whole.take(record, seq)
            if difference is not None:
                differing += 1
                assert difference.before is difference.decided.verdict
    assert differing > 20


@pytest.mark.parametrize(
    "change",
    [
        ("{effects: [send]}", "{effects: [pay]}"),
        ('entitlement: "off"', 'entitlement: "off", deny_at: 0.5'),
        ("settings:", "levels: [{on_match: monitor, subject: {id: s1}}]\nsettings:"),
        ("id: live", "id: live, order: 7"),
    ],
)  # fmt: skip
def test_more_than_patterns_goes_the_whole_way(change: tuple[str, str]) -> None:
    """Where meanings, settings, levels or the order of packs differ, everything is judged again."""
    text = pack("1", PATTERNS[0])
    held, draft = load_policies([(text, "old")]), load_policies([(text.replace(*change), "new")])
    assert only_patterns(held, draft, []) is None
    assert only_patterns(held, load_policies([(text.replace('"1"', '"2"'), "new")]), []) is not None


@pytest.mark.parametrize(
    "record",
    [
        PolicyShadowed(at_ms=0, pack="t", version="1", sha256="x", text="", file="t", share_ppm=1),
        GlassBroken(at_ms=0, id="g", identity="i", pack="p", until_ms=1, reason="r"),
        Suspended(at_ms=0, target_kind="pattern", target="p"),
    ],
)  # fmt: skip
def test_what_acted_beside_the_rules_goes_the_whole_way(record: Record) -> None:
    """A trial with a share, an emergency, a suspended pattern: verdicts hung on more than the patterns then."""
    held, draft = (load_policies([(pack(version, PATTERNS[0]), "t")]) for version in "12")
    assert only_patterns(held, draft, [record]) is None
    harmless = Suspended(at_ms=0, target_kind="identity", target="bot")
    assert only_patterns(held, draft, [harmless]) is not None


def test_other_rules_or_reviews_in_the_history_go_the_whole_way() -> None:
    """Decisions by other packs than those held, and actions that an approval let through."""
    held, draft = (load_policies([(pack(version, PATTERNS[0]), "t")]) for version in "12")
    records = [record for _, record in history(0, pack("1", PATTERNS[0]))]
    other = published(pack("3", PATTERNS[0]))
    assert only_patterns(held, draft, [other, *records]) is not None  # before any decision
    assert only_patterns(held, draft, [*records, other]) is None
    last = next(record for record in reversed(records) if isinstance(record, Decided))
    assert (
        only_patterns(held, draft, [*records, replace(last, request=replace(last.request, review="e1"))])
        is None
    )


def test_sessions_that_nothing_concerns_are_passed_over() -> None:
    """Of many sessions only those with an action that a changed pattern names are judged again."""
    world, records = World(), []
    text = pack("1", PATTERNS[5])
    world.apply(published(text), 1)
    for number in range(50):
        action = "x:Send" if number % 10 == 0 else "q:Other"
        request = AccessRequest(
            id=f"e{number}", chain=f"c{number}", subject=Entity("agent", "s"), action=action, resource=Entity("b", "b")
        )  # fmt: skip
        record = decided(world.evaluate(request, number, seq=number + 2))
        world.apply(record, number + 2)
        records.append((number + 2, record))
    held, draft = load_policies([(text, "old")]), load_policies([(pack("2", PATTERNS[6]), "new")])
    reduced = only_patterns(held, draft, (record for _, record in records))
    assert reduced is not None
    quick = Changed(*reduced, concerned_sessions(*reduced, (record for _, record in records)))
    for seq, record in records:
        quick.take(record, seq)
    assert quick.passed_over == 45


@pytest.mark.parametrize("seed", range(30))
def test_what_is_recorded_need_not_be_judged_again(seed: int) -> None:
    """Where the packs in force judged all of history, their side is read from it, with the same differences."""
    rnd = random.Random(seed)
    old, new = rnd.sample([*PATTERNS, None], 2)
    records = history(seed, pack("1", old))
    held = load_policies([(pack("1", old), "old")])
    draft = load_policies([(pack("2", new).replace('"off"', '"off", deny_at: 0.2'), "new")])
    assert judged_by(held, (record for _, record in records))
    assert not judged_by(draft, (record for _, record in records))
    whole, quick = Whole(held, draft), Whole(held, draft, recorded=True)
    expected = told(whole.take(record, seq) for seq, record in records)
    assert told(quick.take(record, seq) for seq, record in records) == expected


def test_what_nobody_asked_for_then_is_undecidable() -> None:
    """Of a draft that reads an attribute anew: actions that lack it, and what fits after them in the same session."""
    old = "{id: p, on_match: deny, steps: {a: {action: 'x:Read'}, b: {action: 'x:Send', when: 'context.v == \"1\"'}}}"
    new = old.replace(
        "'x:Read'}", "'x:Read', when: 'context.cost > 5 && subject.properties.team != \"cost.x\"'}"
    )
    held, draft = load_policies([(pack("1", old), "old")]), load_policies([(pack("2", new), "new")])
    undecided = Undecided(held, draft)
    world = World()
    node = Node(key="identity:known", fields={"kind": "human"}, properties={"team": "x"})
    world.apply(GraphStaged(at_ms=0, load="l", nodes=(node,)), 1)
    world.apply(GraphCommitted(at_ms=0, load="l", source="s"), 2)
    missing = []
    acts: list[tuple[str, str, str, dict[str, Json]]] = [
        ("c1", "known", "x:Send", {}),
        ("c1", "known", "x:Read", {"cost": 7}),
        ("c1", "known", "x:Read", {}),
        ("c1", "known", "x:Send", {"cost": 7}),
        ("c1", "known", "q:Other", {}),
        ("c2", "stranger", "x:Read", {"cost": 7}),
        ("c3", "other", "x:Read", {"cost": 7, "v": "1"}),
    ]
    for number, (chain, subject, action, context) in enumerate(acts):
        request = AccessRequest(
            id=f"e{number}", chain=chain, subject=Entity("human", subject), action=action, resource=Entity("b", "b"),
            context=context,
        )  # fmt: skip
        record = decided(world.evaluate(request, number, seq=number + 3))
        world.apply(record, number + 3)
        missing.append(undecided.missing(record, world.estate))
    cost, team = "context.cost", "subject.properties.team"
    assert missing == [(), (), (cost,), (cost,), (), (team,), (team,)]
    assert Undecided(held, held).missing(record, world.estate) == ()


def _record(world: World, number: int, **fields: Any) -> Decided:
    request = AccessRequest(
        **{"id": f"e{number}", "chain": "c", "subject": Entity("human", "s"), "action": "x:Send", "resource": Entity("b", "b"), **fields}
    )  # fmt: skip
    record = decided(world.evaluate(request, number, seq=number))
    world.apply(record, number)
    return record


def test_what_the_caller_was_not_allowed_to_ask_is_no_matter_of_rules() -> None:
    """Neither way finds a difference in it, whatever the rules would have said."""
    watching = PATTERNS[2].replace("deny", "monitor")
    held, draft = (
        load_policies([(pack("1", watching), "old")]),
        load_policies([(pack("2", PATTERNS[2]), "new")]),
    )
    world = World()
    world.apply(published(pack("1", watching)), 1)
    record = _record(world, 2)
    reason = Reason(ReasonCode.caller_not_allowed, "not for this subject", Verdict.DENY)
    outside = replace(record, verdict=Verdict.DENY, reasons=(reason,))
    reduced = only_patterns(held, draft, [record])
    assert reduced is not None
    for judge in (Whole(held, draft), Changed(*reduced, frozenset({record.session}))):
        assert judge.take(outside, 2) is None
        assert judge.take(replace(record, request=replace(record.request, id="e3")), 3) is not None
        assert judge.estate.node("identity:s") is None


@pytest.mark.parametrize(
    "root", ["context", "action.properties", "subject.properties", "resource.properties"]
)
def test_what_only_a_marker_was_kept_of_is_undecidable(root: str) -> None:
    """Wherever it was sent, and though rules of then asked for another attribute there."""
    old = "{id: p, on_match: deny, steps: {a: {action: 'x:Send', when: 'ROOT.w == 1'}}}".replace("ROOT", root)
    new = old.replace(f"{root}.w", f"{root}.v")
    held, draft = load_policies([(pack("1", old), "old")]), load_policies([(pack("2", new), "new")])
    kept: Json = {NOT_KEPT: "digest"}
    for value, missing in ((kept, (f"{root}.v",)), (1, ())):
        sent: dict[str, Json] = {"v": value, "w": 2}
        every: dict[str, dict[str, Any]] = {
            "context": {"context": sent}, "action.properties": {"action_properties": sent},
            "subject.properties": {"subject": Entity("human", "s", sent)}, "resource.properties": {"resource": Entity("b", "b", sent)},
        }  # fmt: skip
        record = _record(World(), 1, **every[root])
        assert Undecided(held, draft).missing(record, World().estate) == missing


def test_an_argument_that_was_not_kept_says_nothing_of_a_destination() -> None:
    """A draft that calls it one cannot be judged by it."""
    body = "{id: p, on_match: deny, steps: {a: {action: 'x:Send', destination: unknown}}}"
    text = pack("2", body)
    declared = text.replace(
        "{effects: [send]}", "{effects: [send], arguments: {to: destination, cc: destination}}"
    )
    held, draft = load_policies([(pack("1", None), "old")]), load_policies([(declared, "new")])
    record = _record(World(), 1, action_properties={"to": {NOT_KEPT: "digest"}, "cc": "a@x"})
    assert Undecided(held, draft).missing(record, World().estate) == ("action.properties.to",)
