"""`graphsvc policy tools`, `suggest` and `schema`: what tools mean, for clients and people; what files may hold, for editors."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

__all__ = ["schema", "suggest", "tools"]

Output = Annotated[Path | None, typer.Option("-o", "--output", help="A file instead of standard output.")]


def tools(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="FILE...", help="Policy files, or folders of them.")
    ] = None,
    *,
    shipped: Annotated[
        list[str] | None,
        typer.Option("--shipped", metavar="NAME", help="A pack that ships, such as agent_provenance."),
    ] = None,
    output: Output = None,
) -> None:
    """Write what packs say of actions, as JSON for the client's provenance (`Tools.load`).

    \b
    Examples:
      graphsvc policy tools packs/ -o tools.json
      graphsvc policy tools --shipped agent_provenance mine.yaml -o tools.json
    """
    from graphsvc.cli.file import read_texts
    from graphsvc.core.policy.load import load_policies
    from graphsvc.core.policy.tools import tools_of
    from graphsvc.errors import BadInput
    from graphsvc.packs import pack_file, pack_text

    texts = [(pack_text(name), pack_file(name)) for name in shipped or ()]
    texts += read_texts(files) if files else []
    if not texts:
        raise BadInput("name policy files, or packs with --shipped", field="files")
    text = msgspec.json.format(msgspec.json.encode(tools_of(load_policies(texts))), indent=2) + b"\n"
    _write(text, output)


def schema(output: Output = None) -> None:
    """Write the JSON Schema of policy files; editors complete and check with it.

    Begin a policy file with `# yaml-language-server: $schema=policy.schema.json`.

    \b
    Examples:
      graphsvc policy schema -o policy.schema.json
    """
    from graphsvc.core.policy.schema import schema_text

    _write(schema_text().encode(), output)


def suggest(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE...", help="What the server answers to tools/list; several are pages."),
    ],
    *,
    name: Annotated[
        str, typer.Option("--name", metavar="SERVER", help="What the server is called in actions.")
    ],
    output: Output = None,
) -> None:
    """Draft declarations of an MCP server's tools, for a person to confirm line by line.

    \b
    Examples:
      graphsvc policy suggest tools.json --name mail -o mail.yaml
      graphsvc policy suggest page1.json page2.json --name tracker
    """
    from graphsvc.cli.file import read_files
    from graphsvc.importers.mcp import listed_tools, write_draft

    text = "".join(write_draft(listed_tools(read_files(files), name), name))
    _write(text.encode(), output)


def _write(text: bytes, output: Path | None) -> None:
    if output is None:
        sys.stdout.buffer.write(text)
    else:
        output.write_bytes(text)
