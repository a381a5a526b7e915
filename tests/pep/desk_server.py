"""An MCP server with three tools, a resource and a prompt; what its tools did stands in a file. Run as a program."""

from __future__ import annotations

import sys
from pathlib import Path

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations

server = MCPServer("desk", instructions="A support desk.")
done = Path(sys.argv[1])


def _note(text: str) -> None:
    with done.open("a", encoding="utf-8") as file:
        file.write(f"{text}\n")


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def lookup(number: str) -> str:
    """Look up a record."""
    _note(f"lookup {number}")
    return f"record {number}"


@server.tool(annotations=ToolAnnotations(destructive_hint=True))
def wipe(path: str) -> str:
    """Delete everything under a path."""
    _note(f"wipe {path}")
    return "gone"


@server.tool()
def send(to: str, text: str) -> str:
    """Send text to somebody."""
    _note(f"send {to}")
    return f"sent {len(text)} characters"


@server.tool()
def fail() -> str:
    """Say that it failed."""
    raise ToolError("out of order")


@server.resource("desk://rules")
def rules() -> str:
    """How the desk works."""
    _note("rules")
    return "be kind"


@server.prompt()
def greet(name: str) -> str:
    """A greeting."""
    return f"Hello {name}"


if __name__ == "__main__":
    if len(sys.argv) > 2:
        server.run("streamable-http", port=int(sys.argv[2]))
    else:
        server.run()
