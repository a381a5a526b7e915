"""The life of rules in a service: trial, draft, second person, signature, history as of any version, what would have been."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from graphsvc.core.audit.note import SigningKey
from graphsvc.core.policy.load import load_policy
from graphsvc.core.signature import sign_pack
from graphsvc.core.verdict import Verdict
from graphsvc.decide.command import Caller
from graphsvc.decide.trying import PackText, PublishRules
from graphsvc.errors import BadInput, Conflict, NotAllowed, PolicyError
from tests.protection.deciding import HEAD, PATTERN, approver, asked
from tests.service.harness import ADMIN, Harness

pytestmark = pytest.mark.anyio

ANALYST = Caller(subject="ann", roles=frozenset({"analyst"}))
DENY = PATTERN.replace("escalate", "deny")
DRAFT = HEAD % ("2", "") + DENY


async def seq(harness: Harness, revision: str) -> int:
    found = harness.service.cursor_seq(revision)
    assert found is not None
    return found


async def test_a_trial_is_counted_and_listed() -> None:
    """What the trial said since it began: how often, how severe, and how often it differs from what was answered."""
    async with asked() as harness:
        await harness.act("bank:Pay")
        _, unjudged = await harness.service.desk.shadow(ANALYST, DRAFT, "draft.yaml", 0.0, "try")
        assert unjudged == ["settings (entitlement) have no effect on trial"]
        answer = await harness.act("bank:Pay")
        assert [each.verdict for each in answer.decision.shadow] == [Verdict.DENY]
        await harness.act("bank:Read")
        (view,) = harness.service.desk.trials()
        assert (view.record.pack, view.decisions, view.spoke, view.denies, view.escalates, view.differs) == (
            "bank", 2, 1, 1, 0, 1
        )  # fmt: skip
        await harness.service.desk.end_trial(ANALYST, "bank", "enough")
        assert harness.service.desk.trials() == []
        with pytest.raises(BadInput, match="no pack `bank` is on trial"):
            await harness.service.desk.end_trial(ANALYST, "bank", "")


async def test_a_canary_needs_an_admin() -> None:
    """An analyst may try a pack, but not put it into effect anywhere."""
    async with asked() as harness:
        with pytest.raises(NotAllowed, match="admin"):
            await harness.service.desk.shadow(ANALYST, DRAFT, "draft.yaml", 0.5, "")
        with pytest.raises(BadInput, match="between 0 and 1"):
            await harness.service.desk.shadow(ADMIN, DRAFT, "draft.yaml", 5, "")
        await harness.service.desk.shadow(ADMIN, DRAFT, "draft.yaml", 1.0, "")
        assert (await harness.act("bank:Pay")).verdict is Verdict.DENY


async def test_what_is_in_force_cannot_be_tried() -> None:
    """There would be nothing to learn; a broken file is refused with its place."""
    async with asked() as harness:
        with pytest.raises(Conflict, match="nothing to try"):
            await harness.service.desk.shadow(ANALYST, HEAD % ("1", "") + PATTERN, "same.yaml", 0.0, "")
        with pytest.raises(PolicyError, match=r"broken\.yaml:"):
            await harness.service.desk.shadow(ANALYST, DRAFT + "nonsense: 1\n", "broken.yaml", 0.0, "")


async def test_observed_rules_are_in_the_report() -> None:
    """What would have been stopped: by rule, by identity, with the newest examples, between two times."""
    async with asked(DENY, settings=", enforce: observe") as harness:
        for _ in range(3):
            assert (await harness.act("bank:Pay", chain="c1")).verdict is Verdict.PERMIT
        middle = harness.clock.now_ms
        await harness.act("bank:Pay", subject="eve", chain="c2")
        desk = harness.service.desk
        found = desk.stopped(from_ms=None, to_ms=None, limit=2, trials=True)
        assert (found.decisions, found.denied, found.escalated, found.truncated) == (4, 4, 0, True)
        assert [(each.name, each.count) for each in found.by_rule] == [("pay", 4)]
        assert [(each.name, each.count) for each in found.by_identity] == [("bot", 3), ("eve", 1)]
        assert [each.decided.request.subject.id for each in found.examples] == ["eve", "bot"]
        late = desk.stopped(from_ms=middle + 1, to_ms=None, limit=2, trials=True)
        assert (late.decisions, late.denied) == (1, 1)


async def test_trials_are_in_the_report_unless_left_out() -> None:
    """A trial that is more severe than what was answered counts, with the pack it belongs to."""
    async with asked() as harness:
        await harness.service.desk.shadow(ANALYST, DRAFT, "draft.yaml", 0.0, "")
        await harness.act("bank:Pay")
        found = harness.service.desk.stopped(from_ms=None, to_ms=None, limit=5, trials=True)
        assert [(each.why, each.answered, each.would_be, each.rules) for each in found.examples] == [
            ("trial", Verdict.ESCALATE, Verdict.DENY, ("bank/pay",))
        ]
        assert harness.service.desk.stopped(from_ms=None, to_ms=None, limit=5, trials=False).denied == 0


async def test_a_second_person_publishes() -> None:
    """Nobody publishes alone: not at once, and not their own draft, by whichever linked account."""
    async with asked(rules=PublishRules(second_person=True)) as harness:
        desk = harness.service.desk
        with pytest.raises(NotAllowed, match="second person"):
            await harness.service.publish_policy(ADMIN, [(DRAFT, "bank.yaml")], "")
        _, draft = await desk.draft(approver("pat", "admin"), [PackText(DRAFT, "bank.yaml")], "two of us")
        assert [each.draft for each in desk.drafts()] == [draft]
        for name in ("pat", "pat2"):
            with pytest.raises(NotAllowed, match="drafted"):
                await desk.publish_draft(approver(name, "admin"), draft, "")
        await desk.publish_draft(approver("dana", "admin"), draft, "")
        assert desk.drafts() == []
        ((record, in_force),) = harness.service.policy_versions()
        assert (record.by, record.drafted_by, record.comment, in_force) == ("dana", "pat", "two of us", True)
        with pytest.raises(BadInput, match="no draft"):
            await desk.publish_draft(approver("dana", "admin"), draft, "")


async def test_a_draft_can_be_withdrawn_and_must_load() -> None:
    """A broken file never becomes a draft; a withdrawn one is never published."""
    async with asked() as harness:
        desk = harness.service.desk
        with pytest.raises(PolicyError):
            await desk.draft(ANALYST, [PackText("graphsvc: 1\n")], "")
        _, draft = await desk.draft(ANALYST, [PackText(DRAFT)], "")
        await desk.withdraw_draft(ANALYST, draft, "")
        with pytest.raises(BadInput):
            await desk.publish_draft(ADMIN, draft, "")


def signed(text: str, key: SigningKey) -> PackText:
    return PackText(text, "bank.yaml", sign_pack(load_policy(text), key))


async def test_signed_packs_only_when_told_so() -> None:
    """Without a signature, with one of another text, or by another key a pack is refused; a trusted one is recorded."""
    key, other = (SigningKey("rules-team", Ed25519PrivateKey.generate()) for _ in range(2))
    async with asked(rules=PublishRules(keys=(key.verifier,))) as harness:
        desk, good = harness.service.desk, signed(DRAFT, key)
        bad = [
            (PackText(DRAFT), "is not signed"),
            (PackText(DRAFT + "# \n", "bank.yaml", good.signature), "of another text"),
            (signed(DRAFT, other), "no trusted key"),
            (PackText(DRAFT, "bank.yaml", "nonsense"), "sign it again"),
        ]
        for pack, part in bad:
            with pytest.raises(PolicyError, match=part) as refused:
                await desk.publish(ADMIN, [pack], "")
            assert refused.value.rule == "signature"
        assert harness.service.policy_versions() == []
        with pytest.raises(NotAllowed, match="signed"):
            await desk.shadow(ADMIN, DRAFT, "bank.yaml", 0.5, "")
        await desk.publish(ADMIN, [good], "")
        assert [record.signed_by for record, _ in harness.service.policy_versions()] == ["rules-team"]


async def test_a_replay_diff_tells_who_and_what_with_examples() -> None:
    """Which verdicts change, for whom, by which patterns, with examples; nothing is changed by asking."""
    async with asked() as harness:
        for subject in ("bot", "bot", "eve"):
            await harness.act("bank:Pay", subject=subject, chain=subject)
        await harness.act("bank:Read")
        before = harness.service.revision()
        found = await harness.service.desk.replay_diff(
            [(DRAFT, "draft.yaml")], as_of=None, from_ms=None, to_ms=None, limit=2, within_s=60
        )
        assert (found.decisions, found.differing, found.whole, found.complete) == (4, 3, False, True)
        assert [(each.before, each.after, each.count) for each in found.moves] == [
            (Verdict.ESCALATE, Verdict.DENY, 3)
        ]
        assert [(each.name, each.tightened, each.loosened) for each in found.identities] == [
            ("bot", 2, 0), ("eve", 1, 0)
        ]  # fmt: skip
        assert [each.decided.request.subject.id for each in found.examples] == ["bot", "bot"]
        assert harness.service.revision() == before


async def test_history_is_judged_as_of_any_version() -> None:
    """Every decision names its version; the packs of any revision can be looked up and judged by."""
    async with asked() as harness:
        first = await harness.act("bank:Pay")
        ack = await harness.service.publish_policy(ADMIN, [(DRAFT, "bank.yaml")], "")
        second = await harness.act("bank:Pay")
        assert (first.verdict, second.verdict) == (Verdict.ESCALATE, Verdict.DENY)
        assert first.decision.policy != second.decision.policy != ""
        desk = harness.service.desk
        assert [each.version for each in desk.packs_at(await seq(harness, first.revision))] == ["1"]
        assert [each.version for each in desk.packs_at(await seq(harness, ack.revision))] == ["2"]
        found = await desk.replay_diff(
            [], as_of=await seq(harness, first.revision), from_ms=None, to_ms=None, limit=5, within_s=60
        )
        assert [(each.before, each.after, each.count) for each in found.moves] == [
            (Verdict.DENY, Verdict.ESCALATE, 2)
        ]


async def test_a_rollback_brings_the_version_back() -> None:
    """The same texts in force are the same version again, and one person may roll back."""
    async with asked() as harness:
        first = await harness.act("bank:Read")
        await harness.service.publish_policy(ADMIN, [(DRAFT, "bank.yaml")], "")
        await harness.service.rollback_policy(ADMIN, "bank", None, "too strict")
        again = await harness.act("bank:Read")
        assert again.decision.policy == first.decision.policy
