"""Reviews: quorum, routes, deputies, owners, withdrawal, narrower approval, load, and a cap against fatigue."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from graphsvc.core.graph import Node
from graphsvc.core.verdict import ReasonCode, Verdict
from graphsvc.decide.command import Answer
from graphsvc.decide.review_list import ReviewQuery
from graphsvc.decide.review_view import ReviewStatus
from graphsvc.errors import BadInput, Conflict, NotAllowed
from graphsvc.store.memory import MemoryStore
from tests.protection.deciding import DANA, EVE, HEAD, MAX, PATTERN, approver, asked
from tests.race.story import told_again
from tests.service.harness import ADMIN, GATEWAY, Harness, serving

pytestmark = pytest.mark.anyio

MINUTE_MS = 60_000
ROUTES = """
reviews:
  - {resource: {tier: crown}, approvers: {group: security}, quorum: 2, deputies: {group: managers}, after: 30m, expires: 4h}
  - {patterns: "other-*", approvers: {id: nobody}}
"""


async def escalated(harness: Harness, resource: str = "account:gold", **properties: object) -> str:
    answer = await harness.act("bank:Pay", resource, **properties)  # type: ignore[arg-type]
    assert answer.verdict is Verdict.ESCALATE
    return answer.decision.request.id


async def again(
    harness: Harness, review: str, resource: str = "account:gold", **properties: object
) -> Answer:
    command = harness.command("bank:Pay", resource, properties=properties)  # type: ignore[arg-type]
    return await harness.service.decide(
        GATEWAY, replace(command, request=replace(command.request, review=review))
    )


async def test_a_quorum_needs_different_people() -> None:
    """The first approval counts and lets nothing through; the same person again is refused; the second is enough."""
    async with asked(PATTERN, ROUTES) as harness:
        review, service = await escalated(harness), harness.service
        view = await service.approve_review(DANA, review, "seen")
        assert (view.status, view.quorum, view.endorsed) == (ReviewStatus.OPEN, 2, ("dana",))
        assert (await again(harness, review)).verdict is not Verdict.PERMIT
        with pytest.raises(Conflict, match="another person"):
            await service.approve_review(DANA, review, "seen again")
        view = await service.approve_review(EVE, review, "seen too")
        assert (view.status, view.endorsed) == (ReviewStatus.APPROVED, ("dana", "eve"))
        assert (await again(harness, review)).verdict is Verdict.PERMIT


async def test_an_approval_of_less_never_counts_as_one_of_the_whole() -> None:
    """Before the last approval a narrower scope is refused, not dropped; the last may narrow."""
    async with asked(PATTERN, ROUTES) as harness:
        review, service = await escalated(harness, amount=900), harness.service
        with pytest.raises(BadInput, match="last approval"):
            await service.approve_review(DANA, review, "a third", properties={"amount": 300})
        assert service.review(review).endorsed == ()  # type: ignore[union-attr]
        await service.approve_review(DANA, review, "seen")
        await service.approve_review(EVE, review, "a third", properties={"amount": 300})
        assert (await again(harness, review, amount=900)).verdict is Verdict.DENY
        assert (await again(harness, review, amount=300)).verdict is Verdict.PERMIT


async def test_one_rejection_is_enough() -> None:
    """However many approved before."""
    async with asked(PATTERN, ROUTES) as harness:
        review = await escalated(harness)
        await harness.service.approve_review(DANA, review, "seen")
        view = await harness.service.reject_review(EVE, review, "no")
        assert view.status is ReviewStatus.REJECTED
        assert (await again(harness, review)).verdict is Verdict.DENY


async def test_a_route_decides_who_answers() -> None:
    """By the tier of the resource; where no route fits every approver may, and one is enough."""
    async with asked(PATTERN, ROUTES) as harness:
        crown, low = await escalated(harness), await escalated(harness, "account:tin")
        with pytest.raises(NotAllowed, match="routed to others"):
            await harness.service.approve_review(approver("pat"), crown, "seen")
        view = await harness.service.approve_review(approver("pat"), low, "seen")
        assert (view.status, view.quorum) == (ReviewStatus.APPROVED, 1)


async def test_deputies_answer_once_it_has_waited() -> None:
    """Before that they are told how long to wait."""
    async with asked(PATTERN, ROUTES) as harness:
        review = await escalated(harness)
        with pytest.raises(NotAllowed, match="1800 s"):
            await harness.service.approve_review(MAX, review, "seen")
        view = harness.service.review(review)
        assert view is not None
        assert view.deputies_ms == view.opened_ms + 30 * MINUTE_MS
        harness.clock.now_ms += 31 * MINUTE_MS
        assert (await harness.service.approve_review(MAX, review, "seen")).endorsed == ("max",)


async def test_a_route_says_how_long_a_review_waits() -> None:
    """Four hours instead of one; then it is over."""
    async with asked(PATTERN, ROUTES) as harness:
        review = await escalated(harness)
        harness.clock.now_ms += 239 * MINUTE_MS
        assert (await harness.service.approve_review(DANA, review, "late")).status is ReviewStatus.OPEN
        harness.clock.now_ms += 2 * MINUTE_MS
        with pytest.raises(Conflict, match="expired"):
            await harness.service.approve_review(EVE, review, "too late")


async def test_the_owner_of_a_rule_is_left_out_when_told_so() -> None:
    """Whoever published the pack, by whichever linked account, cannot review what it escalated."""
    route = "reviews: [{not_owner: true}]\n"
    async with asked(PATTERN, route, publisher=approver("pat", "admin")) as harness:
        review = await escalated(harness)
        for name in ("pat", "pat2"):
            with pytest.raises(NotAllowed, match="published"):
                await harness.service.approve_review(approver(name), review, "mine")
        assert (await harness.service.approve_review(DANA, review, "seen")).status is ReviewStatus.APPROVED


async def test_a_review_can_be_withdrawn() -> None:
    """By whoever asked; afterwards nobody answers it, and it lets nothing through."""
    async with asked() as harness:
        review, desk = await escalated(harness), harness.service.desk
        with pytest.raises(BadInput, match="no review"):
            await desk.withdraw_review(replace(GATEWAY, subject="other"), review, "not mine")
        await desk.withdraw_review(GATEWAY, review, "done by hand")
        view = harness.service.review(review)
        assert view is not None
        assert (view.status, view.reason) == (ReviewStatus.WITHDRAWN, "done by hand")
        with pytest.raises(Conflict):
            await harness.service.approve_review(DANA, review, "seen")
        assert (await again(harness, review)).verdict is Verdict.DENY
        ((_, listed),) = harness.service.reviews(
            ReviewQuery(status=ReviewStatus.WITHDRAWN), before=None, limit=9
        )
        assert listed.id == review


async def test_an_approval_can_be_narrower() -> None:
    """The request goes through with the approver's values only: a lower amount, fewer entries."""
    async with asked() as harness:
        review = await escalated(harness, amount=900, to=["a", "b"], note="x")
        narrowed = {"amount": 500, "to": ["a"]}
        view = await harness.service.approve_review(DANA, review, "half", None, narrowed)  # type: ignore[arg-type]
        assert view.narrowed == {"amount": 500, "to": ["a"], "note": "x"}
        asked_again = await again(harness, review, amount=900, to=["a", "b"], note="x")
        assert asked_again.verdict is Verdict.DENY
        assert "narrower" in asked_again.decision.reasons[-1].message
        assert (await again(harness, review, amount=500, to=["a"], note="x")).verdict is Verdict.PERMIT


