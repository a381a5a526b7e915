"""A cluster as it is now: everything that may be listed as facts, and what may not as what is unknown."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from graphsvc.errors import BadInput, ClusterUnavailable
from graphsvc.importers.kubernetes.cluster import draw
from graphsvc.importers.kubernetes.manifest import Placed, take_manifests
from graphsvc.importers.kubernetes.name import RBAC, Cluster
from graphsvc.importers.kubernetes_live.connection import ApiServer
from graphsvc.importers.kubernetes_live.listing import Refused, list_objects
from graphsvc.importers.kubernetes_live.resource import SECRETS, Resource, resources
from graphsvc.importers.result import Collector, Imported

__all__ = ["lists", "read_live"]


def read_live(
    server: ApiServer,
    *,
    cluster: str,
    namespaces: Sequence[str] = (),
    strict: bool = True,
    advance: Callable[[], None] = lambda: None,
) -> Imported:
    """The facts of a cluster, the same that a dump of the same objects gives.

    cluster, strict: as for files. namespaces: read only there; none given: everywhere. advance: called after each of
    the `lists`. What may not be listed is reported as incomplete, with the rule that would permit it.
    ClusterUnavailable when the server cannot be reached or lets us list nothing.
    """
    names, collector = Cluster(cluster), Collector(strict=strict)
    objects: list[Placed] = []
    wanted = lists(namespaces)
    refused: list[Refused] = []
    for resource, namespace in wanted:
        try:
            objects += list_objects(server, resource, namespace)
        except Refused as error:
            refused.append(error)
            _tell(error, resource, namespace, collector)
        advance()
    if len(refused) == len(wanted):
        forbidden = any(error.status == 403 for error in refused)
        fix = "bind the role that `--print-cluster-role` prints" if forbidden else "is it an API server?"
        raise ClusterUnavailable(f"`{server.url}` lets us list nothing: {refused[0]}; {fix}")
    manifests = take_manifests(objects, collector)
    if namespaces:
        told = ", ".join(f"`{name}`" for name in dict.fromkeys(namespaces))
        collector.incomplete(f"read in the namespaces {told} alone: what is in others is unknown")
    for name in sorted(set(namespaces) - {str(manifest.namespace) for manifest in manifests}):
        collector.note(f"nothing was found in the namespace `{name}`; check its name")
    collector.note(f"read from `{server.url}` by listing alone")
    return draw(manifests, names, collector)


def lists(namespaces: Sequence[str]) -> list[tuple[Resource, str | None]]:
    """What is asked for, one list each. BadInput when a namespace cannot be one."""
    for name in namespaces:
        if not name or set(name) - set("abcdefghijklmnopqrstuvwxyz0123456789-"):
            raise BadInput(f"--namespace: `{name}` is no name of a namespace", field="namespace")
    spaces: list[str | None] = list(dict.fromkeys(namespaces)) or [None]
    return [
        (resource, namespace)
        for resource in resources()
        for namespace in (spaces if resource.namespaced else [None])
    ]


def _tell(error: Refused, resource: Resource, namespace: str | None, collector: Collector) -> None:
    where = f"namespace `{namespace}`" if namespace is not None else "the cluster"
    what = f"{resource.plural} ({resource.version})"
    if error.status == 404 and resource.group != RBAC:
        collector.note(f"{what} are not served by the cluster: it has none")
        return
    if error.status == 403:
        fix = f"permit it with the rule {resource.rule}"
        if resource.plural == SECRETS:
            fix += ", which lets its holder read their values; graphsvc asks for names and types alone"
        elif resource.namespaced and namespace is None:
            fix += " in a ClusterRole, or name the namespaces it holds in by --namespace"
        collector.incomplete(f"{what} of {where} may not be listed; {fix}")
        return
    collector.incomplete(f"{what} of {where} could not be listed: {error}")
