"""Google ADK: a plugin that asks before every tool of a runner's agents and reports after it.

    runner = Runner(agent=agent, plugins=[GraphsvcPlugin(ToolGuard(task))], ...)

Needs `google-adk >= 1.7`.
"""

from __future__ import annotations

from typing import Any

from google.adk.plugins.base_plugin import BasePlugin
from google.adk.tools.base_tool import BaseTool
from google.adk.tools.tool_context import ToolContext

from graphsvc.client.pep.tool import Refusal, ToolGuard
from graphsvc.client.result import Decision

__all__ = ["GraphsvcPlugin"]


class GraphsvcPlugin(BasePlugin):
    """A refused call answers `{"error": ...}` in constant words, and the tool does not run."""

    def __init__(self, guard: ToolGuard, name: str = "graphsvc") -> None:
        super().__init__(name=name)
        self._guard = guard
        self._running: dict[str, Decision] = {}

    async def before_tool_callback(
        self, *, tool: BaseTool, tool_args: dict[str, Any], tool_context: ToolContext
    ) -> dict[str, Any] | None:
        """Ask; a returned answer takes the place of the tool's."""
        key = tool_context.function_call_id
        outcome = await self._guard.ask(tool.name, tool_args, key=key)
        if isinstance(outcome, Refusal):
            return {"error": outcome.text}
        if key is not None:
            self._running[key] = outcome
        return None

    async def after_tool_callback(
        self, *, tool: BaseTool, tool_args: dict[str, Any], tool_context: ToolContext, result: dict[str, Any]
    ) -> dict[str, Any] | None:
        """The tool ran."""
        del tool_args
        decision = self._running.pop(tool_context.function_call_id or "", None)
        if decision is not None:
            await self._guard.done(decision, tool.name, result)
        return None

    async def on_tool_error_callback(
        self, *, tool: BaseTool, tool_args: dict[str, Any], tool_context: ToolContext, error: Exception
    ) -> dict[str, Any] | None:
        """The tool raised; what becomes of the error is not ours to say."""
        del tool, tool_args
        decision = self._running.pop(tool_context.function_call_id or "", None)
        if decision is not None:
            await self._guard.failed(decision, error)
        return None
