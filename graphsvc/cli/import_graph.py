"""`graphsvc import opengraph|mcp`: what other tools know."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphsvc.cli.import_option import Lenient, Paths
from graphsvc.cli.load import Known, Target, load
from graphsvc.cli.option import Place
from graphsvc.cli.spread import spread

if TYPE_CHECKING:
    from graphsvc.importers.result import Imported

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (opengraph, mcp):
        app.command()(command)


@spread
def opengraph(
    *,
    paths: Paths,
    to: Target,
    mapping: Annotated[
        str | None,
        typer.Option("--mapping", metavar="FILE", help="What kinds of nodes and edges mean (TOML or YAML)."),
    ] = None,
    lenient: Lenient = False,
    at: Place,
) -> None:
    """A BloodHound OpenGraph file or zip; what `graphsvc export opengraph` wrote comes back as it was.

    \b
    Examples:
      graphsvc import opengraph github.json --source github --mapping github.toml --dry-run
      graphsvc export opengraph -o all.json
    """
    from graphsvc.cli.file import read_bytes, read_files
    from graphsvc.importers.opengraph import read, read_mapping

    meanings = read_mapping(read_bytes(mapping), mapping) if mapping else None
    files = read_files(paths)

    def read_all(known: Known) -> Imported:
        return read(files, mapping=meanings, strict=not lenient, known=known)

    load(read_all, to, at)


@spread
def mcp(
    *,
    paths: Paths,
    to: Target,
    name: Annotated[
        str | None,
        typer.Option(
            "--name", metavar="NAME", help="The server's name in actions; the source's if not given."
        ),
    ] = None,
    declarations: Annotated[
        str | None,
        typer.Option("--declarations", metavar="FILE", help="What the tools mean (TOML or YAML)."),
    ] = None,
    pack: Annotated[
        Path | None,
        typer.Option(
            "--pack", metavar="FILE", help="Write a policy file that declares the tools as actions."
        ),
    ] = None,
    lenient: Lenient = False,
    at: Place,
) -> None:
    """The tools of an MCP server: its answer to `tools/list`; several files are its pages.

    \b
    Examples:
      graphsvc import mcp tools.json --source gmail --declarations gmail.toml --pack gmail.yaml
      graphsvc import mcp tools.json --source gmail --replace --dry-run    # which tools have changed?
    """
    from graphsvc.cli.file import read_bytes, read_files
    from graphsvc.importers.mcp import read, read_declarations, write_pack

    declared = read_declarations(read_bytes(declarations), declarations) if declarations else None
    server_name = to.source if name is None else name
    imported = read(read_files(paths), server=server_name, declarations=declared, strict=not lenient)
    load(lambda _known: imported, to, at)
    if pack is not None and not to.dry_run:
        pack.write_text("".join(write_pack(imported.nodes, f"mcp-{server_name}", "1")), encoding="utf-8")
