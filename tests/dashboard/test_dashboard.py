"""What people do on the dashboard, in a real Chromium before a real service."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe

from graphsvc.api.dashboard import _FILES
from tests.api.account import account
from tests.api.served import SEND, Served, request, served
from tests.dashboard.browser import EVERY_ROLE, Shown, expect, shown

pytestmark = [pytest.mark.anyio, pytest.mark.browser]
ESCALATING = """
graphsvc: 1
pack: {id: care, version: "1"}
settings: {entitlement: required}
break_glass: {subject: {kind: agent}, action: "*", covers: [not_entitled], for: 1h, review_within: 24h}
patterns:
  - id: deletion
    title: Something is deleted
    severity: critical
    on_match: escalate
    steps:
      once: {action: "erp:Delete"}
"""
GLASS = """
graphsvc: 1
pack: {id: evil, version: "1"}
patterns:
  - {id: deletion, severity: low, on_match: escalate, steps: {once: {action: "erp:Read"}}}
"""


async def _dana(service: Served, browser: Shown) -> None:
    await browser.log_in(service.token(*EVERY_ROLE, subject="dana"))


async def test_decisions_appear_as_they_are_made_and_are_filtered() -> None:
    """Those of before and those of now; by verdict and by text; and where risk stands."""
    async with served() as service, service.client() as pep, shown(service) as browser:
        page = browser.page
        await pep.decide(request())
        await _dana(service, browser)
        rows = page.locator("table.decisions tbody tr")
        await expect(rows).to_have_count(1)
        await pep.decide(request("crm:Read", "record:42"))
        await pep.decide(request(SEND))
        await expect(rows).to_have_count(3)
        await expect(rows.first).to_contain_text("mail:Send")
        await expect(rows.first).to_contain_text("trifecta")
        await expect(page.get_by_role("status").filter(has_text="live")).to_be_visible()
        await page.get_by_label("PERMIT").uncheck()
        await expect(rows).to_have_count(1)
        await page.get_by_label("PERMIT").check()
        await page.get_by_label("Search").fill("crm 42")
        await expect(rows).to_have_count(1)
        await page.get_by_label("Search").fill("")
        await page.get_by_role("button", name="Hold still").click()
        await pep.decide(request(chain="c2"))
        await asyncio.sleep(0.6)
        await expect(rows).to_have_count(3)
        await page.get_by_role("button", name="Go on").click()
        await expect(rows).to_have_count(4)


async def test_a_decision_shows_its_path_in_its_chain() -> None:
    """Reasons, the completed path lit in the chain, what is still missing; and that it is in the signed log."""
    async with served() as service, service.client() as pep, shown(service) as browser:
        page = browser.page
        await pep.decide(request())
        await pep.decide(request("erp:Read", "vendor:1"))
        await pep.decide(request("crm:Read", "record:42"))
        await pep.decide(request(SEND))
        await _dana(service, browser)
        await page.locator("table.decisions tbody tr").first.get_by_role("link").first.click()
        await expect(page.get_by_role("heading", level=1)).to_contain_text("mail:Send")
        await expect(page.locator(".completion .path li")).to_have_count(3)
        await expect(page.locator(".timeline li")).to_have_count(4)
        await expect(page.locator(".timeline li.lit")).to_have_count(3)
        await expect(page.locator(".timeline li.lit").nth(1)).to_contain_text("crm:Read")
        harm = page.get_by_role("region", name="Patterns under way")
        await expect(harm).to_contain_text("out")
        await page.locator("dl a[href^='#/audit/']").click()
        await expect(page.locator("p.good").filter(has_text="lead to the signed root")).to_be_visible()


async def test_an_escalated_action_is_approved_by_hand() -> None:
    """A reason is asked for, a grave one asks twice; whoever took part is refused and told so."""
    async with (
        served() as service,
        service.client() as pep,
        service.client("admin", subject="root") as admin,
        shown(service) as browser,
    ):
        page = browser.page
        await admin.publish_policy(ESCALATING)
        await _dana(service, browser)
        await browser.go("reviews")
        await expect(page.get_by_text("Nothing waits for you")).to_be_visible()
        asked = await pep.decide(request("erp:Delete", "vendor:7"))
        assert asked.verdict == "ESCALATE"
        await expect(page.locator("article.review")).to_contain_text("erp:Delete")
        await page.get_by_role("button", name="Approve once").click()
        await page.get_by_role("button", name="Approve once: sure?").click()
        await expect(page.get_by_role("alert")).to_have_text("say why, for the record")
        await page.get_by_label("Reason").fill("agreed with the owner")
        await page.get_by_role("button", name="Approve once").click()
        await page.get_by_role("button", name="Approve once: sure?").click()
        await expect(page.get_by_text("APPROVED", exact=True)).to_be_visible()
        assert asked.review is not None
        done = await pep.decide(request("erp:Delete", "vendor:7", review=asked.review.id))
        assert done.permitted
        await expect(page.get_by_text("USED")).to_be_visible()
    async with (
        served() as service,
        service.client("admin", "pep", subject="dana") as dana,
        shown(service) as browser,
    ):
        await dana.publish_policy(ESCALATING)
        await dana.decide(request("erp:Delete", "vendor:7"))
        await _dana(service, browser)
        await browser.go("reviews")
        await browser.page.get_by_label("Reason").fill("mine")
        await browser.page.get_by_role("button", name="Reject").click()
        await expect(browser.page.get_by_role("alert")).to_contain_text("asked")


async def test_an_identity_is_stopped_and_helped() -> None:
    """Suspended with a reason and reinstated; given a right for a while, and revoked: all count at once."""
    async with served() as service, service.client() as pep, shown(service) as browser:
        page = browser.page
        await _dana(service, browser)
        await browser.go("identities")
        await page.get_by_role("link", name="mallory").click()
        odd = {**request("odd:Thing", "record:1"), "subject": {"type": "human", "id": "mallory"}}
        assert not (await pep.decide(odd)).permitted
        await page.get_by_label("Actions").fill("odd:*")
        await page.get_by_label("Resources").fill("record:*")
        await page.get_by_label("Purpose").fill("incident 7")
        await page.get_by_role("button", name="Grant").click()
        grants = page.get_by_role("region", name="Situational grants")
        await expect(grants).to_contain_text("incident 7")
        assert (await pep.decide({**odd, "chain": "m2"})).permitted
        await page.get_by_label("Reason").fill("odd hours")
        await page.get_by_role("button", name="Suspend").click()
        await page.get_by_role("button", name="Suspend: sure?").click()
        await expect(page.get_by_role("heading", level=1)).to_contain_text("suspended")
        stopped = await pep.decide({**odd, "chain": "m3"})
        assert [reason.code for reason in stopped.reasons] == ["subject_suspended"]
        await page.get_by_role("button", name="Reinstate").click()
        await page.get_by_role("button", name="Reinstate: sure?").click()
        await expect(page.get_by_role("heading", level=1)).to_contain_text("active")
        await expect(
            page.get_by_role("img", name="risk judged at the last 3 decisions, in 3 chains")
        ).to_be_visible()
        await expect(page.locator(".riskline .line")).to_have_count(3)
        await page.get_by_role("button", name="Revoke").click()
        await expect(grants).to_contain_text("REVOKED")
        assert not (await pep.decide({**odd, "chain": "m4"})).permitted


async def test_what_is_suspended_is_told_and_ended() -> None:
    """Who, why and until when, from the count on the first page; an analyst sees it, an approver lets it go on."""
    async with (
        served() as service,
        service.client("approver", subject="eve") as eve,
        shown(service) as browser,
    ):
        page = browser.page
        await eve.suspend("bank:*", "incident 7", kind="action", until="2026-09-22T00:00:00Z")
        await eve.suspend("mallory", "odd hours")
        await browser.log_in(service.token("analyst", subject="ana"))
        await page.get_by_role("link", name="2 suspended").click()
        rows = page.get_by_role("region", name="Suspended").locator("tbody tr")
        await expect(rows.nth(1)).to_contain_text("bank:*incident 7eve")
        await expect(rows.nth(1)).to_contain_text("2026-09-22")
        await expect(rows.first).to_contain_text("reinstated")
        await expect(page.get_by_role("button", name="Reinstate")).to_have_count(0)
        await page.get_by_role("button", name="Log out").click()
        await browser.log_in(service.token("approver", subject="eve"))
        await browser.go("suspended")
        await rows.nth(1).get_by_role("button", name="Reinstate").click()
        await page.get_by_role("button", name="Reinstate: sure?").click()
        await expect(rows).to_have_count(1)
        assert [each.id for each in await eve.suspensions()] == ["identity:mallory"]


async def _fill(service: Served, name: str, pack: str) -> None:
    """A pack on trial, a draft, an emergency, a right asked for, a suspension and an accepted risk, all of that name."""
    other = pack.replace("id: evil", "id: draft").replace("id: deletion", "id: other")
    for mutation, given in (
        ("shadowPolicy", {"yaml": other, "comment": name}),
        ("draftPolicy", {"yaml": other, "comment": name, "files": None}),
        ("breakGlass", {"identity": name, "reason": name}),
        ("requestGrant", {"identity": name, "actions": [name], "resources": [name], "lasts": "1h", "purpose": name}),
        ("sendSignal", {"identity": name, "cause": name, "weight": 0.2, "halfLife": "1h"}),
        ("suspend", {"kind": "action", "id": name, "reason": name}),
        ("acceptRisk", {"pattern": "aws-*", "identity": name, "until": "2026-12-01", "reason": name}),
    ):  # fmt: skip
        kind = {"shadowPolicy": "ShadowInput", "draftPolicy": "PublishPolicyInput", "breakGlass": "BreakGlassInput",
                "requestGrant": "GrantRequestInput", "sendSignal": "SignalInput", "suspend": "SuspendInput",
                "acceptRisk": "AcceptRiskInput"}[mutation]  # fmt: skip
        text = (
            f"mutation($v: {kind}!) {{ {mutation}(input: $v) {{ __typename ... on Failure {{ message }} }} }}"
        )
        answer = await service.post(text, *EVERY_ROLE, variables={"v": given}, subject="root")
        assert "message" not in answer["data"][mutation], answer


async def test_text_of_data_is_never_markup() -> None:
    """Names, labels, reasons and rules that are scripts are shown as what they are, on every page."""
    evil = '<img src=x onerror="window.hit=1">\'"&'
    pack = f"""
