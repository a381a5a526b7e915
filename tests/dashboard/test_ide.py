"""GraphiQL of development, in a real Chromium: it works without a request to anywhere else."""

from __future__ import annotations

import json

import pytest

from scripts.vendor_ide import STATIC, digests
from tests.api.served import served
from tests.dashboard.browser import EVERY_ROLE, expect, shown


def test_the_bundle_is_what_its_manifest_names() -> None:
    """No file was changed by hand, none is missing, and none is too large to be looked at."""
    assert digests() == json.loads((STATIC / "manifest.json").read_text())
    assert max(file.stat().st_size for file in (STATIC / "lib").iterdir()) < 1_000_000


@pytest.mark.anyio
@pytest.mark.browser
async def test_the_ide_asks_this_service_and_nobody_else() -> None:
    """With a token a query is answered and the schema shown, and everything the page is made of comes from here."""
    async with served(development=True) as service, shown(service, tolerate=("401",)) as browser:
        page = browser.page
        await page.goto(f"{service.url}/graphql")
        await page.get_by_label("Token").fill(service.token(*EVERY_ROLE))
        await page.get_by_role("button", name="Use").click()
        # The editor loads its parts after the page; a click before that sends nothing.
        await expect(page.locator(".graphiql-query-editor")).to_contain_text("Newest", timeout=20_000)
        await page.get_by_role("button", name="Execute query").click()
        await expect(page.locator(".graphiql-response")).to_contain_text("edges", timeout=20_000)
        await page.get_by_role("button", name="Show Documentation Explorer").click()
        await expect(page.locator(".graphiql-doc-explorer")).to_contain_text("Mutation", timeout=20_000)
        assert browser.elsewhere == []
