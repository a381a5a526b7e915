"""`graphsvc import`: facts of one source into the graph, all or nothing, with an account of what was read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphsvc.cli import import_graph, import_table
from graphsvc.cli.import_option import Lenient, Paths
from graphsvc.cli.load import Target, load
from graphsvc.cli.option import Place
from graphsvc.cli.plugged import ImportGroup
from graphsvc.cli.spread import spread

if TYPE_CHECKING:
    from graphsvc.core.value import Json

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
        _write_trace(trace, to_trace(events))
    load(lambda _known: imported, to, at)


@app.command(name="kubernetes-audit")
@spread
def kubernetes_audit(
    *,
    paths: Paths,
    to: Target,
    cluster: Annotated[
        str | None,
        typer.Option("--cluster", metavar="NAME", help="Begins every id; the source's name if not given."),
    ] = None,
    trace: Annotated[
        Path | None,
        typer.Option("--trace", metavar="FILE", help="Write the requests as chains, for `graphsvc replay`."),
    ] = None,
    at: Place,
) -> None:
    """The estate that a Kubernetes audit log shows (`audit.k8s.io/v1`): who acted, on what, with the rights that took.

    \b
    Examples:
      graphsvc import kubernetes-audit audit.log --source prod-audit --cluster prod
      graphsvc import kubernetes-audit audit.log --source prod-audit --cluster prod --trace requests.jsonl
    """
    from graphsvc.cli.file import read_files
    from graphsvc.importers.kubernetes_audit import read_events, to_estate, to_trace

    name = to.source if cluster is None else cluster
    events = [event for file in read_files(paths) for event in read_events(*file)]
    imported = to_estate(events, name)
    if trace is not None and not to.dry_run:
        _write_trace(trace, to_trace(events, name))
    load(lambda _known: imported, to, at)


@app.command()
@spread
def kubernetes(
    *,
    paths: Paths,
    to: Target,
    cluster: Annotated[
        str | None,
        typer.Option("--cluster", metavar="NAME", help="Begins every id; the source's name if not given."),
    ] = None,
    lenient: Lenient = False,
    at: Place,
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

    imported = read(read_files(paths), cluster=to.source if cluster is None else cluster, strict=not lenient)
    load(lambda _known: imported, to, at)


import_graph.register(app)
import_table.register(app)


def _write_trace(path: Path, records: list[dict[str, Json]]) -> None:
    import msgspec

    path.write_bytes(b"".join(msgspec.json.encode(record) + b"\n" for record in records))
