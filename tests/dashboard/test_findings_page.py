"""The page of findings: pages, filters, and the register that its reader brings."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.async_api import FilePayload

from tests.api.account import ROOT, account
from tests.api.served import Served, served
from tests.dashboard.browser import Shown, expect, shown

pytestmark = [pytest.mark.anyio, pytest.mark.browser]
RIGHTS = ("iam:CreateAccessKey", "iam:DeleteAccessKey")
EVIL = '<img src=x onerror="window.hit=1">'


async def _open(service: Served, browser: Shown, records: list[Any]) -> None:
    async with service.client("admin", subject="root") as admin:
        await admin.upsert_graph("account", records)
    await browser.log_in(service.token("analyst", subject="dana"))
    await browser.go("findings")
    await expect(browser.page.locator("tbody tr").first).to_be_visible()


async def test_findings_come_in_pages_and_by_severity() -> None:
    """Every page once, there and back; a filter begins at the first page."""
    many = [record for place in range(26) for record in account([f"u{place}"], RIGHTS, str(place))]
    async with served() as service, shown(service) as browser:
        page = browser.page
        await _open(service, browser, many)
        await expect(page.get_by_text("1 to 25 of")).to_be_visible()
        first = await page.locator("tbody td small").first.text_content()
        await page.get_by_role("button", name="Next").click()
        await expect(page.get_by_text("26 to")).to_be_visible()
        assert await page.locator("tbody td small").first.text_content() != first
        await page.get_by_role("button", name="Back").click()
        await expect(page.get_by_text("1 to 25 of")).to_be_visible()
        assert await page.locator("tbody td small").first.text_content() == first
        await page.get_by_role("button", name="Next").click()
        await page.get_by_label("Severity").select_option("critical")
        await expect(page.get_by_text("No finding of this kind")).to_be_visible()
        await page.get_by_label("Severity").select_option("high")
        await expect(page.get_by_text("1 to 25 of")).to_be_visible()


async def test_a_register_says_who_answers_and_is_never_markup() -> None:
    """Owner, due day and accepted risk of a file; names and reasons that are scripts are text; a wrong file is refused."""
    entries = [
        {"identity": "*:user/ann", "owner": "cloud", "accepted_until": "2099-01-01", "accepted_by": "dana", "reason": EVIL},
        {"owner": EVIL, "due": "2020-01-01"},
    ]  # fmt: skip
    async with served() as service, shown(service) as browser:
        page = browser.page
        await _open(service, browser, account(["ann", EVIL], RIGHTS))
        rows = page.get_by_role("region", name="Findings").locator("tbody > tr")

        async def bring(text: str) -> None:
            file = FilePayload(name="risks.json", mimeType="application/json", buffer=text.encode())
            await page.get_by_label("Own register").set_input_files(file)

        await bring("findings: []")
        await expect(page.get_by_role("alert")).to_contain_text("the register is no JSON")
        await bring(json.dumps({"findings": [{"accepted_until": "2099-01-01"}]}))
        await expect(page.get_by_role("alert")).to_contain_text("acceptedUntil needs acceptedBy and reason")
        await bring(json.dumps({"findings": entries}))
        await expect(rows.filter(has_text="2099-01-01").first).to_contain_text("accepted")
        await page.get_by_label("Status").select_option("OVERDUE")
        await expect(rows.filter(has_text="2099-01-01")).to_have_count(0)
        await expect(rows.first).to_contain_text("2020-01-01")
        await expect(rows.first).to_contain_text(f"1: {ROOT}{EVIL}")
        await page.get_by_label("Status").select_option("")
        await page.get_by_label("Owner").fill("cloud")
        await page.get_by_label("Owner").press("Enter")
        await expect(rows.filter(has_text="2020-01-01")).to_have_count(0)
        await expect(rows.first).to_contain_text(EVIL)
        assert await page.locator("img").count() == 0
        assert await page.evaluate("window.hit") is None


async def test_a_risk_is_accepted_and_taken_back_on_the_page() -> None:
    """By an approver, for a reason, until a day; the register names who it was; withdrawn, the finding is open again."""
    async with served() as service, shown(service) as browser:
        page = browser.page
        await _open(service, browser, account(["ann", "bob"], RIGHTS))
        await page.get_by_text("Change", exact=True).nth(1).click()
        await expect(page.get_by_role("button", name="Accept risk")).to_have_count(0)
        await page.get_by_label("Owner").nth(1).fill("cloud")
        await page.get_by_role("button", name="Assign").first.click()
        register = page.get_by_role("region", name="Register")
        await expect(register.locator("tbody tr")).to_contain_text("cloud answers")
        await page.get_by_role("button", name="Log out").click()
        await browser.log_in(service.token("approver", subject="eve"))
        await browser.go("findings")
        first = page.get_by_role("region", name="Findings").locator("tbody > tr").first
        await first.get_by_text("Change").click()
        await first.get_by_label("Until").fill("2026-10-31")
        await first.get_by_label("Reason").fill("sealed and alarmed")
        await first.get_by_role("button", name="Accept risk").click()
        await first.get_by_role("button", name="Accept risk: sure?").click()
        await expect(first).to_contain_text("accepted")
        await expect(first).to_contain_text("sealed and alarmed (eve)")
        await expect(first).to_contain_text("cloud")
        taken = register.locator("tbody tr").first
        await expect(taken).to_contain_text("until 2026-10-31")
        await taken.get_by_role("button", name="Withdraw").click()
        await taken.get_by_role("button", name="Withdraw: sure?").click()
        await expect(register.locator("tbody tr")).to_have_count(1)
        await expect(first).to_contain_text("open")
