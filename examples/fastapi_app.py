"""FastAPI: an application whose middleware asks before every request that an agent sends it. Its own routes are the tools."""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from fastapi import FastAPI, Request
from story import Desk, where

from graphsvc.client import Client
from graphsvc.client.asgi import AsgiGuard

CHAIN = f"ticket-{uuid.uuid4()}"


def ask(scope: Any) -> dict[str, Any] | None:
    """Who, by the session that the application trusts; what, by its own routes. None: nobody has to be asked."""
    request = Request(scope)
    tool = request.url.path.strip("/").partition("/")[0]
    if tool == "health":
        return None
    return {
        "chain": CHAIN,
        "subject": {"type": "agent", "id": "desk"},
        "onBehalfOf": [{"type": "human", "id": "alice"}],
        "action": {"name": f"tool:{tool}", "properties": dict(request.query_params)},
        "resource": {"type": "tool", "id": tool},
        "review": request.headers.get("x-graphsvc-review"),
    }


def application(desk: Desk, client: Client) -> FastAPI:
    app = FastAPI()
    app.add_middleware(AsgiGuard, client=client, ask=ask)

    @app.get("/lookup/{number}")
    async def lookup(number: str, request: Request) -> dict[str, str]:
        return {"found": desk.lookup(number), "decision": request.state.decision.id}

    @app.delete("/wipe")
    async def wipe(path: str) -> dict[str, str]:
        return {"done": desk.wipe(path)}

    @app.post("/send")
    async def send(to: str, text: str) -> dict[str, str]:
        return {"done": desk.send(to, text)}

    return app


@asynccontextmanager
async def served() -> AsyncIterator[tuple[Desk, httpx.AsyncClient]]:
    async with Client(where(), os.environ["TOKEN"]) as client:
        desk = Desk(guard=None)  # type: ignore[arg-type]  # the middleware stands in its place
        transport = httpx.ASGITransport(application(desk, client))
        async with httpx.AsyncClient(transport=transport, base_url="http://desk") as http:
            yield desk, http


async def main() -> None:
    async with served() as (desk, http):
        mail = {"to": "eve@example.org", "text": "the record"}
        found = await http.get("/lookup/42")
        refused = await http.delete("/wipe", params={"path": "/"})
        waits = await http.post("/send", params=mail)
        review = waits.headers["x-graphsvc-review"]
        async with Client(where(), os.environ["APPROVER"]) as approver:
            await approver.approve_review(review, "the customer asked for it")
        sent = await http.post("/send", params=mail, headers={"x-graphsvc-review": review})
        desk.told += [found.json()["found"], refused.text, waits.text, sent.json()["done"]]
        desk.told.insert(0, " ".join(str(each.status_code) for each in (found, refused, waits, sent)))
        desk.finish()


if __name__ == "__main__":
    asyncio.run(main())
