"""MCP proxy: between any client and any server, and neither knows of it. As a command: `graphsvc mcp-proxy ... -- <the server>`."""

import asyncio
import sys
import tempfile
from pathlib import Path

from mcp import Client, StdioServerParameters
from mcp.server.mcpserver import MCPServer
from story import AGAIN, FIRST, Desk, desk

from graphsvc.client.pep.mcp_proxy import proxy


def serve(done: Path) -> None:
    """A server that asks nobody; run as a program of its own, it writes down what its tools did."""
    held = Desk(guard=None)  # type: ignore[arg-type]  # the proxy stands before it
    server = MCPServer("desk")
    for each in (held.lookup, held.wipe, held.send):
        server.add_tool(each)
    try:
        server.run()
    finally:
        done.write_text("\n".join(held.ran), encoding="utf-8")


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        done = Path(folder) / "done"
        server = StdioServerParameters(command=sys.executable, args=[__file__, str(done)])
        async with desk() as held:
            async with proxy(server, held.guard) as stand_in, Client(stand_in) as client:

                async def play(calls: list[tuple[str, dict[str, str]]]) -> None:
                    for name, given in calls:
                        result = await client.call_tool(name, given)
                        held.told.append("".join(getattr(each, "text", "") for each in result.content))

                await play(FIRST)
                await held.approve()
                await play(AGAIN)
            held.ran += done.read_text(encoding="utf-8").splitlines()
            held.finish()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        serve(Path(sys.argv[1]))
    else:
        asyncio.run(main())