graphsvc: 1
pack: {{id: evil, version: "1"}}
patterns:
  - id: deletion
    title: {json.dumps(evil)}
    severity: critical
    on_match: escalate
    steps: {{once: {{action: "erp:Delete"}}}}
break_glass: {{subject: {{kind: human}}, action: "*", covers: [not_entitled], for: 1h, review_within: 24h}}
"""
    records: list[Any] = [
        {"node": {"type": "identity", "id": evil, "kind": "human", "name": evil}},
        {"node": {"type": "permission", "id": evil, "actions": ["erp:*", evil], "resources": ["*", evil]}},
        {"edge": {"type": "GRANTED", "from": f"identity:{evil}", "to": f"permission:{evil}"}},
    ]
    async with served() as service, service.client() as pep, service.client("admin", subject="root") as admin:
        await admin.publish_policy(pack, comment=evil)
        await admin.upsert_graph("evil", records)
        asked = await pep.decide(
            {**request("erp:Delete", f"vendor:{evil}", chain=evil), "subject": {"type": evil, "id": evil}}
        )
        assert asked.verdict == "ESCALATE"
        await _fill(service, evil, pack)
        async with shown(service) as browser:
            await _dana(service, browser)
            page = browser.page
            name = await page.evaluate("text => encodeURIComponent(text)", evil)
            number = asked.id.removeprefix("decision:")
            for view in (
                "live",
                "reviews",
                "identities",
                f"identity/{name}",
                f"decision/{number}",
                "policies",
                "policies/evil",
                "policies/draft",
                "emergencies",
                f"chain/{name}",
                "explore",
                "findings",
                "suspended",
                f"audit/{name}",
            ):
                await browser.go(view)
                await expect(page.get_by_role("heading", level=1).first).to_be_visible()
                await asyncio.sleep(0.4)
                assert await page.evaluate("window.hit") is None, view
                assert await page.locator("img").count() == 0, view
            await browser.go(f"identity/{name}")
            await expect(page.get_by_role("heading", level=1)).to_contain_text(evil)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_page_is_accessible(scheme: Any) -> None:
    """No finding of axe-core on any page, on a narrow screen too, with something on each."""
    async with (
        served() as service,
        service.client() as pep,
        service.client("admin", subject="root") as admin,
        service.client("approver", subject="eve") as eve,
        shown(service, scheme=scheme, width=1280 if scheme == "light" else 420) as browser,
    ):
        await admin.publish_policy(ESCALATING)
        await pep.decide(request())
        await pep.decide(request("crm:Read", "record:42"))
        denied = await pep.decide(request(SEND))
        await pep.decide(request("erp:Delete", "vendor:7"))
        rights: dict[str, Any] = {"resources": ["*"], "expires_at": "2026-12-01T00:00:00Z", "purpose": "p"}
        await eve.grant("bot", actions=["a:*"], **rights)
        await admin.upsert_graph("account", account(["ann"], ["iam:CreateAccessKey"]))
        await _fill(service, "bot", GLASS)
        axe = Axe()
        await browser.page.goto(service.url)
        await expect(browser.page.get_by_label("Token")).to_be_visible()
        found = {"login": (await axe.run(browser.page)).response["violations"]}
        await _dana(service, browser)
        number = denied.id.removeprefix("decision:")
        for view in (
            "live",
            "reviews",
            "identities",
            "identity/bot",
            f"decision/{number}",
            "chain/c1",
            "explore",
            "findings",
            "suspended",
            "policies",
            "policies/care",
            "emergencies",
            f"audit/{number}",
        ):
            await browser.go(view)
            await expect(browser.page.get_by_role("heading", level=1).first).to_be_visible()
            await asyncio.sleep(0.5)
            found[view] = (await axe.run(browser.page)).response["violations"]
        told = [
            (view, each["id"], node["html"][:120])
            for view, violations in found.items()
            for each in violations
            for node in each["nodes"]
        ]
        assert told == []


async def test_it_works_by_keyboard() -> None:
    """From the login to a decision without a mouse; the first stop skips to the content."""
    async with served() as service, service.client() as pep, shown(service) as browser:
        page = browser.page
        await pep.decide(request())
        await page.goto(service.url)
        await page.keyboard.press("Tab")
        await page.keyboard.type(service.token(*EVERY_ROLE, subject="dana"))
        await page.keyboard.press("Enter")
        await expect(page.locator("table.decisions tbody tr")).to_have_count(1)
        await page.evaluate("document.activeElement.blur()")
        await page.keyboard.press("Tab")
        await expect(page.locator("a.skip")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.locator("main")).to_be_focused()
        await page.locator("table.decisions a").first.focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", level=1)).to_contain_text("mail:Read")


async def test_a_refused_token_says_so_and_asks_again() -> None:
    """One that is none leads back to the login."""
    async with served() as service, shown(service, tolerate=("401", "WebSocket")) as browser:
        await browser.page.goto(service.url)
        await browser.page.get_by_label("Token").fill("x.y.z")
        await browser.page.get_by_role("button", name="Log in").click()
        await expect(browser.page.get_by_label("Token")).to_be_visible()


def test_vendored_files_are_what_the_manifest_says() -> None:
    """Nobody edited a library by hand, and each has its licence beside it."""
    import base64
    import hashlib

    vendor: Path = _FILES / "vendor"
    manifest = json.loads((vendor / "manifest.json").read_text())
    assert {each["file"] for each in manifest} == {path.name for path in vendor.iterdir()} - {"manifest.json"}
    for each in manifest:
        digest = hashlib.sha384((vendor / each["file"]).read_bytes()).digest()
        assert base64.b64encode(digest).decode() == each["sha384"], each["file"]
        assert f"{each['package']}.LICENSE.txt" in {path.name for path in vendor.iterdir()}


async def test_a_link_fills_a_token_in_and_uses_it_only_when_told() -> None:
    """A stranger's link logs nobody in; the token leaves the address, and the link leads to its view."""
    async with served() as service, shown(service) as browser:
        page = browser.page
        token = service.token(*EVERY_ROLE, subject="dana")
        await page.goto(f"{service.url}/#/login/{token}/reviews")
        await expect(page.get_by_label("Token")).to_have_value(token)
        assert token not in page.url
        assert await page.evaluate("sessionStorage.length") == 0
        await page.get_by_role("button", name="Log in").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Reviews")
