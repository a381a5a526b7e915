"""`graphsvc mcp-proxy`: an enforcement point between any MCP client and any MCP server."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphsvc.errors import BadInput

if TYPE_CHECKING:
    from mcp import StdioServerParameters

    from graphsvc.client.pep.tool import ToolGuard

__all__ = ["register"]

_UNITS_S = {"s": 1, "m": 60, "h": 3600}


Command = Annotated[
    list[str] | None,
    typer.Argument(metavar="[-- COMMAND ARG...]", help="Starts the server to stand before, over its stdio."),
]
Url = Annotated[
    str | None, typer.Option("--url", metavar="URL", help="The server to stand before, over HTTP.")
]
Listen = Annotated[
    str | None,
    typer.Option("--listen", metavar="HOST:PORT", help="Serve clients over HTTP at /mcp instead of stdio."),
]
Service = Annotated[str, typer.Option("--service", metavar="URL", help="The graphsvc that decides.")]
TokenFile = Annotated[
    Path | None, typer.Option("--token-file", metavar="FILE", help="Holds a token of the role pep.")
]
Subject = Annotated[str, typer.Option("--subject", help="The agent behind the client.")]
OnBehalfOf = Annotated[
    list[str] | None,
    typer.Option("--on-behalf-of", help="Whom it acts for, nearest first; several times."),
]
Chain = Annotated[
    str | None, typer.Option("--chain", help="The chain of its actions; a new one if not given.")
]
Name = Annotated[str, typer.Option("--name", help="Begins the actions' names: `<name>:<tool>`.")]
Wait = Annotated[
    str, typer.Option("--wait", metavar="DURATION", help="How long an escalated call waits for its review.")
]
Asked = Annotated[
    str | None,
    typer.Option(
        "--request",
        metavar="TEXT",
        help="What the user asked for; every call then says where its values came from.",
    ),
]
ToolFile = Annotated[
    Path | None,
    typer.Option(
        "--tools",
        metavar="FILE",
        help="With --request: declarations of the tools, from `graphsvc policy tools`.",
    ),
]
WritePack = Annotated[
    Path | None,
    typer.Option(
        "--write-pack", metavar="FILE", help="Declare the server's tools in a policy file, and end."
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("mcp-proxy")(mcp_proxy)


def mcp_proxy(
    *,
    command: Command = None,
    url: Url = None,
    listen: Listen = None,
    service: Service = "http://127.0.0.1:8080",
    token_file: TokenFile = None,
    subject: Subject = "agent",
    on_behalf_of: OnBehalfOf = None,
    chain: Chain = None,
    name: Name = "tool",
    wait: Wait = "0s",
    request: Asked = None,
    tools: ToolFile = None,
    write_pack: WritePack = None,
) -> None:
    """Stand between an MCP client and an MCP server: every tool call is asked before it runs.

    A refused call is a tool error in constant words. Put it in the place of the server in the client's settings.

    \b
    Examples:
      graphsvc mcp-proxy --token-file pep.token --subject desk-agent --name files -- npx -y @example/files /srv
      graphsvc mcp-proxy --token-file pep.token --url http://127.0.0.1:9000/mcp --listen 127.0.0.1:9001
      graphsvc mcp-proxy --token-file pep.token --name mail --request "Answer Ann" --tools tools.json -- mail-server
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
    token, wait_s, address = _token(token_file), _seconds(wait), _address(listen)
    task: dict[str, Any] = {"subject": subject, "on_behalf_of": on_behalf_of or (), "wait_s": wait_s}
    if tools is not None and request is None:
        raise BadInput("--tools: goes with --request, the user's words", field="tools")
    if request is not None:
        from graphsvc.client.provenance import Tools

        task |= {"user_request": request, "tools": Tools.load(tools) if tools is not None else Tools()}
    import asyncio

    asyncio.run(_stand(upstream, service, token, chain, name, task, address))


async def _stand(
    upstream: StdioServerParameters | str,
    service: str,
    token: str,
    chain: str | None,
    name: str,
    task: dict[str, Any],
    address: tuple[str, int] | None,
) -> None:
    import uuid

    from graphsvc.client import AsyncTask, Client
    from graphsvc.client.pep.tool import ToolGuard

    async with (
        Client(service, token) as client,
        AsyncTask(client, chain or f"mcp-{uuid.uuid4()}", **task) as held,
    ):
        await _serve(upstream, ToolGuard(held, prefix=name), address)


def _token(file: Path | None) -> str:
    if file is None:
        raise BadInput("--token-file: name a file with a token of the role pep", field="token-file")
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise BadInput(
            f"--token-file: `{file}` cannot be read: {error.strerror}", field="token-file"
        ) from error


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
