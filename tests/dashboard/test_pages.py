"""The pages of approvers and of those who keep the rules, used as they are meant to be."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.served import SEND, Served, request, served
from tests.dashboard.browser import EVERY_ROLE, Shown, expect, shown

pytestmark = [pytest.mark.anyio, pytest.mark.browser]
CARE = """
graphsvc: 1
pack: {id: care, version: "1"}
settings: {entitlement: required}
break_glass: {subject: {kind: human}, action: "odd:*", covers: [not_entitled], for: 1h, review_within: 24h}
reviews:
  - {action: "bank:*", quorum: 2}
actions:
  "bank:Pay": {effects: [pay], shown: [accounts]}
patterns:
  - id: payment
    severity: low
    on_match: escalate
    steps: {once: {action: "bank:Pay"}}
"""
WHAT: dict[str, Any] = {"amount": 48000, "accounts": ["NL-1", "NL-2"], "note": "of nobody's concern"}
PAY: dict[str, Any] = {"name": "bank:Pay", "properties": WHAT}


async def _open(service: Served, browser: Shown, view: str, subject: str = "dana") -> None:
    await browser.log_in(service.token(*EVERY_ROLE, subject=subject))
    await browser.go(view)


async def test_two_people_approve_less_than_was_asked() -> None:
    """The quorum is told as it fills; whoever is last may narrow the amount and the list; only the narrower request goes through."""
    async with (
        served() as service,
        service.client() as pep,
        service.client("admin", subject="root") as admin,
        shown(service) as browser,
    ):
        page = browser.page
        await admin.publish_policy(CARE)
        asked = await pep.decide(request(PAY, "account:main"))
        assert asked.review is not None
        await _open(service, browser, "reviews")
        review = page.locator("article.review")
        await expect(review).to_contain_text("0 of 2")
        # What no rule reads is not there to be shown, and the page says why.
        await expect(review).to_contain_text("note not kept")
        await expect(review.get_by_title("No rule reads it")).to_have_count(1)
        await expect(page.get_by_text("Narrow it")).to_have_count(0)
        async with service.client("approver", subject="eve") as eve:
            await eve.approve_review(asked.review.id, "agreed")
        await expect(review).to_contain_text("1 of 2 have approved: eve")
        await page.get_by_text("Narrow it").click()
        await page.get_by_label("amount").fill("50000")
        await page.get_by_label("Reason").fill("two thirds will do")
        await page.get_by_role("button", name="Approve once").click()
        await expect(page.get_by_role("alert")).to_contain_text("amount: a number up to 48000")
        await page.get_by_label("amount").fill("32000")
        await page.get_by_label("NL-2").uncheck()
        await page.get_by_role("button", name="Approve once").click()
        await expect(page.get_by_text('"amount":32000')).to_be_visible()
        whole = await pep.decide(request(PAY, "account:main", review=asked.review.id))
        assert "review_invalid" in {reason.code for reason in whole.reasons}
        less = {**PAY, "properties": {**WHAT, "amount": 32000, "accounts": ["NL-1"]}}
        assert (await pep.decide(request(less, "account:main", review=asked.review.id))).permitted


@pytest.mark.slow
async def test_a_right_that_is_asked_for_is_granted_for_less() -> None:
    """The request appears by itself; actions are narrowed; the grant counts at once."""
    async with served() as service, service.client() as pep, shown(service) as browser:
        page = browser.page
        await _open(service, browser, "reviews")
        wanted = {
            "identity": "mallory", "actions": ["odd:Read", "odd:Write"], "resources": ["record:*"], "lasts": "2h",
            "purpose": "incident 7",
        }  # fmt: skip
        text = "mutation($v: GrantRequestInput!) { requestGrant(input: $v) { __typename } }"
        await service.post(text, "pep", variables={"v": wanted})
        await page.reload()
        await expect(page.get_by_role("heading", name="mallory")).to_contain_text("odd:Read, odd:Write")
        await page.get_by_text("Narrow it").click()
        await page.get_by_label("Actions").fill("odd:Read")
        await page.get_by_label("Reason").fill("reading is enough")
        await page.get_by_role("button", name="Grant").click()
        await expect(page.get_by_text("GRANTED")).to_be_visible()
        subject = {"subject": {"type": "human", "id": "mallory"}}
        assert (await pep.decide({**request("odd:Read", "record:1", chain="m1"), **subject})).permitted
        assert not (await pep.decide({**request("odd:Write", "record:1", chain="m2"), **subject})).permitted


@pytest.mark.slow
async def test_rules_are_tried_handed_in_and_published() -> None:
    """What history would have been, a trial that counts and ends, a draft line by line that a click publishes, versions."""
    async with (
        served() as service,
        service.client() as pep,
        service.client("admin", subject="root") as admin,
        shown(service) as browser,
    ):
        page = browser.page
        await admin.publish_policy(CARE)
        await pep.decide(request("crm:Read", "record:42"))
        await _open(service, browser, "policies")
        newer = CARE.replace("bank:Pay", "crm:Read").replace('version: "1"', 'version: "2"')
        trial = newer.replace("id: care", "id: trial").replace("id: payment", "id: reading")
        await page.get_by_text("A pack in YAML").click()
        await page.get_by_label("Text").fill(newer)
        await page.get_by_role("button", name="What would it have changed?").click()
        await expect(page.get_by_text("1 of 1 stored decisions")).to_be_visible()
        await page.get_by_label("Comment").fill("also reading")
        await page.get_by_role("button", name="Hand in as draft").click()
        draft = page.get_by_role("region", name="What the draft")
        await expect(draft.locator(".went").first).to_contain_text('version: "1"')
        await expect(draft.locator(".came").first).to_contain_text('version: "2"')
        await page.get_by_label("Text").fill(trial)
        await page.get_by_role("button", name="Put on trial").click()
        trials = page.get_by_role("region", name="Packs on trial")
        await expect(trials).to_contain_text("trial")
        await pep.decide(request("crm:Read", "record:43"))
        await page.reload()
        await expect(page.get_by_role("region", name="Actions that would have been stopped")).to_contain_text(
            "reading"
        )
        await trials.get_by_role("button").click()
        await trials.get_by_role("button", name="sure").click()
        await expect(page.get_by_text("Nothing is on trial")).to_be_visible()
        await page.get_by_role("button", name="Publish").click()
        await page.get_by_role("button", name="Publish: sure?").click()
        await expect(page.get_by_text("Nothing waits to be published")).to_be_visible()
        await browser.go("policies/care")
        await expect(page.get_by_role("region", name="Differences").locator(".came").first).to_contain_text(
            "2"
        )
        assert (await pep.decide(request("crm:Read", "record:44"))).verdict == "ESCALATE"


@pytest.mark.slow
async def test_the_glass_is_broken_and_looked_at_afterwards() -> None:
    """Declared with a reason; the action goes through, waits for its review, and the review is answered."""
    async with (
        served() as service,
        service.client() as pep,
        service.client("admin", subject="root") as admin,
        shown(service) as browser,
    ):
        page = browser.page
        await admin.publish_policy(CARE)
        await _open(service, browser, "emergencies")
        await page.get_by_label("Identity").fill("mallory")
        await page.get_by_label("Reason").fill("nobody else is here")
        await page.get_by_role("button", name="Break the glass").click()
        await page.get_by_role("button", name="Break the glass: sure?").click()
        await expect(page.get_by_role("region", name="Emergencies")).to_contain_text("nobody else is here")
        odd = {**request("odd:Thing", "record:1"), "subject": {"type": "human", "id": "mallory"}}
        assert (await pep.decide(odd)).permitted
        await browser.go("reviews")
        await expect(page.get_by_text("happened in an emergency")).to_be_visible()
        await page.get_by_label("Reason").fill("mine")
        await page.get_by_role("button", name="It was right").click()
        await expect(page.get_by_role("alert")).to_contain_text("whoever declared an emergency cannot")
        await page.get_by_role("button", name="Log out").click()
        await _open(service, browser, "reviews", subject="eve")
        await page.get_by_label("Reason").fill("looked at it")
        await page.get_by_role("button", name="It was right").click()
        await expect(page.get_by_text("APPROVED")).to_be_visible()


@pytest.mark.slow
async def test_a_chain_is_watched_before_harm() -> None:
    """What fed what; the pattern that one allowed action would complete; news by themselves; stopped by hand."""
    async with served() as service, service.client() as pep, shown(service) as browser:
        page = browser.page
        first = await pep.decide(request())
        await pep.decide(request("crm:Read", "record:42", parents=[first.id]))
        await _open(service, browser, "chain/c1")
        await expect(page.locator(".timeline li").nth(1)).to_contain_text("fed by 1")
        await expect(page.get_by_role("region", name="Patterns under way")).to_contain_text("next:")
        await expect(page.locator(".arcs .line")).to_have_count(1)
        await pep.decide(request(SEND))
        await expect(page.locator(".timeline li.lit")).to_have_count(3)
        await page.get_by_label("Reason").fill("enough")
        await page.get_by_role("button", name="Stop this chain").click()
        await page.get_by_role("button", name="Stop this chain: sure?").click()
        await expect(page.get_by_role("button", name="Stop this chain", exact=True)).to_be_visible()
        assert [reason.code for reason in (await pep.decide(request())).reasons] == ["chain_closed"]
