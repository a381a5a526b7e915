"""Packs on trial: judged on every action beside those in force, without effect but for their share of sessions."""

from __future__ import annotations

import itertools
from hashlib import sha256

from hypothesis import given, settings
from hypothesis import strategies as st

from graphsvc.core.evaluate import Evaluation, decided
from graphsvc.core.governing import PolicyShadowed, TrialEnded
from graphsvc.core.policy.load import load_policy
from graphsvc.core.record import PolicyPublished, Record
from graphsvc.core.request import AccessRequest, Entity
from graphsvc.core.snapshot import restore, snapshot
from graphsvc.core.trial import in_share, unjudged
from graphsvc.core.verdict import Verdict
from graphsvc.core.world import World

LIVE = """
graphsvc: 1
pack: {id: live, version: "1"}
settings: {entitlement: "off"}
actions:
  "x:Read": {effects: [read], result: {labels: [untrusted]}}
  "x:Send": {effects: [send]}
patterns:
  - id: leak
    on_match: escalate
    steps:
      from: {effects: [read], labels: [untrusted], then: out}
      out: {action: "x:Send"}
"""
# The same pattern denies more; what `y:Take` means nobody else says.
DRAFT = (
    LIVE.replace('version: "1"', 'version: "2"')
    .replace("on_match: escalate", "on_match: deny")
    .replace('action: "x:Send"', "effects: [send]")
    .replace('  "x:Send"', '  "y:Take": {effects: [read], result: {labels: [untrusted]}}\n  "y:Give": {effects: [send]}\n  "x:Send"')
)  # fmt: skip


class Story:
    """A world that actions are put to, with ids and times by number."""

    def __init__(self, *packs: str) -> None:
        self.world = World()
        self.numbers = itertools.count(1)
        for text in packs:
            self.tell(published(text))

    def tell(self, record: Record) -> None:
        self.world.apply(record, self.world.seq + 1)

    def act(self, action: str, chain: str = "c1", context: dict[str, object] | None = None) -> Evaluation:
        number = next(self.numbers)
        request = AccessRequest(
            id=f"e{number}", chain=chain, subject=Entity("agent", "bot"), action=action,
            resource=Entity("box", "b"), context=dict(context or {}),  # type: ignore[arg-type]
        )  # fmt: skip
        judged = self.world.evaluate(request, number * 1000, seq=self.world.seq + 1)
        self.tell(decided(judged, policy=self.world.ruleset.version))
        return judged


def published(text: str) -> PolicyPublished:
    digest = sha256(text.encode()).hexdigest()
    return PolicyPublished(at_ms=0, pack=_id(text), version="1", sha256=digest, text=text)


def shadowed(text: str, share_ppm: int = 0) -> PolicyShadowed:
    digest = sha256(text.encode()).hexdigest()
    return PolicyShadowed(at_ms=0, pack=_id(text), version="2", sha256=digest, text=text, share_ppm=share_ppm)


def _id(text: str) -> str:
    return text.split("id: ")[1].split(",", maxsplit=1)[0]


def test_a_trial_is_told_and_changes_nothing() -> None:
    """Verdict, reasons, risk and what is near are those of the packs in force; what the trial says stands beside."""
    plain, tried = Story(LIVE), Story(LIVE)
    tried.tell(shadowed(DRAFT))
    for action in ("x:Read", "x:Send", "y:Give", "x:Send"):
        before, after = plain.act(action), tried.act(action)
        assert (before.verdict, before.reasons, before.completions, before.risk) == (
            after.verdict, after.reasons, after.completions, after.risk
        )  # fmt: skip
        assert before.shadow == ()
        told = [(each.pack, each.version, each.pattern, each.verdict) for each in after.shadow]
        assert told == ([("live", "2", "leak", Verdict.DENY)] if action in {"x:Send", "y:Give"} else [])


def test_a_trial_knows_what_its_own_actions_mean() -> None:
    """Effects and result labels that only the trial declares count for its patterns, and for no others."""
    story = Story(LIVE)
    story.tell(shadowed(DRAFT))
    taken = story.act("y:Take")
    assert taken.event.declaration.effects == frozenset()
    assert [each.pattern for each in story.act("y:Give").shadow] == ["leak"]
    assert story.act("x:Send").verdict is Verdict.PERMIT


def test_a_trial_sees_what_came_before_it() -> None:
    """Registers of its patterns are made from history when it begins, and are gone when it ends."""
    story = Story(LIVE)
    story.act("x:Read")
    story.tell(shadowed(DRAFT))
    assert len(story.act("y:Give").shadow) == 1
    story.tell(TrialEnded(at_ms=0, pack="live"))
    assert story.act("y:Give").shadow == ()
    assert story.world.ruleset.shadows == {}


