"""A page whose WebSocket is refused, as by a proxy that lets none through."""

from __future__ import annotations

import pytest
from playwright.async_api import WebSocketRoute

from tests.api.served import request, served
from tests.dashboard.browser import EVERY_ROLE, expect, shown

pytestmark = [pytest.mark.anyio, pytest.mark.browser, pytest.mark.slow]


async def test_decisions_appear_without_a_socket() -> None:
    """Every socket is closed at once: the page goes on by an event stream and shows what is decided after that."""
    async with (
        served() as service,
        service.client() as pep,
        shown(service, tolerate=("WebSocket",)) as browser,
    ):
        page = browser.page
        refused: list[str] = []

        async def refuse(socket: WebSocketRoute) -> None:
            refused.append(socket.url)
            await socket.close(code=1013, reason="no sockets here")

        await page.route_web_socket("**/graphql", refuse)
        async with page.expect_response(
            lambda answer: answer.headers.get("content-type", "").startswith("text/event-stream")
        ):
            await browser.log_in(service.token(*EVERY_ROLE, subject="dana"))
        await expect(page.locator(".freshness.live")).to_be_visible()
        await pep.decide(request())
        rows = page.locator("table.decisions tbody tr")
        await expect(rows).to_have_count(1)
        await pep.decide(request("crm:Read", "record:42"))
        await expect(rows).to_have_count(2)
        assert refused
