"""Emergencies: who may go past which rules, for how long, and the review that has to follow."""

from __future__ import annotations

import pytest

from graphsvc.core.snapshot import restore, snapshot
from graphsvc.core.verdict import Verdict
from graphsvc.decide.review_view import ReviewStatus
from graphsvc.errors import BadInput, Conflict, NotAllowed
from tests.protection.deciding import DANA, PATTERN, approver, asked
from tests.service.harness import ADMIN, GATEWAY, Harness

pytestmark = pytest.mark.anyio

DENY = PATTERN.replace("escalate", "deny")
GLASS = "break_glass: {subject: {group: on-call}, action: 'bank:*', for: 1h, review_within: 2h}\n"
HOUR_MS = 3_600_000


async def pay(harness: Harness, chain: str = "c1", subject: str = "pat") -> Verdict:
    return (await harness.act("bank:Pay", chain=chain, subject=subject)).verdict


async def test_an_emergency_lets_through_and_is_reviewed_afterwards() -> None:
    """The action is permitted, recorded with the verdict it would have got, and waits for its review."""
    async with asked(DENY, GLASS) as harness:
        assert await pay(harness) is Verdict.DENY
        _, broken = await harness.service.desk.break_glass(GATEWAY, "pat", None, "payroll is down")
        answer = await harness.act("bank:Pay", subject="pat")
        assert (answer.verdict, answer.decision.verdict) == (Verdict.PERMIT, Verdict.DENY)
        review = answer.decision.request.id
        view = harness.service.review(review)
        assert view is not None
        assert (view.status, view.afterwards) == (ReviewStatus.OPEN, True)
        assert view.expires_ms == view.opened_ms + 2 * HOUR_MS
        assert harness.service.desk.emergencies() == [(broken, 1)]
        view = await harness.service.approve_review(DANA, review, "it was right")
        assert (view.status, view.by, view.afterwards) == (ReviewStatus.APPROVED, "dana", True)
        assert harness.service.desk.emergencies() == [(broken, 0)]
        with pytest.raises(Conflict):
            await harness.service.reject_review(DANA, review, "again")


async def test_an_emergency_ends_and_is_for_one_person() -> None:
    """Nobody else goes past rules by it, linked accounts do, and after its time nobody does."""
    async with asked(DENY, GLASS) as harness:
        await harness.service.desk.break_glass(GATEWAY, "pat", None, "payroll is down")
        assert await pay(harness, subject="eve", chain="e") is Verdict.DENY
        assert await pay(harness, subject="pat2", chain="p2") is Verdict.PERMIT
        harness.clock.now_ms += HOUR_MS + 1000
        assert await pay(harness) is Verdict.DENY


async def test_an_emergency_may_be_for_one_chain() -> None:
    """Elsewhere the rules stand."""
    async with asked(DENY, GLASS) as harness:
        await harness.service.desk.break_glass(GATEWAY, "pat", "repair", "payroll is down")
        assert await pay(harness, "repair") is Verdict.PERMIT
        assert await pay(harness, "other") is Verdict.DENY


async def test_a_suspension_stands_in_an_emergency() -> None:
    """Only the reasons that the pack lists are gone past."""
    async with asked(DENY, GLASS) as harness:
        await harness.service.desk.break_glass(GATEWAY, "pat", None, "payroll is down")
        await harness.service.suspend(ADMIN, "pat", "stolen laptop", None)
        assert await pay(harness) is Verdict.DENY


async def test_who_may_declare_an_emergency() -> None:
    """Whom a pack's `break_glass` names, with a reason, by a token that may speak for them."""
    async with asked(DENY, GLASS) as harness:
        desk = harness.service.desk
        with pytest.raises(NotAllowed, match="break_glass"):
            await desk.break_glass(GATEWAY, "eve", None, "me too")
        with pytest.raises(BadInput, match="why"):
            await desk.break_glass(GATEWAY, "pat", None, " ")
        with pytest.raises(NotAllowed, match="speak for"):
            await desk.break_glass(approver("gate", "pep").__class__(subject="gate", roles=frozenset({"pep"}), subjects=("bot",)), "pat", None, "why")  # fmt: skip
        with pytest.raises(BadInput, match="no identity"):
            await desk.break_glass(GATEWAY, "nobody", None, "why")


async def test_the_review_afterwards_is_four_eyes() -> None:
    """Neither whoever did it, by any account, nor whoever declared the emergency."""
    async with asked(DENY, GLASS) as harness:
        await harness.service.desk.break_glass(approver("max", "approver"), "pat", None, "payroll is down")
        answer = await harness.act("bank:Pay", subject="pat")
        for name in ("pat", "pat2", "max"):
            with pytest.raises(NotAllowed):
                await harness.service.approve_review(approver(name), answer.decision.request.id, "fine")


async def test_overdue_reviews_bar_the_next_emergency() -> None:
    """The review is mandatory: until it is done nobody declares another one for the same person."""
    async with asked(DENY, GLASS) as harness:
        desk = harness.service.desk
        await desk.break_glass(GATEWAY, "pat", None, "payroll is down")
        answer = await harness.act("bank:Pay", subject="pat")
        await desk.break_glass(GATEWAY, "pat", None, "still down")
        harness.clock.now_ms += 3 * HOUR_MS
        with pytest.raises(Conflict, match="review"):
            await desk.break_glass(GATEWAY, "pat", None, "once more")
        await harness.service.reject_review(DANA, answer.decision.request.id, "that was not needed")
        await desk.break_glass(GATEWAY, "pat", None, "once more")


async def test_a_snapshot_keeps_emergencies_and_their_reviews() -> None:
    """A world from a snapshot knows who is past rules, and what waits for its review."""
    async with asked(DENY, GLASS) as harness:
        await harness.service.desk.break_glass(GATEWAY, "pat", None, "payroll is down")
        await harness.act("bank:Pay", subject="pat")
        world = harness.service.world
        again = restore(snapshot(world))
        assert again.governance.unconfirmed == world.governance.unconfirmed != {}
        assert again.governance.broken == world.governance.broken
        assert snapshot(again) == snapshot(world)


async def test_what_an_emergency_let_through_is_in_the_report() -> None:
    """It would have been stopped, and the report says why it was not."""
    async with asked(DENY, GLASS) as harness:
        await harness.service.desk.break_glass(GATEWAY, "pat", None, "payroll is down")
        await harness.act("bank:Pay", subject="pat")
        found = harness.service.desk.stopped(from_ms=None, to_ms=None, limit=5, trials=True)
        assert [(each.why, each.would_be, each.rules) for each in found.examples] == [
            ("emergency", Verdict.DENY, ("pay",))
        ]
