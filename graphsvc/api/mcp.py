"""The service as an MCP server at `/mcp`: decide, report and explain as tools, for enforcement points that speak MCP.

Every tool is a GraphQL document carried out for the caller, so roles, limits and answers are those of `/graphql`. The
transport is streamable HTTP without sessions: any replica answers any call.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Literal, cast

import strawberry
from mcp.server.mcpserver import Context as McpContext
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from mcp.types import ToolAnnotations
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from graphsvc import __version__
from graphsvc.api.auth import Unauthenticated, authorization_of
from graphsvc.api.context import Context, Parts
from graphsvc.api.graphql import unauthenticated

__all__ = ["McpFace"]

_FAILED = "... on Failure { code field message }"
_JUDGED = """verdict reasons { code message retryable } completions { pattern { id title severity } explanation }
  risk { before after } review { id status } revision"""
_DECIDE = f"mutation($v: DecideInput!) {{ r: decide(input: $v) {{ __typename ... on Decision {{ id {_JUDGED} }} {_FAILED} }} }}"
_REPORT = f"mutation($v: ReportInput!) {{ r: report(input: $v) {{ __typename ... on Ack {{ revision }} {_FAILED} }} }}"
_EXPLAIN = f"""query($v: ID!) {{ r: decision(id: $v) {{ id {_JUDGED} chain action subject {{ type id }} resource {{ type id }}
  decidedAt }} }}"""
_INSTRUCTIONS = """graphsvc decides whether an action may happen now, given everything that has happened before it.
Call decide before every action and obey its verdict: PERMIT, DENY, or ESCALATE (wait for the review). Call report with
what came of a permitted action, its labels above all."""
Outcome = Literal["SUCCESS", "FAILURE", "UNKNOWN"]


class McpFace:
    """An ASGI application; it starts with its first request."""

    def __init__(self, schema: strawberry.Schema, parts: Parts) -> None:
        self._schema = schema
        self._parts = parts
        self._manager: StreamableHTTPSessionManager | None = None
        self._running: asyncio.Task[None] | None = None
        self._started = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        try:
            self._parts.auth.login(authorization_of(Request(scope).headers))
        except Unauthenticated as error:
            self._parts.metrics.refused.labels("unauthenticated").inc()
            await unauthenticated(error)(scope, receive, send)
            return
        manager = await self._ready()
        await manager.handle_request(scope, receive, send)

    async def _ready(self) -> StreamableHTTPSessionManager:
        if self._manager is None:
            server = self._server()
            # Host and body were checked before anything comes here.
            security = TransportSecuritySettings(enable_dns_rebinding_protection=False)
            server.streamable_http_app(json_response=True, stateless_http=True, transport_security=security)
            self._manager = server.session_manager
            self._running = asyncio.create_task(self._run(self._manager))
        await self._started.wait()
        return self._manager

    async def _run(self, manager: StreamableHTTPSessionManager) -> None:
        # In a task of its own, for whoever enters has to leave; it ends with the loop.
        with contextlib.suppress(asyncio.CancelledError):
            async with manager.run():
                self._started.set()
                await asyncio.Event().wait()

    def _server(self) -> MCPServer[Any]:
        server: MCPServer[Any] = MCPServer(
            "graphsvc", version=__version__, instructions=_INSTRUCTIONS, log_level="WARNING"
        )

        async def decide(request: dict[str, Any], ctx: McpContext[Any]) -> dict[str, Any]:
            """May this identity do this now? Recorded. `request` is a DecideInput: idempotencyKey, chain,
            subject {type id}, action {name properties}, resource {type id}, and what else the API takes.
            """
            return await self._asked(ctx, _DECIDE, request)

        async def report(
            decision: str,
            outcome: Outcome,
            ctx: McpContext[Any],
            labels: list[str] | None = None,
            tokens: list[str] | None = None,
        ) -> dict[str, Any]:
            """Tell what came of a permitted action. labels: of the data it returned; tokens: salted hashes of its values."""
            given = {"decision": decision, "outcome": outcome, "labels": labels, "tokens": tokens}
            return await self._asked(ctx, _REPORT, given)

        async def explain(decision: str, ctx: McpContext[Any]) -> dict[str, Any]:
            """Why a decision was what it was: its reasons, and the paths it would have completed."""
            found = await self._asked(ctx, _EXPLAIN, decision)
            if not found:
                raise ToolError(f"decision: there is no `{decision}` that you may see")
            return found

        changes = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)
        reads = ToolAnnotations(read_only_hint=True, open_world_hint=False)
        server.add_tool(decide, annotations=changes)
        server.add_tool(report, annotations=changes)
        server.add_tool(explain, annotations=reads)
        return server

    async def _asked(self, ctx: McpContext[Any], document: str, value: object) -> dict[str, Any]:
        try:
            login = self._parts.auth.login((ctx.headers or {}).get("authorization"))
        except Unauthenticated as error:
            raise ToolError(str(error)) from None
        context = Context(parts=self._parts, login=login)
        result = await self._schema.execute(document, variable_values={"v": value}, context_value=context)
        if result.errors:
            raise ToolError(result.errors[0].message)
        found = cast("dict[str, Any]", (result.data or {}).get("r") or {})
        kind = found.pop("__typename", None)
        if "message" in found and kind not in {None, "Decision", "Ack"}:
            raise ToolError(f"{found['code']}: {found['message']}")
        return found
