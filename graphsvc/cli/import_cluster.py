"""`graphsvc import kubernetes|kubernetes-audit`: a cluster from manifests or as it is now, and what was done in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphsvc.cli.import_option import Lenient, Paths, write_trace
from graphsvc.cli.load import Target, load
from graphsvc.cli.option import Place
from graphsvc.cli.spread import spread

if TYPE_CHECKING:
    from graphsvc.importers.result import Imported

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(kubernetes)
    app.command(name="kubernetes-audit")(kubernetes_audit)


def _print_role(asked: bool) -> None:
    if asked:
        from graphsvc.importers.kubernetes_live import cluster_role

        print(cluster_role(), end="")
        raise typer.Exit(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """Options of reading a cluster instead of files."""

    live: Annotated[
        bool,
        typer.Option("--live", help="Read the cluster itself, by list requests alone, instead of files."),
    ] = False
    kubeconfig: Annotated[
        str | None,
        typer.Option(
            "--kubeconfig", metavar="FILE", help="With --live; else KUBECONFIG, ~/.kube/config, the pod."
        ),
    ] = None
    context: Annotated[
        str | None,
        typer.Option("--context", metavar="NAME", help="With --live; the current one if not given."),
    ] = None
    namespace: Annotated[
        list[str] | None,
        typer.Option("--namespace", metavar="NAME", help="With --live: read only there; may be repeated."),
    ] = None
    timeout: Annotated[
        float, typer.Option("--timeout", metavar="SECONDS", min=0.1, help="With --live: of each request.")
    ] = 30.0
    print_cluster_role: Annotated[
        bool,
        typer.Option(
            "--print-cluster-role",
            callback=_print_role,
            is_eager=True,
            help="Print the rights that --live needs, and end.",
        ),
    ] = False


@spread
def kubernetes(
    *,
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PATH]...", help="Files, gzip-compressed or not; `-` for one."),
    ] = None,
    to: Target,
    cluster: Annotated[
        str | None,
        typer.Option("--cluster", metavar="NAME", help="Begins every id; the source's name if not given."),
    ] = None,
    living: Live,
    lenient: Lenient = False,
    at: Place,
) -> None:
    """A Kubernetes cluster: manifests, `kubectl get ... -o yaml`, or the cluster as it is; several files are one cluster.

    \b
    Examples:
      graphsvc import kubernetes manifests/*.yaml --source prod
      kubectl get roles,rolebindings,clusterroles,clusterrolebindings,serviceaccounts,pods -A -o yaml \\
        | graphsvc import kubernetes - --source prod --replace --dry-run
      graphsvc import kubernetes --live --context prod --source prod --replace
      graphsvc import kubernetes --print-cluster-role | kubectl apply -f -
    """
    from graphsvc.cli.file import read_files
    from graphsvc.importers.kubernetes import read

    name = to.source if cluster is None else cluster
    _check(paths or [], living)
    if living.live:
        imported = _read_live(name, living, lenient)
    else:
        imported = read(read_files(paths or []), cluster=name, strict=not lenient)
    load(lambda _known: imported, to, at)


def _check(paths: list[str], living: Live) -> None:
    from graphsvc.errors import BadInput

    if living.live and paths:
        raise BadInput("--live: reads the cluster, not files; leave one of them out", field="live")
    if living.live:
        return
    if not paths:
        raise BadInput("name files of manifests, or read the cluster by --live", field="paths")
    for option in ("kubeconfig", "context", "namespace"):
        if getattr(living, option):
            raise BadInput(f"--{option}: is about a cluster that is read by --live; add that", field=option)


def _read_live(cluster: str, living: Live, lenient: bool) -> Imported:
    from graphsvc.cli.output import progress
    from graphsvc.importers.kubernetes_live import connect, lists, read_live

    namespaces = living.namespace or []
    server = connect(kubeconfig=living.kubeconfig, context=living.context, timeout_s=living.timeout)
    try:
        with progress(f"reading {server.url}", len(lists(namespaces))) as advance:
            return read_live(
                server, cluster=cluster, namespaces=namespaces, strict=not lenient, advance=advance
            )
    finally:
        server.close()


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
        write_trace(trace, to_trace(events, name))
    load(lambda _known: imported, to, at)