@pytest.mark.parametrize(
    "properties",
    [{"amount": 901}, {"amount": -1}, {"amount": True}, {"to": ["c"]}, {"to": []}, {"note": "y"}, {"new": 1}],
)
async def test_an_approval_cannot_be_wider(properties: dict[str, object]) -> None:
    """More, other or new values are refused, and the review stays open."""
    async with asked() as harness:
        review = await escalated(harness, amount=900, to=["a", "b"], note="x")
        with pytest.raises(BadInput) as refused:
            await harness.service.approve_review(DANA, review, "more", None, properties)  # type: ignore[arg-type]
        assert refused.value.field == "scope.properties"
        view = harness.service.review(review)
        assert view is not None
        assert view.status is ReviewStatus.OPEN


async def test_a_cap_denies_and_never_permits() -> None:
    """Beyond so many waiting reviews of one person the next is a DENY; others go on, and answering makes room."""
    async with asked(settings=", review_cap: {more_than: 2, within: 1h}") as harness:
        waiting = [await escalated(harness) for _ in range(2)]
        denied = await harness.act("bank:Pay")
        assert denied.verdict is Verdict.DENY
        assert denied.decision.reasons[-1].code in {ReasonCode.cap_reached, ReasonCode.pattern_completed}
        assert any(reason.rule == "review_cap" for reason in denied.decision.reasons)
        other = await harness.act("bank:Pay", subject="eve", chain="c2")
        assert other.verdict is Verdict.ESCALATE
        await harness.service.approve_review(DANA, waiting[0], "seen")
        assert (await harness.act("bank:Pay")).verdict is Verdict.ESCALATE
        harness.clock.now_ms += 61 * MINUTE_MS
        assert (await harness.act("bank:Pay")).verdict is Verdict.ESCALATE


