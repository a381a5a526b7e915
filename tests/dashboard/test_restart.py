"""A service that goes away and comes back, seen from the page."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from pathlib import Path

import pytest

from tests.cli.command import graphsvc, request, start
from tests.cli.test_serve_command import free_port, token
from tests.dashboard.browser import expect, shown

pytestmark = [pytest.mark.anyio, pytest.mark.browser]


async def _up(port: int) -> None:
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.05)


async def test_the_page_says_that_it_is_stale_and_misses_nothing(filled: Path) -> None:
    """Stopped and started again on the same port: what was decided in between appears by itself."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    roles = token("pep", "analyst", "approver", "auditor", "admin")

    def decide(place: int) -> None:
        (filled / "request.json").write_text(
            json.dumps({**request("mail:Read", "mailbox:inbox"), "chain": f"c{place}"})
        )
        assert graphsvc("decide", "request.json").code == 0

    process = start("serve", "--port", str(port))
    try:
        await _up(port)
        async with shown(url, tolerate=("WebSocket", "ERR_CONNECTION_REFUSED", "fetch")) as browser:
            await browser.log_in(roles)
            await expect(browser.page.locator(".freshness.live")).to_be_visible()
            process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(process.communicate)
            await expect(browser.page.locator(".freshness.waiting")).to_contain_text("may be old")
            # Nobody else may use the store while a service owns it; now it may.
            await asyncio.to_thread(decide, 1)
            process = start("serve", "--port", str(port))
            await _up(port)
            await expect(browser.page.locator(".freshness.live")).to_be_visible(timeout=20_000)
            rows = browser.page.locator("table.decisions tbody tr")
            await expect(rows).to_have_count(1, timeout=20_000)
    finally:
        if process.poll() is None:
            process.kill()
        await asyncio.to_thread(process.communicate)
