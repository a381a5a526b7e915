"""A real Chromium on the dashboard of a real service; whatever the page does wrong fails the test."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

from playwright.async_api import Page, async_playwright, expect

from tests.api.served import Served
from tests.support.requirement import skip_or_fail

__all__ = ["EVERY_ROLE", "Shown", "expect", "shown"]

EVERY_ROLE = ("analyst", "approver", "auditor", "admin")


@dataclass
class Shown:
    """An open page. wrong: errors and refused requests; elsewhere: requests to other hosts."""

    page: Page
    url: str
    wrong: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    async def log_in(self, token: str) -> None:
        await self.page.goto(self.url)
        await self.page.get_by_label("Token").fill(token)
        await self.page.get_by_role("button", name="Log in").click()
        await expect(self.page.get_by_role("navigation")).to_be_visible()

    async def go(self, view: str) -> None:
        await self.page.goto(f"{self.url}/#/{view}")


def chromium() -> str:
    """The browser of the system; skips without one."""
    names = map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))
    found = next((path for path in names if path is not None), None)
    if found is not None:
        return found
    return skip_or_fail("chromium", "Chromium is not installed; on Debian: apt-get install chromium")


@asynccontextmanager
async def shown(
    service: Served | str,
    *,
    scheme: Literal["light", "dark"] = "light",
    width: int = 1280,
    tolerate: tuple[str, ...] = (),
    elsewhere: str | None = None,
) -> AsyncIterator[Shown]:
    """A page that is not logged in. tolerate: texts of errors that the test causes; elsewhere: where it may go besides, whose own pages
    are not ours to answer for.
    """
    allowed = (elsewhere,) if elsewhere is not None else ()
    url = service if isinstance(service, str) else service.url
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        try:
            context = await browser.new_context(
                color_scheme=scheme, viewport={"width": width, "height": 800}, timezone_id="UTC"
            )
            page = await context.new_page()
            found = Shown(page, url)
            page.on("pageerror", lambda error: found.wrong.append(str(error)))
            page.on(
                "console",
                lambda message: (
                    found.wrong.append(message.text) if message.type in {"error", "warning"} else None
                ),
            )
            page.on(
                "request",
                lambda request: (
                    None
                    if request.url.startswith((url, *allowed))
                    or (allowed and request.frame.url.startswith(allowed))
                    else found.elsewhere.append(request.url)
                ),
            )
            yield found
            assert found.elsewhere == [], found.elsewhere
            wrong = [each for each in found.wrong if not any(text in each for text in tolerate)]
            assert not wrong, wrong
        finally:
            await browser.close()
