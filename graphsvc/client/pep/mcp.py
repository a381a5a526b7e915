"""MCP SDK: an extension of a server that asks before every tool call.

    server = MCPServer("crm", extensions=[GraphsvcExtension(ToolGuard(task))])

Needs `mcp >= 2.3`.
"""

from __future__ import annotations

from typing import Any

from mcp.server.context import CallNext, ServerRequestContext
from mcp.server.extension import Extension
from mcp.types import CallToolRequestParams, CallToolResult, TextContent

from graphsvc.client.pep.outcome import plain_result
from graphsvc.client.pep.tool import Refusal, ToolGuard

__all__ = ["GraphsvcExtension", "is_failure", "refused"]


class GraphsvcExtension(Extension):
    """A refused call is an error result in constant words, and the tool does not run."""

    identifier = "io.graphsvc/guard"

    def __init__(self, guard: ToolGuard) -> None:
        self._guard = guard

    async def intercept_tool_call(
        self, params: CallToolRequestParams, ctx: ServerRequestContext[Any, Any], call_next: CallNext
    ) -> Any:
        """One tool call."""
        asked = await self._guard.ask(params.name, params.arguments or {})
        if isinstance(asked, Refusal):
            return refused(asked)
        try:
            result = await call_next(ctx)
        except BaseException as error:
            await self._guard.failed(asked, error)
            raise
        if is_failure(result):
            await self._guard.failed(asked, plain_result(result))
        else:
            await self._guard.done(asked, params.name, result)
        return result


def refused(refusal: Refusal) -> CallToolResult:
    """A refusal as the result of a tool call."""
    return CallToolResult(content=[TextContent(type="text", text=refusal.text)], is_error=True)


def is_failure(result: object) -> bool:
    """True for a tool's own word that it failed."""
    return isinstance(result, CallToolResult) and bool(result.is_error)
