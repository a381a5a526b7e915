"""Claude Agent SDK: hooks ask before every tool call of the agent.

The agent's own program runs, with a scripted endpoint on this machine in the place of the model.
"""

import asyncio
import json
from collections.abc import Mapping

from aiohttp import web
from claude_agent_sdk import (
    ClaudeAgentOptions,
    ToolResultBlock,
    UserMessage,
    create_sdk_mcp_server,
    query,
    tool,
)
from story import AGAIN, FIRST, Desk, desk

from graphsvc.client.pep.claude_agent import hooks
from graphsvc.client.pep.tool import ToolCall


class Endpoint:
    """Answers `POST /v1/messages` with the next scripted tool call."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, str]]] = []
        self._count = 0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        self._count += 1
        # Side questions (titles, topics) come without our tools and are answered with a word.
        ours = any("desk__" in each.get("name", "") for each in asked.get("tools", ()))
        if ours and self.calls:
            name, given = self.calls.pop(0)
            block = {
                "type": "tool_use",
                "id": f"toolu_{self._count}",
                "name": f"mcp__desk__{name}",
                "input": {},
            }
            delta = {"type": "input_json_delta", "partial_json": json.dumps(given)}
            stop = "tool_use"
        else:
            block = {"type": "text", "text": ""}
            delta = {"type": "text_delta", "text": "done"}
            stop = "end_turn"
        message = {
            "id": f"msg_{self._count}", "type": "message", "role": "assistant", "model": asked.get("model", ""),
            "content": [], "stop_reason": None, "stop_sequence": None,
            "usage": {"input_tokens": 1, "output_tokens": 1},
        }  # fmt: skip
        if not asked.get("stream"):
            full = (
                {**block, "input": json.loads(delta["partial_json"])}
                if stop == "tool_use"
                else {"type": "text", "text": "done"}
            )
            return web.json_response({**message, "content": [full], "stop_reason": stop})
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for event in (
            {"type": "message_start", "message": message},
            {"type": "content_block_start", "index": 0, "content_block": block},
            {"type": "content_block_delta", "index": 0, "delta": delta},
            {"type": "content_block_stop", "index": 0},
            {
                "type": "message_delta",
                "delta": {"stop_reason": stop, "stop_sequence": None},
                "usage": {"output_tokens": 1},
            },
            {"type": "message_stop"},
        ):
            await response.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
        return response


def as_tool(tool_name: str, arguments: Mapping[str, str]) -> ToolCall:
    """`mcp__desk__send` is the desk's `send`."""
    name = tool_name.rsplit("__", 1)[-1]
    return ToolCall(f"tool:{name}", f"tool:{name}", arguments)


async def play(held: Desk, url: str) -> None:
    @tool("lookup", "Look up a record", {"number": str})
    async def lookup(given: dict[str, str]) -> dict[str, object]:
        return {"content": [{"type": "text", "text": held.lookup(**given)}]}

    @tool("wipe", "Delete everything under a path", {"path": str})
    async def wipe(given: dict[str, str]) -> dict[str, object]:
        return {"content": [{"type": "text", "text": held.wipe(**given)}]}

    @tool("send", "Send text to somebody", {"to": str, "text": str})
    async def send(given: dict[str, str]) -> dict[str, object]:
        return {"content": [{"type": "text", "text": held.send(**given)}]}

    options = ClaudeAgentOptions(
        hooks=hooks(held.guard),
        mcp_servers={"desk": create_sdk_mcp_server("desk", tools=[lookup, wipe, send])},
        allowed_tools=["mcp__desk__lookup", "mcp__desk__wipe", "mcp__desk__send"],
        tools=[],
        setting_sources=[],
        env={
            "ANTHROPIC_BASE_URL": url,
            "ANTHROPIC_API_KEY": "scripted",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1",
            "ENABLE_TOOL_SEARCH": "false",
        },
        max_turns=8,
    )
    async for message in query(prompt="go", options=options):
        if isinstance(message, UserMessage) and isinstance(message.content, list):
            for block in message.content:
                if isinstance(block, ToolResultBlock):
                    held.told.append(_text(block.content))


def _text(content: object) -> str:
    if isinstance(content, list):
        return "".join(str(each.get("text", "")) for each in content)
    return str(content)


async def main() -> None:
    endpoint = Endpoint()
    app = web.Application()
    app.router.add_post("/v1/messages", endpoint.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        async with desk(describe=as_tool) as held:
            endpoint.calls = list(FIRST)
            await play(held, f"http://{host}:{port}")
            await held.approve()
            endpoint.calls = list(AGAIN)
            await play(held, f"http://{host}:{port}")
            held.finish()
    finally:
        await runner.cleanup()


asyncio.run(main())