def test_publishing_the_same_text_ends_its_trial() -> None:
    """What was tried is in force now, and no longer judged twice."""
    story = Story(LIVE)
    story.tell(shadowed(DRAFT))
    story.tell(published(DRAFT))
    story.act("x:Read")
    judged = story.act("y:Give")
    assert (judged.verdict, judged.shadow) == (Verdict.DENY, ())


def test_a_canary_takes_effect_in_its_share_of_sessions_only() -> None:
    """In the share the verdict is the trial's where it is more severe; elsewhere nothing changes."""
    story = Story(LIVE)
    story.tell(shadowed(DRAFT, share_ppm=300_000))
    outcomes = set()
    for number in range(40):
        chain = f"chain-{number}"
        story.act("x:Read", chain)
        judged = story.act("x:Send", chain)
        (told,) = judged.shadow
        assert told.enforced is in_share(chain, 300_000)
        assert judged.verdict is (Verdict.DENY if told.enforced else Verdict.ESCALATE)
        outcomes.add(judged.verdict)
    assert outcomes == {Verdict.DENY, Verdict.ESCALATE}


@settings(max_examples=200, deadline=None)
@given(st.text(min_size=1), st.integers(0, 1_000_000), st.integers(0, 1_000_000))
def test_whoever_is_in_a_share_stays_in_a_larger_one(session: str, some: int, more: int) -> None:
    """The same session always gets the same answer; none is in no share, and all are in the whole."""
    some, more = sorted((some, more))
    assert in_share(session, more) or not in_share(session, some)
    assert not in_share(session, 0)
    assert in_share(session, 1_000_000)


def test_a_share_is_about_as_large_as_it_says() -> None:
    """Of 20,000 names a tenth, give or take a hundredth."""
    hits = sum(in_share(f"task-{number}", 100_000) for number in range(20_000))
    assert 1_800 < hits < 2_200


def test_a_snapshot_keeps_trials() -> None:
    """A world from a snapshot goes on judging as the one that was written, to the last byte."""
    story = Story(LIVE)
    story.tell(shadowed(DRAFT))
    story.act("x:Read")
    again = Story()
    again.world = restore(snapshot(story.world))
    assert snapshot(again.world) == snapshot(story.world)
    again.numbers = itertools.count(2)
    assert again.act("y:Give").shadow == story.act("y:Give").shadow != ()


def test_every_decision_names_the_rules_in_force() -> None:
    """The version changes with any text in force, and with a trial only when that takes effect somewhere."""
    story = Story(LIVE)
    first = story.world.ruleset.version
    story.tell(shadowed(DRAFT))
    assert story.world.ruleset.version == first
    story.tell(shadowed(DRAFT, share_ppm=1))
    second = story.world.ruleset.version
    story.tell(published(DRAFT))
    third = story.world.ruleset.version
    assert len({first, second, third}) == 3
    story.tell(published(LIVE))
    assert story.world.ruleset.version == first
    story.act("x:Read")
    assert [each.policy for each in story.world.decided.values()] == [first]


RIGHTS = """
graphsvc: 1
pack: {id: held, version: "2"}
settings: {entitlement: "off", deny_at: 0.5}
actions:
  "x:Read": {effects: [read]}
patterns:
  - {id: both, on_match: deny, rights: {all_of: [{right: "x:Read"}, {right: "x:Send"}]}}
  - {id: near, on_match: deny, reach: {tier: crown, nearer_than: 2}}
  - {id: seen, on_match: deny, steps: {a: {action: "x:Send"}}}
"""


def test_what_a_trial_cannot_judge_is_said_and_left_out() -> None:
    """Patterns of rights and reach, and settings; its patterns of steps are judged all the same."""
    told = unjudged(load_policy(RIGHTS, "held.yaml"))
    assert len(told) == 3
    assert all(name in each for name, each in zip(("`both`", "`near`", "settings ("), told, strict=True))
    story = Story(LIVE)
    story.tell(shadowed(RIGHTS))
    assert [each.pattern for each in story.act("x:Send").shadow] == ["seen"]


def test_a_trial_that_leaves_out_a_key_is_told_too() -> None:
    """In its share the missing key has the level of the trial's pattern; else it is told alone."""
    keyed = """
graphsvc: 1
pack: {id: keyed, version: "2"}
settings: {entitlement: "off"}
patterns:
  - {id: two, on_match: deny, steps: {a: {action: "x:Send", key: {v: context.v}}}}
"""
    for share, verdict in ((0, Verdict.PERMIT), (1_000_000, Verdict.DENY)):
        story = Story(LIVE)
        story.tell(shadowed(keyed, share_ppm=share))
        judged = story.act("x:Send")
        assert [(each.pattern, each.completes, each.enforced) for each in judged.shadow] == [
            ("two", False, share > 0)
        ]
        assert judged.verdict is verdict
