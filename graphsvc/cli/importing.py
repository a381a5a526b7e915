"""`graphsvc import`: facts of one source into the graph, all or nothing, with an account of what was read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphsvc.cli.load import Known, Target, load
from graphsvc.cli.option import ConfigOption, ServerOption, StoreOption, TokenOption
from graphsvc.cli.output import Format
from graphsvc.cli.plugged import ImportGroup

if TYPE_CHECKING:
    from graphsvc.importers.result import Imported
    from graphsvc.importers.table.read import Rows

__all__ = ["app"]

app = typer.Typer(
    cls=ImportGroup,
    name="import",
    help="Load facts of one source.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Paths = Annotated[
    list[str], typer.Argument(metavar="PATH...", help="Files, gzip-compressed or not; `-` for one.")
]
Source = Annotated[
    str, typer.Option("--source", metavar="NAME", help="Whose facts these are; replaced as a whole.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Read, and tell what would change; store nothing.")]
Replace = Annotated[bool, typer.Option("--replace", help="Facts of this source that the files lack go.")]
Lenient = Annotated[bool, typer.Option("--lenient", help="Leave malformed parts out and report them.")]
Form = Annotated[Format, typer.Option("--format", help="How to print the report.")]


@app.command()
def aws(
    *,
    paths: Paths,
    source: Source,
    managed_policies: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Documents of AWS managed policies that the dump may lack (JSON Lines)."
        ),
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
    """An AWS account: the output of `aws iam get-account-authorization-details`; several files are its pages.

    \b
    Examples:
      graphsvc import aws account.json --source aws-prod
      graphsvc import aws account.json --source aws-prod --dry-run --format json
      graphsvc import aws account.json --source aws-prod --replace
    """
    from graphsvc.cli.file import read_bytes, read_files
    from graphsvc.importers.aws import read, read_managed_policies

    managed = (
        read_managed_policies(read_bytes(managed_policies), managed_policies) if managed_policies else None
    )
    (data, file), *more = read_files(paths)
    imported = read(data, file, more=more, managed_policies=managed, strict=not lenient)
    load(lambda _known: imported, Target(source, dry_run, replace, form, store, server, token, config))


@app.command()
def cloudtrail(
    *,
    paths: Paths,
    source: Source,
    trace: Annotated[
        Path | None,
        typer.Option("--trace", metavar="FILE", help="Write the events as chains, for `graphsvc replay`."),
    ] = None,
    dry_run: DryRun = False,
    replace: Replace = False,
    form: Form = Format.table,
    store: StoreOption = None,
    server: ServerOption = None,
    token: TokenOption = None,
    config: ConfigOption = None,
) -> None:
    """The estate that CloudTrail events show: who acted, on what, with the rights that took.

    \b
    Examples:
      graphsvc import cloudtrail events.json --source trail
      graphsvc import cloudtrail events.json --source trail --trace events.jsonl
    """
    from graphsvc.cli.file import read_files
    from graphsvc.importers.cloudtrail import read_events, to_estate, to_trace

    events = [event for file in read_files(paths) for event in read_events(*file)]
    imported = to_estate(events)
    if trace is not None and not dry_run:
        import msgspec

        trace.write_bytes(b"".join(msgspec.json.encode(record) + b"\n" for record in to_trace(events)))
    load(lambda _known: imported, Target(source, dry_run, replace, form, store, server, token, config))


@app.command()
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


@app.command()
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


@app.command()
def kubernetes(
    *,
    paths: Paths,
    source: Source,
    cluster: Annotated[
        str | None,
        typer.Option("--cluster", metavar="NAME", help="Begins every id; the source's name if not given."),
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
    """A Kubernetes cluster: manifests, or `kubectl get ... -o yaml`; several files are one cluster.

    \b
    Examples:
      graphsvc import kubernetes manifests/*.yaml --source prod
      kubectl get roles,rolebindings,clusterroles,clusterrolebindings,serviceaccounts,pods -A -o yaml \\
        | graphsvc import kubernetes - --source prod --replace --dry-run
    """
    from graphsvc.cli.file import read_files
    from graphsvc.importers.kubernetes import read

    imported = read(read_files(paths), cluster=source if cluster is None else cluster, strict=not lenient)
    load(lambda _known: imported, Target(source, dry_run, replace, form, store, server, token, config))


@app.command()
def opengraph(
    *,
    paths: Paths,
    source: Source,
    mapping: Annotated[
        str | None,
        typer.Option("--mapping", metavar="FILE", help="What kinds of nodes and edges mean (TOML or YAML)."),
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

    load(read_all, Target(source, dry_run, replace, form, store, server, token, config))


@app.command()
def mcp(
    *,
    paths: Paths,
    source: Source,
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
    dry_run: DryRun = False,
    replace: Replace = False,
    lenient: Lenient = False,
    form: Form = Format.table,
    store: StoreOption = None,
    server: ServerOption = None,
    token: TokenOption = None,
    config: ConfigOption = None,
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
    server_name = source if name is None else name
    imported = read(read_files(paths), server=server_name, declarations=declared, strict=not lenient)
    load(lambda _known: imported, Target(source, dry_run, replace, form, store, server, token, config))
    if pack is not None and not dry_run:
        pack.write_text("".join(write_pack(imported.nodes, f"mcp-{server_name}", "1")), encoding="utf-8")
