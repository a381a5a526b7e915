"""An MCP proxy: whatever an MCP client calls through it is asked first, and the server behind knows nothing of it.

    client  <-- stdio or HTTP -->  proxy  <-- stdio or HTTP -->  server
                                     |
                                     +-- decide, report --> graphsvc

Tools, resources, templates, prompts and completions of the server are passed on as they are, cursors included. Tool calls
and reads of resources are asked; prompts are chosen by people, and pass. The proxy offers only what the server offers.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from mcp import Client as McpClient
from mcp import MCPError, StdioServerParameters, types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server

from graphsvc.client.pep.mcp import is_failure, refused
from graphsvc.client.pep.outcome import plain_result
from graphsvc.client.pep.tool import Refusal, ToolGuard

__all__ = ["READ_RESOURCE", "all_tools", "proxy"]

# What reading a resource of the server is called, as if it were a tool with one argument, `uri`.
READ_RESOURCE = "resources.read"
_REFUSED_CODE = -32001
Context = ServerRequestContext[Any, Any]


@asynccontextmanager
async def proxy(upstream: StdioServerParameters | str, guard: ToolGuard) -> AsyncIterator[Server[Any]]:
    """A server that stands in for another one: a command to start, or a URL to call. It lives as long as the context."""
    async with McpClient(upstream) as client:
        yield _stand_in(client, guard)


async def all_tools(upstream: StdioServerParameters | str) -> list[dict[str, Any]]:
    """The server's list of tools, all pages, as it stands on the wire."""
    async with McpClient(upstream) as client:
        tools: list[dict[str, Any]] = []
        cursor = None
        while True:
            page = await client.list_tools(cursor=cursor)
            tools += [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in page.tools]
            cursor = page.next_cursor
            if cursor is None:
                return tools


def _stand_in(client: McpClient, guard: ToolGuard) -> Server[Any]:
    offered = client.server_capabilities
    handlers: dict[str, Any] = {}
    if offered.tools is not None:
        handlers |= _tools(client, guard)
    if offered.resources is not None:
        handlers |= _resources(client, guard)
    if offered.prompts is not None:
        handlers |= _prompts(client)
    if offered.completions is not None:
        handlers["on_completion"] = _completion(client)
    info = client.server_info
    return Server(
        info.name if info is not None else "graphsvc-proxy",
        version=info.version if info is not None else "",
        instructions=client.instructions,
        **handlers,
    )


def _tools(client: McpClient, guard: ToolGuard) -> dict[str, Any]:
    async def list_tools(ctx: Context, params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        del ctx
        return await client.list_tools(cursor=_cursor(params))

    async def call_tool(ctx: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        del ctx
        asked = await guard.ask(params.name, params.arguments or {})
        if isinstance(asked, Refusal):
            return refused(asked)
        try:
            result = await client.call_tool(params.name, params.arguments)
        except BaseException as error:
            await guard.failed(asked, error)
            raise
        if is_failure(result):
            await guard.failed(asked, plain_result(result))
        else:
            await guard.done(asked, params.name, result)
        return result

    return {"on_list_tools": list_tools, "on_call_tool": call_tool}


def _resources(client: McpClient, guard: ToolGuard) -> dict[str, Any]:
    async def list_resources(
        ctx: Context, params: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        del ctx
        return await client.list_resources(cursor=_cursor(params))

    async def list_templates(
        ctx: Context, params: types.PaginatedRequestParams | None
    ) -> types.ListResourceTemplatesResult:
        del ctx
        return await client.list_resource_templates(cursor=_cursor(params))

    async def read_resource(
        ctx: Context, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        del ctx
        uri = str(params.uri)
        outcome = await guard.run(READ_RESOURCE, {"uri": uri}, lambda: client.read_resource(uri))
        if isinstance(outcome, Refusal):
            raise MCPError(_REFUSED_CODE, outcome.text)
        return outcome

    return {
        "on_list_resources": list_resources,
        "on_list_resource_templates": list_templates,
        "on_read_resource": read_resource,
    }


def _prompts(client: McpClient) -> dict[str, Any]:
    async def list_prompts(
        ctx: Context, params: types.PaginatedRequestParams | None
    ) -> types.ListPromptsResult:
        del ctx
        return await client.list_prompts(cursor=_cursor(params))

    async def get_prompt(ctx: Context, params: types.GetPromptRequestParams) -> types.GetPromptResult:
        del ctx
        return await client.get_prompt(params.name, params.arguments)

    return {"on_list_prompts": list_prompts, "on_get_prompt": get_prompt}


def _completion(client: McpClient) -> Any:
    async def complete(ctx: Context, params: types.CompleteRequestParams) -> types.CompleteResult:
        del ctx
        argument = {"name": params.argument.name, "value": params.argument.value}
        known = params.context.arguments if params.context is not None else None
        return await client.complete(params.ref, argument, context_arguments=known)

    return complete


def _cursor(params: types.PaginatedRequestParams | None) -> str | None:
    return params.cursor if params is not None else None
