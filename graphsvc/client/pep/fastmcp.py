"""FastMCP: middleware of a server or proxy that asks before every tool call.

    server.add_middleware(GraphsvcMiddleware(ToolGuard(task)))

Needs `fastmcp >= 2.9`.
"""

from __future__ import annotations

from typing import Any

from fastmcp.exceptions import ToolError
from fastmcp.server.middleware import CallNext, Middleware, MiddlewareContext
from fastmcp.tools.base import ToolResult

from graphsvc.client.pep.tool import Refusal, ToolGuard

__all__ = ["GraphsvcMiddleware"]


class GraphsvcMiddleware(Middleware):
    """A refused call is a tool error in constant words."""

    def __init__(self, guard: ToolGuard) -> None:
        self._guard = guard

    async def on_call_tool(
        self, context: MiddlewareContext[Any], call_next: CallNext[Any, ToolResult]
    ) -> ToolResult:
        """One tool call."""
        called = context.message
        outcome = await self._guard.run(called.name, called.arguments or {}, lambda: call_next(context))
        if isinstance(outcome, Refusal):
            raise ToolError(outcome.text)
        return outcome
