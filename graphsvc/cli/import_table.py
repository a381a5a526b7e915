"""`graphsvc import jsonl|csv`: graphs and tables, a fact or a row a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from graphsvc.cli.import_option import Lenient, Paths
from graphsvc.cli.load import Target, load
from graphsvc.cli.option import Place
from graphsvc.cli.spread import spread

if TYPE_CHECKING:
    from graphsvc.importers.table.read import Rows

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (jsonl, csv):
        app.command()(command)


@spread
def jsonl(
    *,
    paths: Paths,
    to: Target,
    mapping: Annotated[
        str | None,
        typer.Option("--mapping", metavar="FILE", help="The lines are rows of a table; what they mean."),
    ] = None,
    lenient: Lenient = False,
    at: Place,
) -> None:
    """A graph in the interchange format, as `graphsvc export jsonl` writes it; edges may name nodes of the store.

    With --mapping: a table of any system, an object a line.

    \b
    Examples:
      graphsvc import jsonl estate.jsonl --source hr
      graphsvc export jsonl | graphsvc import jsonl - --source copy --store sqlite:///copy.db
      graphsvc import jsonl users.jsonl --source idp --mapping idp.toml
    """
    from graphsvc.cli.file import read_files
    from graphsvc.importers import graph_jsonl, table

    if mapping is not None:
        _table(table.jsonl_rows, paths, mapping, lenient, to, at)
        return
    files = read_files(paths)
    load(lambda known: graph_jsonl.read_files(files, strict=not lenient, known=known), to, at)


@spread
def csv(
    *,
    paths: Paths,
    to: Target,
    mapping: Annotated[
        str, typer.Option("--mapping", metavar="FILE", help="What rows and columns mean (TOML or YAML).")
    ],
    lenient: Lenient = False,
    at: Place,
) -> None:
    """A table whose first line names its columns; the mapping says which nodes and edges a row gives.

    \b
    Examples:
      graphsvc import csv users.csv --source hr --mapping hr.toml --dry-run
      graphsvc import csv users.csv --source hr --mapping hr.toml --replace
    """
    from graphsvc.importers import table

    _table(table.csv_rows, paths, mapping, lenient, to, at)


def _table(rows: Rows, paths: list[str], mapping: str, lenient: bool, to: Target, at: Place) -> None:
    from graphsvc.cli.file import read_bytes, read_files
    from graphsvc.importers.table import read, read_table_mapping

    meanings = read_table_mapping(read_bytes(mapping), mapping)
    files = read_files(paths)
    load(lambda known: read(files, rows, meanings, strict=not lenient, known=known), to, at)
