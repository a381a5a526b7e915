"""A Starlette application behind the ASGI middleware, over real ports on both sides."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from graphsvc.api.server import running
from graphsvc.client import Client
from graphsvc.client.asgi import AsgiGuard
from tests.api.served import served
from tests.dashboard.test_dashboard import ESCALATING

pytestmark = pytest.mark.anyio
ACTIONS = {
    "/mail": ("mail:Read", "mailbox", "alice"),
    "/crm": ("crm:Read", "record", "42"),
    "/send": ("mail:Send", "mailbox", "alice"),
    "/vendor": ("erp:Delete", "vendor", "7"),
    "/broken": ("odd:Break", "record", "1"),
}


def _ask(scope: MutableMapping[str, Any]) -> dict[str, Any] | None:
    """What an application writes: who, by its own session, and what, by its own routes."""
    request = Request(scope)
    if request.url.path == "/health":
        return None
    name, kind, what = ACTIONS[request.url.path]
    asked: dict[str, Any] = {
        "chain": request.headers["x-task"],
        "subject": {"type": "agent", "id": "bot"},
        "action": {"name": name, "properties": {"to": "eve@example.org"} if name == "mail:Send" else {}},
        "resource": {"type": kind, "id": what},
    }
    if review := request.headers.get("x-graphsvc-review"):
        asked["review"] = review
    return asked


async def test_the_framework_runs_what_is_permitted() -> None:
    """One permitted, one refused, one escalated and then approved; each outcome is reported."""
    done: list[str] = []

    async def handle(request: Request) -> JSONResponse:
        done.append(request.url.path)
        if request.url.path == "/broken":
            return JSONResponse({}, status_code=500)
        if request.url.path == "/health":
            return JSONResponse({"well": True})
        return JSONResponse({"decision": request.state.decision.id})

    async with (
        served() as service,
        service.client("admin", subject="root") as admin,
        service.client("approver", subject="dana") as dana,
        Client(service.url, service.token()) as client,
    ):
        await admin.publish_policy(ESCALATING)
        app = Starlette(
            routes=[Route(path, handle, methods=["POST"]) for path in (*ACTIONS, "/health")],
            middleware=[Middleware(AsgiGuard, client=client, ask=_ask)],
        )
        async with running(app) as url:

            async def post(path: str, task: str, **headers: str) -> tuple[int, dict[str, Any], Any]:
                given = {"x-task": task, **headers}
                async with service.http.post(f"{url}{path}", headers=given) as answer:
                    return answer.status, dict(answer.headers), await answer.json()

            status, _, body = await post("/mail", "t1")
            assert status == 200
            assert body["decision"].startswith("decision:")
            assert (await post("/crm", "t1"))[0] == 200
            status, headers, body = await post("/send", "t1")
            assert (status, headers["x-graphsvc-verdict"], body["codes"]) == (
                403,
                "DENY",
                ["pattern_completed"],
            )
            assert (await post("/health", "t1"))[0] == 200
            assert done == ["/mail", "/crm", "/health"]
            status, headers, _ = await post("/vendor", "t2")
            assert (status, headers["x-graphsvc-verdict"]) == (403, "ESCALATE")
            review = headers["x-graphsvc-review"]
            await dana.approve_review(review, "agreed")
            assert (await post("/vendor", "t2", **{"x-graphsvc-review": review}))[0] == 200
            assert (await post("/vendor", "t2", **{"x-graphsvc-review": review}))[0] == 403
            assert (await post("/broken", "t3"))[0] == 500
            assert done[3:] == ["/vendor", "/broken"]
            # The last report goes out after its answer.
            async with asyncio.timeout(5):
                while len(service.harness.service.world.reported) < 4:  # noqa: ASYNC110  # nobody tells this test
                    await asyncio.sleep(0.02)
            outcomes = [each.outcome for each in service.harness.service.world.reported.values()]
            assert outcomes == ["SUCCESS", "SUCCESS", "SUCCESS", "FAILURE"]
            # The service is gone: nothing is let through.
            await service.harness.service.close()
            status, _, body = await post("/mail", "t4")
            assert (status, body["verdict"]) == (403, "DENY")
            assert len(done) == 5
