"""FastMCP: middleware of the server asks before every tool call, whoever the client is."""

import asyncio

from fastmcp import Client, FastMCP
from story import AGAIN, FIRST, desk

from graphsvc.client.pep.fastmcp import GraphsvcMiddleware


async def main() -> None:
    async with desk() as held:
        server: FastMCP = FastMCP("desk")
        for each in (held.lookup, held.wipe, held.send):
            server.tool(each)
        server.add_middleware(GraphsvcMiddleware(held.guard))
        async with Client(server) as client:

            async def play(calls: list[tuple[str, dict[str, str]]]) -> None:
                for name, given in calls:
                    result = await client.call_tool(name, given, raise_on_error=False)
                    held.told.append("".join(getattr(each, "text", "") for each in result.content))

            await play(FIRST)
            await held.approve()
            await play(AGAIN)
        held.finish()


asyncio.run(main())
