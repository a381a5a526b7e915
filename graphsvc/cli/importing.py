"""`graphsvc import`: facts of one source into the graph, all or nothing, with an account of what was read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graphsvc.cli import import_cluster, import_graph, import_table
from graphsvc.cli.import_option import Lenient, Paths, write_trace
from graphsvc.cli.load import Target, load
from graphsvc.cli.option import Place
from graphsvc.cli.plugged import ImportGroup
from graphsvc.cli.spread import spread

__all__ = ["app"]

app = typer.Typer(
    cls=ImportGroup,
    name="import",
    help="Load facts of one source.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command()
@spread
def aws(
    *,
    paths: Paths,
    to: Target,
    managed_policies: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Documents of AWS managed policies that the dump may lack (JSON Lines)."
        ),
    ] = None,
    organization: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE", help="Tree of an organization with its service control policies; may be repeated."
        ),
    ] = None,
    resource_policies: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE", help="Policies of resources, [{Resource, Policy, Account}]; may be repeated."
        ),
    ] = None,
    targets: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE",
            help="What exists and as what it runs: answers of `aws ... describe-...`; may be repeated.",
        ),
    ] = None,
    sessions: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE",
            help="Sessions with policies of their own, [{Session, Policy, PolicyArns}]; may be repeated.",
        ),
    ] = None,
    lenient: Lenient = False,
    at: Place,
) -> None:
    """An AWS account: the output of `aws iam get-account-authorization-details`; several files are its pages.

    \b
    Examples:
      graphsvc import aws account.json --source aws-prod
      graphsvc import aws account.json --source aws-prod --dry-run --format json
      graphsvc import aws account.json --source aws-prod --replace
      graphsvc import aws account.json --source aws-prod --organization scps.json --targets functions.json
    """
    from graphsvc.cli.file import read_bytes, read_files
    from graphsvc.importers.aws import Companions, read, read_managed_policies

    managed = (
        read_managed_policies(read_bytes(managed_policies), managed_policies) if managed_policies else None
    )
    (data, file), *more = read_files(paths)
    companions = Companions(
        organization=read_files(organization or []),
        resource_policies=read_files(resource_policies or []),
        targets=read_files(targets or []),
        sessions=read_files(sessions or []),
    )
    imported = read(
        data, file, more=more, managed_policies=managed, companions=companions, strict=not lenient
    )
    load(lambda _known: imported, to, at)


@app.command()
@spread
def cloudtrail(
    *,
    paths: Paths,
    to: Target,
    trace: Annotated[
        Path | None,
        typer.Option("--trace", metavar="FILE", help="Write the events as chains, for `graphsvc replay`."),
    ] = None,
    at: Place,
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
    if trace is not None and not to.dry_run:
        write_trace(trace, to_trace(events))
    load(lambda _known: imported, to, at)


import_cluster.register(app)
import_graph.register(app)
import_table.register(app)
