"""`graphsvc import jsonl|csv`: graphs and tables, a fact or a row a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from graphsvc.cli.import_option import DryRun, Form, Lenient, Paths, Replace, Source
from graphsvc.cli.load import Target, load
from graphsvc.cli.option import ConfigOption, ServerOption, StoreOption, TokenOption
from graphsvc.cli.output import Format

if TYPE_CHECKING:
    from graphsvc.importers.table.read import Rows

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (jsonl, csv):
        app.command()(command)


def jsonl(
    *,
    paths: Paths,
    source: Source,
    mapping: Annotated[
        str | None,
        typer.Option("--mapping", metavar="FILE", help="The lines are rows of a table; what they mean."),
    ] = None,
    dry_run: DryRun = False,
    replace: Replace = False,
    lenient: Lenient = False,
    form: Form = Format.table,
    store: StoreOption = None,
    server: ServerOption = None,
    token: TokenOption = None,
    config: ConfigOption = None,
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

    to = Target(source, dry_run, replace, form, store, server, token, config)
    if mapping is not None:
        _table(table.jsonl_rows, paths, mapping, lenient, to)
        return
    files = read_files(paths)
    load(lambda known: graph_jsonl.read_files(files, strict=not lenient, known=known), to)


def csv(
    *,
    paths: Paths,
    source: Source,
    mapping: Annotated[
        str, typer.Option("--mapping", metavar="FILE", help="What rows and columns mean (TOML or YAML).")
    ],
    dry_run: DryRun = False,
    replace: Replace = False,
    lenient: Lenient = False,
    form: Form = Format.table,
    store: StoreOption = None,
    server: ServerOption = None,
    token: TokenOption = None,
    config: ConfigOption = None,
) -> None:
    """A table whose first line names its columns; the mapping says which nodes and edges a row gives.

    \b
    Examples:
      graphsvc import csv users.csv --source hr --mapping hr.toml --dry-run
      graphsvc import csv users.csv --source hr --mapping hr.toml --replace
    """
    from graphsvc.importers import table

    to = Target(source, dry_run, replace, form, store, server, token, config)
    _table(table.csv_rows, paths, mapping, lenient, to)


def _table(rows: Rows, paths: list[str], mapping: str, lenient: bool, to: Target) -> None:
    from graphsvc.cli.file import read_bytes, read_files
    from graphsvc.importers.table import read, read_table_mapping

    meanings = read_table_mapping(read_bytes(mapping), mapping)
    files = read_files(paths)
    load(lambda known: read(files, rows, meanings, strict=not lenient, known=known), to)
