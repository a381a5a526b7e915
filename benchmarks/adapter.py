"""What each adapter adds to the bare client, in CPU time: the client is answered at once, so all that is left is the adapter's.

python -m benchmarks.adapter       in an environment with the framework; those that are not installed are left out
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from types import SimpleNamespace
from typing import Any

from graphsvc.client import AsyncTask
from graphsvc.client.pep.tool import ToolGuard
from graphsvc.client.result import Acknowledged, Decision
from graphsvc.core.value import Json
from graphsvc.core.verdict import Verdict

__all__ = ["measure"]

_ARGUMENTS = {"to": "ann@acme.example", "subject": "figures", "body": "the plan", "count": 3}
_PERMIT = Decision(verdict=Verdict.PERMIT, reasons=[], id="decision:d1")


class _Answered:
    """A client whose service answers before it is asked."""

    async def decide(self, request: Any) -> Decision:
        return _PERMIT

    async def report(self, decision: str, outcome: str, **more: Any) -> Acknowledged:
        return Acknowledged(revision="s.1", at="")

    async def close_chain(self, chain: str) -> Acknowledged:
        return Acknowledged(revision="s.1", at="")


Call = Callable[[int], Awaitable[object]]


def measure(count: int = 3_000) -> list[dict[str, Json]]:
    """Rows of `cpu_us` over the bare client, for each adapter whose framework is installed."""
    return asyncio.run(_measured(count))


async def _measured(count: int) -> list[dict[str, Json]]:
    client = _Answered()
    task = AsyncTask(client, "bench", subject="desk", on_behalf_of=["ann"])  # type: ignore[arg-type]  # a stand-in
    guard = ToolGuard(task, prefix="gmail")

    async def bare(_: int) -> None:
        await client.decide({"chain": "bench", "action": {"name": "gmail:send_email"}})
        await client.report("d1", "SUCCESS")

    base = await _cost(bare, count)
    rows: list[dict[str, Json]] = []
    for name, make in _ADAPTERS.items():
        try:
            call = make(guard, task)
        except ImportError:
            continue
        rows.append({"adapter": name, "cpu_us": round(await _cost(call, count) - base, 1)})
    return rows


async def _cost(call: Call, count: int) -> float:
    for number in range(100):
        await call(-1 - number)
    started = time.process_time_ns()
    for number in range(count):
        await call(number)
    return (time.process_time_ns() - started) / count / 1000


async def _nothing(*_: object, **__: object) -> str:
    return "sent"


def _decorator(_: ToolGuard, task: AsyncTask) -> Call:
    @task.guard("gmail:send_email", "tool:send_email")
    async def send(to: str, subject: str, body: str, count: int) -> str:
        del to, subject, body, count
        return "sent"

    return lambda _: send(**_ARGUMENTS)  # type: ignore[arg-type]  # they fit


def _guard(guard: ToolGuard, _: AsyncTask) -> Call:
    return lambda number: guard.run("send_email", _ARGUMENTS, _nothing, key=f"k{number}")


def _langchain(guard: ToolGuard, _: AsyncTask) -> Call:
    from langchain_core.messages import ToolMessage

    from graphsvc.client.pep.langchain import GraphsvcMiddleware

    middleware = GraphsvcMiddleware(guard)
    done = ToolMessage("sent", tool_call_id="c")

    async def handler(_request: Any) -> ToolMessage:
        return done

    def call(number: int) -> Awaitable[object]:
        asked = SimpleNamespace(tool_call={"name": "send_email", "args": _ARGUMENTS, "id": f"c{number}"})
        return middleware.awrap_tool_call(asked, handler)

    return call


def _openai(guard: ToolGuard, _: AsyncTask) -> Call:
    from graphsvc.client.pep.openai_agents import guardrails

    before, after = guardrails(guard)
    text = json.dumps(_ARGUMENTS)

    async def call(number: int) -> None:
        context = SimpleNamespace(tool_name="send_email", tool_arguments=text, tool_call_id=f"c{number}")
        await before.guardrail_function(SimpleNamespace(context=context))
        await after.guardrail_function(SimpleNamespace(context=context, output="sent"))

    return call


def _claude(guard: ToolGuard, _: AsyncTask) -> Call:
    from graphsvc.client.pep.claude_agent import hooks

    made = hooks(guard)
    (before,), (after,) = made["PreToolUse"][0].hooks, made["PostToolUse"][0].hooks

    async def call(number: int) -> None:
        name = f"c{number}"
        told = {"tool_name": "send_email", "tool_use_id": name}
        await before({**told, "hook_event_name": "PreToolUse", "tool_input": _ARGUMENTS}, name, None)
        await after({**told, "hook_event_name": "PostToolUse", "tool_response": "sent"}, name, None)

    return call


def _adk(guard: ToolGuard, _: AsyncTask) -> Call:
    from graphsvc.client.pep.adk import GraphsvcPlugin

    plugin, tool = GraphsvcPlugin(guard), SimpleNamespace(name="send_email")

    async def call(number: int) -> None:
        given: Any = {
            "tool": tool, "tool_args": _ARGUMENTS, "tool_context": SimpleNamespace(function_call_id=f"c{number}"),
        }  # fmt: skip
        await plugin.before_tool_callback(**given)
        await plugin.after_tool_callback(**given, result={"done": "sent"})

    return call


def _fastmcp(guard: ToolGuard, _: AsyncTask) -> Call:
    from fastmcp.tools.base import ToolResult

    from graphsvc.client.pep.fastmcp import GraphsvcMiddleware

    middleware = GraphsvcMiddleware(guard)
    done = ToolResult(content="sent")

    async def handler(_context: Any) -> ToolResult:
        return done

    context: Any = SimpleNamespace(message=SimpleNamespace(name="send_email", arguments=_ARGUMENTS))
    return lambda _: middleware.on_call_tool(context, handler)


def _mcp(guard: ToolGuard, _: AsyncTask) -> Call:
    from mcp.types import CallToolRequestParams, CallToolResult, TextContent

    from graphsvc.client.pep.mcp import GraphsvcExtension

    extension = GraphsvcExtension(guard)
    done = CallToolResult(content=[TextContent(type="text", text="sent")])
    params = CallToolRequestParams(name="send_email", arguments=_ARGUMENTS)

    async def handler(_context: Any) -> CallToolResult:
        return done

    context: Any = None
    return lambda _: extension.intercept_tool_call(params, context, handler)


def _asgi(_: ToolGuard, __: AsyncTask) -> Call:
    from graphsvc.client.asgi import AsgiGuard

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    client: Any = _Answered()
    asked = {"chain": "bench", "action": {"name": "gmail:send_email"}}
    middleware = AsgiGuard(app, client=client, ask=lambda _: asked)

    async def call(_: int) -> None:
        await middleware({"type": "http"}, _nothing, _nothing)  # type: ignore[arg-type]  # nobody listens

    return call


_ADAPTERS: dict[str, Callable[[ToolGuard, AsyncTask], Call]] = {
    "decorator": _decorator,
    "tool guard": _guard,
    "ASGI middleware": _asgi,
    "MCP SDK": _mcp,
    "FastMCP": _fastmcp,
    "LangChain, LangGraph": _langchain,
    "OpenAI Agents SDK": _openai,
    "Claude Agent SDK": _claude,
    "Google ADK": _adk,
}


def _lines() -> Iterator[str]:
    for row in measure():
        yield json.dumps(row)


if __name__ == "__main__":
    print("\n".join(_lines()))
