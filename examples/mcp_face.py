"""The service's own `/mcp`: an enforcement point that speaks MCP asks with three tools, and needs nothing of graphsvc installed."""

import asyncio
import json
import os
import uuid
from typing import Any

import httpx2
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from story import FIRST, Desk, where

from graphsvc.client import Client

CHAIN = f"ticket-{uuid.uuid4()}"


async def ask(session: ClientSession, tool: str, given: dict[str, str], review: str | None = None) -> Any:
    """What is answered about one call of a tool."""
    request = {
        "idempotencyKey": str(uuid.uuid4()),
        "chain": CHAIN,
        "subject": {"type": "agent", "id": "desk"},
        "onBehalfOf": [{"type": "human", "id": "alice"}],
        "action": {"name": f"tool:{tool}", "properties": given},
        "resource": {"type": "tool", "id": tool},
        "review": review,
    }
    return await call(session, "decide", request=request)


async def call(session: ClientSession, tool: str, **given: Any) -> Any:
    result = await session.call_tool(tool, given)
    text = "".join(getattr(each, "text", "") for each in result.content)
    if result.is_error:
        raise RuntimeError(text)
    return json.loads(text)


async def main() -> None:
    held = Desk(guard=None)  # type: ignore[arg-type]  # asked over MCP instead
    headers = {"Authorization": f"Bearer {os.environ['TOKEN']}"}
    async with (
        httpx2.AsyncClient(headers=headers) as http,
        streamable_http_client(f"{where()}/mcp", http_client=http) as streams,
        ClientSession(streams[0], streams[1]) as session,
    ):
        await session.initialize()
        waits: str | None = None
        for tool, given in [*FIRST, FIRST[-1]]:
            answer = await ask(session, tool, given, waits)
            if answer["verdict"] == "PERMIT":
                held.told.append(getattr(held, tool)(**given))
                await call(session, "report", decision=answer["id"], outcome="SUCCESS", labels=[])
                continue
            held.told.append(answer["verdict"])
            if answer["verdict"] == "ESCALATE":
                waits = answer["review"]["id"]
                async with Client(where(), os.environ["APPROVER"]) as approver:
                    await approver.approve_review(waits, "the customer asked for it")
    held.finish()


asyncio.run(main())
