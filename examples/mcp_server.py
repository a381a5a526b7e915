"""MCP SDK: an extension of the server asks before every tool call, whoever the client is."""

import asyncio

from mcp import Client
from mcp.server.mcpserver import MCPServer
from story import AGAIN, FIRST, desk

from graphsvc.client.pep.mcp import GraphsvcExtension


async def main() -> None:
    async with desk() as held:
        server = MCPServer("desk", extensions=[GraphsvcExtension(held.guard)])
        for each in (held.lookup, held.wipe, held.send):
            server.add_tool(each)
        async with Client(server) as client:

            async def play(calls: list[tuple[str, dict[str, str]]]) -> None:
                for name, given in calls:
                    result = await client.call_tool(name, given)
                    held.told.append("".join(getattr(each, "text", "") for each in result.content))

            await play(FIRST)
            await held.approve()
            await play(AGAIN)
        held.finish()


asyncio.run(main())
