"""LangChain and LangGraph: middleware that asks before every tool call of an agent.

    agent = create_agent(model, tools, middleware=[GraphsvcMiddleware(ToolGuard(task))])

With a `ToolGuard` the agent is run by `ainvoke` or `astream`, with a `SyncToolGuard` by `invoke` or `stream`.
Needs `langchain >= 1.0`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from langchain.agents.middleware import AgentMiddleware
from langchain.tools.tool_node import ToolCallRequest
from langchain_core.messages import ToolMessage
from langgraph.types import Command, interrupt

from graphsvc.client.pep.tool import Refusal, SyncToolGuard, ToolGuard
from graphsvc.errors import BadInput

__all__ = ["GraphsvcMiddleware"]

Result: TypeAlias = ToolMessage | Command[Any]


class GraphsvcMiddleware(AgentMiddleware[Any, Any]):
    """What is not permitted comes back to the model as a failed tool message in constant words.

    interrupts: an escalated call stops the graph with `{"review", "tool", "arguments"}` for a person (needs a
    checkpointer); resumed with anything, the same call is asked again and goes through if the review was approved.
    """

    def __init__(self, guard: ToolGuard | SyncToolGuard, *, interrupts: bool = False) -> None:
        super().__init__()
        self._guard = guard
        self._interrupts = interrupts

    def wrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Result]
    ) -> Result:
        """A tool call without an event loop."""
        if not isinstance(self._guard, SyncToolGuard):
            raise BadInput(
                "guard: a ToolGuard needs `ainvoke`; give a SyncToolGuard to use `invoke`", field="guard"
            )
        name, arguments, key = _called(request)
        outcome = self._guard.run(name, arguments, lambda: handler(request), key=key)
        if self._must_stop(outcome):
            self._stop(name, arguments, outcome)
            outcome = self._guard.run(name, arguments, lambda: handler(request), key=key)
        return _told(outcome, request)

    async def awrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Awaitable[Result]]
    ) -> Result:
        """A tool call in an event loop."""
        if not isinstance(self._guard, ToolGuard):
            raise BadInput(
                "guard: a SyncToolGuard needs `invoke`; give a ToolGuard to use `ainvoke`", field="guard"
            )
        name, arguments, key = _called(request)
        outcome = await self._guard.run(name, arguments, lambda: handler(request), key=key)
        if self._must_stop(outcome):
            self._stop(name, arguments, outcome)
            outcome = await self._guard.run(name, arguments, lambda: handler(request), key=key)
        return _told(outcome, request)

    def _must_stop(self, outcome: Result | Refusal) -> bool:
        return self._interrupts and isinstance(outcome, Refusal) and outcome.review is not None

    @staticmethod
    def _stop(name: str, arguments: Mapping[str, Any], outcome: Result | Refusal) -> None:
        # The first pass raises; after the graph was resumed it returns, and the call is asked again.
        review = outcome.review if isinstance(outcome, Refusal) else None
        interrupt({"review": review, "tool": name, "arguments": dict(arguments)})


def _called(request: ToolCallRequest) -> tuple[str, Mapping[str, Any], str | None]:
    call = request.tool_call
    return call["name"], call["args"], call["id"]


def _told(outcome: Result | Refusal, request: ToolCallRequest) -> Result:
    if not isinstance(outcome, Refusal):
        return outcome
    call = request.tool_call
    return ToolMessage(outcome.text, tool_call_id=call["id"] or "", name=call["name"], status="error")
