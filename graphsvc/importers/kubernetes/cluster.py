"""A cluster's objects to facts: identities, groups, roles with their rights, workloads and whose tokens they hold."""

from __future__ import annotations

from collections.abc import Sequence

from graphsvc.core.graph import Node
from graphsvc.core.value import Json
from graphsvc.errors import BadInput
from graphsvc.importers.kubernetes.binding import bind
from graphsvc.importers.kubernetes.manifest import Manifest, read_manifests
from graphsvc.importers.kubernetes.name import Cluster
from graphsvc.importers.kubernetes.role import Roles
from graphsvc.importers.kubernetes.subject import Subjects
from graphsvc.importers.kubernetes.workload import WORKLOADS, draw_workload
from graphsvc.importers.result import Collector, Imported

__all__ = ["COUNTS", "draw", "read"]

COUNTS = (
    "roles", "cluster_roles", "roles_aggregated", "rules", "rules_dangerous", "bindings", "service_accounts",
    "identities", "secrets", "workloads", "workloads_reaching_node", "objects_without_meaning",
)  # fmt: skip
_TOKEN = "kubernetes.io/service-account-token"  # noqa: S105  the type of a secret, no secret
_OWNER = "kubernetes.io/service-account.name"


def read(files: Sequence[tuple[bytes | str, str]], *, cluster: str, strict: bool = True) -> Imported:
    """The facts of a cluster's manifests or dumps, each (data, file name), in whatever order.

    cluster: begins every name, so that two clusters share nothing. strict: the first malformed object
    refuses the input; else it is skipped and reported. Values of secrets are never taken.
    BadInput names the file, the place in it and the fix.
    """
    names, collector = Cluster(cluster), Collector(strict=strict)
    return draw(read_manifests(files, collector), names, collector)


def draw(manifests: Sequence[Manifest], names: Cluster, collector: Collector) -> Imported:
    """The facts of objects, sorted as `take_manifests` gives them, and the report of the collector."""
    subjects = Subjects(names, collector)
    subjects.masters()
    automount: dict[tuple[str, str], bool] = {}
    for manifest in manifests:
        if manifest.kind == "ServiceAccount":
            collector.counts["service_accounts"] += 1
            mounted = manifest.body.get("automountServiceAccountToken")
            if isinstance(mounted, bool):
                automount[str(manifest.namespace), manifest.name] = mounted
            subjects.service_account(str(manifest.namespace), manifest.name, declared=True)
        elif manifest.kind == "Node":
            _node(manifest, names, subjects, collector)
    tokens = _secrets(manifests, names, subjects, collector)
    roles = Roles(manifests, names, collector)
    for kind, home, name in roles.names():
        roles.take(kind, home, name, home)
    bind(manifests, roles, subjects, collector)
    for manifest in manifests:
        if manifest.kind in WORKLOADS:
            try:
                draw_workload(
                    manifest,
                    tokens=tokens,
                    automount=automount,
                    cluster=names,
                    subjects=subjects,
                    collector=collector,
                )
            except BadInput as error:
                collector.skip(manifest.place, str(error).removeprefix(f"{manifest.place}: "))
    return collector.finish(counted=COUNTS)


def _node(manifest: Manifest, names: Cluster, subjects: Subjects, collector: Collector) -> None:
    key = names.resource(None, "", "nodes", manifest.name)
    collector.node(Node(key=key, properties={"kubernetes_kind": "Node", "cluster": names.name}))
    collector.edge("HOLDS_CREDENTIAL", key, subjects.node(manifest.name), {"via": ["kubelet"]})


def _secrets(
    manifests: Sequence[Manifest], names: Cluster, subjects: Subjects, collector: Collector
) -> dict[tuple[str, str], str]:
    """Draw the secrets; which service account's token each holds, by namespace and name."""
    tokens: dict[tuple[str, str], str] = {}
    for manifest in manifests:
        if manifest.kind != "Secret":
            continue
        collector.counts["secrets"] += 1
        namespace, kind = str(manifest.namespace), manifest.body.get("type") or "Opaque"
        key = names.resource(namespace, "", "secrets", manifest.name)
        properties: dict[str, Json] = {
            "kubernetes_kind": "Secret", "cluster": names.name, "namespace": namespace, "secret_type": kind,
        }  # fmt: skip
        collector.node(Node(key=key, labels=("credentials", "sensitive"), properties=properties))
        if kind != _TOKEN:
            continue
        owner = manifest.section("metadata", "annotations").get(_OWNER)
        if not isinstance(owner, str) or not owner:
            collector.incomplete(f"secret `{namespace}/{manifest.name}` is a token of nobody knows whom")
            continue
        tokens[namespace, manifest.name] = owner
        holder = subjects.service_account(namespace, owner, declared=False)
        collector.edge("HOLDS_CREDENTIAL", key, holder, {"via": ["token"]})
    return tokens