async def test_a_cap_counts_within_a_batch() -> None:
    """Requests that are judged together count for each other; the reviews they open are no more than the cap."""
    async with asked(settings=", review_cap: {more_than: 3, within: 1h, per: all}") as harness:
        commands = [harness.command("bank:Pay", "account:tin", chain=f"c{n}") for n in range(8)]
        answers = await harness.service.decide_many(GATEWAY, commands)
        verdicts = [each.verdict for each in answers if isinstance(each, Answer)]
        assert verdicts == [Verdict.ESCALATE] * 3 + [Verdict.DENY] * 5


async def test_a_cap_counts_over_replicas() -> None:
    """Of two requests that two replicas escalate at once for two people where one has room, one opens a review."""
    store = MemoryStore()
    async with (
        serving(store, name="a", shared=True) as first,
        serving(store, name="b", shared=True) as second,
    ):
        text = HEAD % ("1", ", review_cap: {more_than: 1, within: 1h, per: all}") + PATTERN
        await first.service.publish_policy(ADMIN, [(text, "bank.yaml")], "")
        people = [Node(key=f"identity:{name}", fields={"kind": "human"}) for name in ("eve", "max")]
        await first.service.load_graph(ADMIN, "people", people, [], replace=True)
        await second.act("bank:Read", subject="eve", chain="c0")
        await first.act("bank:Read", subject="eve", chain="c0")
        answers = await asyncio.gather(
            first.act("bank:Pay", subject="eve", chain="c1"),
            second.act("bank:Pay", subject="max", chain="c2"),
        )
        assert sorted(answer.verdict for answer in answers) == [Verdict.DENY, Verdict.ESCALATE]
    await told_again(store)


async def test_the_load_of_reviews_is_told() -> None:
    """Per hundred actions, by rule, time to decision, what waits and what a cap denied."""
    async with asked(settings=", review_cap: {more_than: 2, within: 1h}") as harness:
        for _ in range(6):
            await harness.act("bank:Read")
        first, second = await escalated(harness), await escalated(harness)
        await harness.act("bank:Pay")
        harness.clock.now_ms += 10 * MINUTE_MS
        await harness.service.approve_review(DANA, first, "seen")
        await harness.service.desk.withdraw_review(ADMIN, second, "never mind")
        third = await escalated(harness)
        load = harness.service.desk.review_load(None)
        assert (load.actions, load.opened, load.approved, load.withdrawn, load.capped) == (10, 3, 1, 1, 1)
        assert (load.per_100, load.waiting) == (30.0, 1)
        view = harness.service.review(third)
        assert view is not None
        assert load.oldest_ms == view.opened_ms
        assert load.median_ms is not None
        assert 10 * MINUTE_MS <= load.median_ms < 11 * MINUTE_MS
        assert [(each.rule, each.opened, each.approved) for each in load.by_rule] == [("pay", 3, 1)]
