"""`graphsvc mcp-proxy`: an enforcement point between any MCP client and any MCP server."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphsvc.errors import BadInput

if TYPE_CHECKING:
    from mcp import StdioServerParameters

    from graphsvc.client.pep.tool import ToolGuard

__all__ = ["register"]

_UNITS_S = {"s": 1, "m": 60, "h": 3600}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("mcp-proxy")(mcp_proxy)


def mcp_proxy(
    *,
    command: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[-- COMMAND ARG...]", help="Starts the server to stand before, over its stdio."
        ),
    ] = None,
    url: Annotated[
        str | None, typer.Option("--url", metavar="URL", help="The server to stand before, over HTTP.")
    ] = None,
    listen: Annotated[
        str | None,
        typer.Option(
            "--listen", metavar="HOST:PORT", help="Serve clients over HTTP at /mcp instead of stdio."
        ),
    ] = None,
    service: Annotated[
        str, typer.Option("--service", metavar="URL", help="The graphsvc that decides.")
    ] = "http://127.0.0.1:8080",
    token_file: Annotated[
        Path | None, typer.Option("--token-file", metavar="FILE", help="Holds a token of the role pep.")
    ] = None,
    subject: Annotated[str, typer.Option("--subject", help="The agent behind the client.")] = "agent",
    on_behalf_of: Annotated[
        list[str] | None,
        typer.Option("--on-behalf-of", help="Whom it acts for, nearest first; several times."),
    ] = None,
    chain: Annotated[
        str | None, typer.Option("--chain", help="The chain of its actions; a new one if not given.")
    ] = None,
    name: Annotated[str, typer.Option("--name", help="Begins the actions' names: `<name>:<tool>`.")] = "tool",
    wait: Annotated[
        str,
        typer.Option("--wait", metavar="DURATION", help="How long an escalated call waits for its review."),
    ] = "0s",
    write_pack: Annotated[
        Path | None,
        typer.Option(
            "--write-pack", metavar="FILE", help="Declare the server's tools in a policy file, and end."
        ),
    ] = None,
) -> None:
    """Stand between an MCP client and an MCP server: every tool call is asked before it runs.

    A refused call is a tool error in constant words. Put it in the place of the server in the client's settings.

    \b
    Examples:
      graphsvc mcp-proxy --token-file pep.token --subject desk-agent --name files -- npx -y @example/files /srv
      graphsvc mcp-proxy --token-file pep.token --url http://127.0.0.1:9000/mcp --listen 127.0.0.1:9001
      graphsvc mcp-proxy --name files --write-pack files.yaml -- npx -y @example/files /srv
    """
    try:
        import mcp  # noqa: F401
    except ImportError as error:
        raise BadInput("the proxy needs the package mcp; pip install 'graphsvc[server,mcp]'") from error
    upstream = _upstream(command, url)
    if write_pack is not None:
        _declare(upstream, name, write_pack)
        return
    if token_file is None:
        raise BadInput("--token-file: name a file with a token of the role pep", field="token-file")
    try:
        token = token_file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise BadInput(
            f"--token-file: `{token_file}` cannot be read: {error.strerror}", field="token-file"
        ) from error
    import asyncio
    import uuid

    from graphsvc.client import AsyncTask, Client
    from graphsvc.client.pep.tool import ToolGuard

    wait_s, address = _seconds(wait), _address(listen)

    async def run() -> None:
        async with (
            Client(service, token) as client,
            AsyncTask(
                client,
                chain or f"mcp-{uuid.uuid4()}",
                subject=subject,
                on_behalf_of=on_behalf_of or (),
                wait_s=wait_s,
            ) as task,
        ):
            await _serve(upstream, ToolGuard(task, prefix=name), address)

    asyncio.run(run())


def _upstream(command: list[str] | None, url: str | None) -> StdioServerParameters | str:
    from mcp import StdioServerParameters

    if (url is None) == (not command):
        raise BadInput(
            "name the server to stand before: either `--url URL` or `-- COMMAND ARG...`", field="url"
        )
    if url is not None:
        return url
    assert command
    return StdioServerParameters(command=command[0], args=command[1:])


async def _serve(
    upstream: StdioServerParameters | str, guard: ToolGuard, address: tuple[str, int] | None
) -> None:
    from mcp.server.stdio import stdio_server

    from graphsvc.client.pep.mcp_proxy import proxy

    async with proxy(upstream, guard) as server:
        if address is None:
            async with stdio_server() as (reading, writing):
                await server.run(reading, writing, server.create_initialization_options())
            return
        import uvicorn

        host, port = address
        app = server.streamable_http_app(host=host)
        await uvicorn.Server(uvicorn.Config(app, host=host, port=port, log_level="warning")).serve()


def _declare(upstream: StdioServerParameters | str, name: str, file: Path) -> None:
    import asyncio

    import orjson

    from graphsvc.client.pep.mcp_proxy import all_tools
    from graphsvc.importers import mcp as importer

    tools = asyncio.run(all_tools(upstream))
    read = importer.read([(orjson.dumps({"tools": tools}), "tools/list")], server=name)
    file.write_text("".join(importer.write_pack(read.nodes, name, "1")), encoding="utf-8")
    for note in read.report.notes:
        typer.echo(note, err=True)
    typer.echo(
        f"{len(tools)} tools declared in `{file}`; read it, then `graphsvc policy publish {file}`", err=True
    )


def _seconds(text: str) -> float:
    read = re.fullmatch(r"(\d{1,6})([smh])", text)
    if read is None:
        raise BadInput(f"--wait: `{text}` is no duration; write one such as 30s or 5m", field="wait")
    return float(int(read[1]) * _UNITS_S[read[2]])


def _address(text: str | None) -> tuple[str, int] | None:
    if text is None:
        return None
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65_535:
        raise BadInput(f"--listen: `{text}` is no address; write one such as 127.0.0.1:9001", field="listen")
    return host, int(port)
