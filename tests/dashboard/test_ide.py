"""GraphiQL of development, in a real Chromium: it works without a request to anywhere else."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.api.served import served
from tests.dashboard.browser import EVERY_ROLE, expect, shown
from tests.support.requirement import skip_or_fail

pytestmark = [pytest.mark.anyio, pytest.mark.browser]
_ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def graphiql() -> None:
    """GraphiQL fetched, with the hashes of the manifest."""
    if not (_ROOT / "graphsvc" / "static" / "ide" / "lib" / "graphiql.js").exists():
        if shutil.which("npm") is None:
            skip_or_fail("node", "npm is not installed")
        subprocess.run([sys.executable, "-m", "scripts.vendor", "ide"], cwd=_ROOT, check=True, timeout=300)


@pytest.mark.slow
@pytest.mark.usefixtures("graphiql")
async def test_the_ide_asks_this_service_and_nobody_else() -> None:
    """With a token a query is answered, and everything the page is made of comes from here."""
    async with served(development=True) as service, shown(service, tolerate=("401",)) as browser:
        page = browser.page
        await page.goto(f"{service.url}/graphql")
        await page.get_by_label("Token").fill(service.token(*EVERY_ROLE))
        await page.get_by_role("button", name="Use").click()
        await page.get_by_role("button", name="Execute query").click()
        await expect(page.locator(".graphiql-response")).to_contain_text("edges", timeout=20_000)
        assert browser.elsewhere == []
