"""The service as an MCP server, asked by the official client over streamable HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

from tests.api.served import SEND, Served, request, served

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def _session(service: Served, *roles: str) -> AsyncIterator[ClientSession]:
    headers = {"Authorization": f"Bearer {service.token(*roles)}"}
    async with (
        httpx2.AsyncClient(headers=headers) as http,
        streamable_http_client(f"{service.url}/mcp", http_client=http) as streams,
        ClientSession(streams[0], streams[1]) as session,
    ):
        await session.initialize()
        yield session


async def _call(session: ClientSession, tool: str, **given: Any) -> tuple[bool, Any]:
    result = await session.call_tool(tool, given)
    text = "".join(getattr(each, "text", "") for each in result.content)
    return not result.is_error, (json.loads(text) if not result.is_error else text)


async def test_three_tools_decide_report_and_explain() -> None:
    """A path is completed over MCP as it is over GraphQL, and told why."""
    async with served() as service, asyncio.timeout(30), _session(service, "pep") as session:
        tools = {tool.name: tool for tool in (await session.list_tools()).tools}
        assert set(tools) == {"decide", "report", "explain"}
        assert tools["explain"].annotations is not None
        assert tools["explain"].annotations.read_only_hint is True
        done = []
        for place, asked in enumerate((request(), request("crm:Read", "record:42"), request(SEND))):
            ok, answer = await _call(session, "decide", request={**asked, "idempotencyKey": f"k{place}"})
            assert ok, answer
            done.append(answer)
        assert [each["verdict"] for each in done] == ["PERMIT", "PERMIT", "DENY"]
        assert done[2]["completions"][0]["pattern"]["id"] == "trifecta"
        ok, ack = await _call(session, "report", decision=done[0]["id"], outcome="SUCCESS", labels=["x"])
        assert ok
        assert ack["revision"]
        ok, told = await _call(session, "explain", decision=done[2]["id"])
        assert ok
        assert told["completions"] == done[2]["completions"]


async def test_what_is_refused_is_a_tool_error() -> None:
    """A role that may not, an input that is none, a decision that is not there."""
    async with served() as service, asyncio.timeout(30):
        async with _session(service, "auditor") as session:
            ok, told = await _call(session, "decide", request={**request(), "idempotencyKey": "k"})
            assert not ok
            assert "not_allowed" in told
        async with _session(service, "pep") as session:
            ok, told = await _call(session, "decide", request={"chain": "c1"})
            assert not ok
            assert "idempotencyKey" in told
            ok, told = await _call(session, "explain", decision="decision:nothing")
            assert (ok, "no `decision:nothing`" in told) == (False, True)


async def test_nobody_asks_without_a_token() -> None:
    """401 before anything is read."""
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    async with served() as service, service.http.post(f"{service.url}/mcp", json=ping) as answer:
        assert answer.status == 401
