"""Notices of reviews at a real receiver: with a link, again when it fails, and given up after a bounded number of times."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from graphsvc.api.server import running
from graphsvc.events import webhook as module
from graphsvc.events.webhook import Webhook, keep_notifying
from tests.api.served import Served, request, served
from tests.api.test_review import PACK

pytestmark = pytest.mark.anyio


class Receiver:
    """Keeps what was posted; answers with the statuses it is told to, then 204."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.got: list[tuple[dict[str, Any], dict[str, str]]] = []
        self.came = asyncio.Event()

    async def take(self, asked: Request) -> Response:
        self.got.append((await asked.json(), dict(asked.headers)))
        self.came.set()
        return Response(status_code=self.statuses.pop(0) if self.statuses else 204)

    async def until(self, count: int) -> None:
        async with asyncio.timeout(20):
            while len(self.got) < count:
                self.came.clear()
                await self.came.wait()


@asynccontextmanager
async def notified(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, *, attempts: int = 3, token_file: Path | None = None
) -> AsyncIterator[Served]:
    monkeypatch.setattr(module, "_FIRST_WAIT_S", 0.01)
    app = Starlette(routes=[Route("/hook", receiver.take, methods=["POST"])])
    async with running(app) as url, served() as service:
        hook = Webhook(f"{url}/hook", token_file, "https://pdp.example", attempts)
        inner = service.harness.service
        task = asyncio.create_task(
            keep_notifying(hook, lambda: inner.events(after=None), inner.review, inner.decided)
        )
        await asyncio.sleep(0)
        async with service.client("admin", subject="root") as admin:
            await admin.publish_policy(PACK)
        try:
            yield service
        finally:
            task.cancel()


async def escalate(service: Served, chain: str = "c1") -> str:
    async with service.client() as pep:
        await pep.decide(request(chain=chain))
        escalated = await pep.decide(
            request("crm:Read", "record:1", chain=chain, context={"secret": "s3cr3t"})
        )
    assert escalated.review is not None
    return escalated.review.id


async def test_openings_and_answers_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Who, what and why by id and code, with a link and the token; no values of the request."""
    (tmp_path / "token").write_text("hook-token\n")
    receiver = Receiver()
    async with notified(receiver, monkeypatch, token_file=tmp_path / "token") as service:
        review = await escalate(service)
        await receiver.until(1)
        async with service.client("approver", subject="dana") as dana:
            await dana.approve_review(review, "fine")
        await receiver.until(2)
    (opened, headers), (answered, _) = receiver.got
    assert (opened["event"], opened["review"], opened["status"]) == ("review.opened", review, "OPEN")
    assert opened["link"] == f"https://pdp.example/#/reviews/{review.removeprefix('review:')}"
    assert opened["reasons"] == [{"code": "pattern_completed", "rule": "second-read"}]
    assert (headers["authorization"], headers["idempotency-key"].isdecimal()) == ("Bearer hook-token", True)
    assert "s3cr3t" not in str(receiver.got)
    assert (answered["event"], answered["status"]) == ("review.approved", "APPROVED")


async def test_a_failing_receiver_is_tried_again_then_given_up(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The same notice under the same key, no more often than told; the next one is sent all the same."""
    receiver = Receiver(500, 503, 500)
    async with notified(receiver, monkeypatch) as service:
        first = await escalate(service)
        await receiver.until(3)
        second = await escalate(service, "c2")
        await receiver.until(4)
    assert [notice["review"] for notice, _ in receiver.got] == [first, first, first, second]
    assert len({headers["idempotency-key"] for _, headers in receiver.got[:3]}) == 1
    lost = [record for record in caplog.records if record.message == "review_notice_lost"]
    assert [record.__dict__["why"] for record in lost] == ["status 500"]


async def test_a_refused_notice_is_not_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the receiver says it will never take is given up at once."""
    receiver = Receiver(400)
    async with notified(receiver, monkeypatch) as service:
        await escalate(service)
        await receiver.until(1)
        second = await escalate(service, "c2")
        await receiver.until(2)
    assert receiver.got[1][0]["review"] == second


async def test_requests_for_rights_are_told_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Made and answered, with who needs what and for how long; the purpose is free text and stays here."""
    receiver = Receiver()
    async with notified(receiver, monkeypatch) as service, service.client() as pep:
        asked = await pep.request_grant(
            "bot", actions=["odd:*"], resources=["record:*"], lasts="30m", purpose="secret words"
        )
        await pep.withdraw_grant_request(asked.id, "not needed")
        await receiver.until(2)
        (opened, _), (answered, _) = receiver.got
        assert (opened["event"], answered["event"]) == ("grantRequest.opened", "grantRequest.withdrawn")
        assert opened["grantRequest"] == answered["grantRequest"] == asked.id
        assert (opened["identity"], opened["actions"], opened["lastsSeconds"]) == ("bot", ["odd:*"], 1800)
        assert "secret words" not in str(receiver.got)
