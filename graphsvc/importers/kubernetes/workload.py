"""Pods and what makes pods: whom they run as, whose tokens lie in them, and what of the node they reach.

Source: Kubernetes documentation, "Pod Security Standards" and "Configure Service Accounts for Pods".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from graphsvc.core.graph import Node
from graphsvc.core.value import Json
from graphsvc.errors import BadInput
from graphsvc.importers.kubernetes.manifest import KINDS, Manifest
from graphsvc.importers.kubernetes.name import Cluster
from graphsvc.importers.kubernetes.subject import Subjects
from graphsvc.importers.result import Collector

__all__ = ["WORKLOADS", "draw_workload"]

_SPECS = {
    "Pod": ("spec",),
    "PodTemplate": ("template", "spec"),
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
}
WORKLOADS = frozenset(
    {"Pod", "PodTemplate", "ReplicationController", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job",
     "CronJob"}
)  # fmt: skip
_CONTAINERS = ("initContainers", "containers", "ephemeralContainers")
# What by itself lets a container take the node's credential, and capabilities with which a container is as good as on the node.
_ESCAPES = ("capabilities", "host-path", "privileged")
_ESCAPING = frozenset({"ALL", "SYS_ADMIN", "SYS_PTRACE", "SYS_MODULE", "DAC_READ_SEARCH", "BPF"})


def draw_workload(
    manifest: Manifest,
    *,
    tokens: Mapping[tuple[str, str], str],
    automount: Mapping[tuple[str, str], bool],
    cluster: Cluster,
    subjects: Subjects,
    collector: Collector,
) -> None:
    """Take one workload.

    tokens: service accounts (names) whose token a secret holds, by the secret's namespace and name.
    automount: what service accounts say about mounting their token, by namespace and name.
    BadInput when the pod's spec is malformed.
    """
    spec = manifest.section(*_SPECS.get(manifest.kind, ("spec", "template", "spec")))
    namespace = str(manifest.namespace)
    key = cluster.resource(namespace, KINDS[manifest.kind][0], _plural(manifest.kind), manifest.name)
    containers = [container for name in _CONTAINERS for container in _objects(spec, name, manifest.place)]
    volumes = _objects(spec, "volumes", manifest.place)
    account = spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"
    if not isinstance(account, str):
        raise BadInput(f"{manifest.place}: `serviceAccountName` must be text", field=manifest.place)
    reaches = _reaches(spec, containers, volumes)
    secrets = sorted(set(_secrets(spec, containers, volumes)))
    properties: dict[str, Json] = {
        "kubernetes_kind": manifest.kind,
        "cluster": cluster.name,
        "namespace": namespace,
    }
    images = sorted({str(container["image"]) for container in containers if "image" in container})
    hosted = sorted(
        {str(_object(volume, "hostPath").get("path", "")) for volume in volumes if "hostPath" in volume}
    )
    for name, values in (
        ("images", images),
        ("secrets", secrets),
        ("host_paths", hosted),
        ("reaches_node", reaches),
    ):
        if values:
            properties[name] = list[Json](values)
    collector.counts["workloads"] += 1
    collector.counts["workloads_reaching_node"] += bool(reaches)
    identity = subjects.service_account(namespace, account, declared=False)
    collector.edge("RUNS_AS", key, identity)
    held: dict[str, list[Json]] = {}
    if _mounts(spec, automount.get((namespace, account)), volumes):
        held[account] = ["token"]
    for secret in secrets:
        if (namespace, secret) in tokens:
            held.setdefault(tokens[namespace, secret], []).append(f"secret/{secret}")
    for holder, via in held.items():
        holder_key = subjects.service_account(namespace, holder, declared=False)
        collector.edge("HOLDS_CREDENTIAL", key, holder_key, {"via": via})
    if isinstance(node := spec.get("nodeName"), str) and node:
        properties["node"] = node
        _on_node(key, node, identity, reaches, cluster, subjects, collector)
    elif reaches:
        properties["node"] = None
    collector.node(Node(key=key, labels=tuple(reaches), properties=properties))


def _on_node(
    key: str,
    name: str,
    identity: str,
    reaches: list[str],
    cluster: Cluster,
    subjects: Subjects,
    collector: Collector,
) -> None:
    """A node holds the tokens of its pods; a pod that can leave its container holds the node's."""
    node, kubelet = cluster.resource(None, "", "nodes", name), subjects.node(name)
    collector.node(Node(key=node, properties={"kubernetes_kind": "Node", "cluster": cluster.name}))
    collector.edge("HOLDS_CREDENTIAL", node, kubelet, {"via": ["kubelet"]})
    collector.edge("HOLDS_CREDENTIAL", node, identity, {"via": ["pods"]})
    if escapes := [label for label in reaches if label in _ESCAPES]:
        collector.edge("HOLDS_CREDENTIAL", key, kubelet, {"via": list[Json](escapes)})


def _reaches(
    spec: Mapping[str, Json], containers: list[dict[str, Json]], volumes: list[dict[str, Json]]
) -> list[str]:
    """The ways in which a pod's processes reach the node, as labels."""
    found = {
        label
        for name, label in (("hostPID", "host-pid"), ("hostIPC", "host-ipc"), ("hostNetwork", "host-network"))
        if spec.get(name) is True
    }
    if any("hostPath" in volume for volume in volumes):
        found.add("host-path")
    for container in containers:
        security = _object(container, "securityContext")
        if security.get("privileged") is True:
            found.add("privileged")
        added = _object(security, "capabilities").get("add")
        if isinstance(added, list) and {str(name).upper().removeprefix("CAP_") for name in added} & _ESCAPING:
            found.add("capabilities")
    return sorted(found)


def _secrets(
    spec: Mapping[str, Json], containers: list[dict[str, Json]], volumes: list[dict[str, Json]]
) -> Iterator[str]:
    """Names of the secrets that a pod's processes, or whoever pulls its images, can read."""
    refs: list[Json] = []
    for volume in volumes:
        refs.append(_object(volume, "secret").get("secretName"))
        sources = _object(volume, "projected").get("sources")
        refs += (
            [_object(source, "secret").get("name") for source in sources or [] if isinstance(source, dict)]
            if isinstance(sources, list)
            else []
        )
    for container in containers:
        for entry in _listed(container, "envFrom"):
            refs.append(_object(entry, "secretRef").get("name"))
        for entry in _listed(container, "env"):
            refs.append(_object(_object(entry, "valueFrom"), "secretKeyRef").get("name"))
    refs += [entry.get("name") for entry in _listed(spec, "imagePullSecrets")]
    yield from (ref for ref in refs if isinstance(ref, str) and ref)


def _mounts(spec: Mapping[str, Json], account: bool | None, volumes: list[dict[str, Json]]) -> bool:
    """Whether the service account's token lies in the pod: the pod decides before the account."""
    for volume in volumes:
        sources = _object(volume, "projected").get("sources")
        if isinstance(sources, list) and any(
            isinstance(source, dict) and "serviceAccountToken" in source for source in sources
        ):
            return True
    own = spec.get("automountServiceAccountToken")
    if isinstance(own, bool):
        return own
    return account is not False


def _plural(kind: str) -> str:
    return f"{kind.lower()}s"


def _objects(parent: Mapping[str, Json], name: str, place: str) -> list[dict[str, Json]]:
    listed = parent.get(name) or []
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        raise BadInput(f"{place}: `{name}` must be a list of mappings", field=place)
    return [item for item in listed if isinstance(item, dict)]


def _listed(parent: Mapping[str, Json], name: str) -> list[dict[str, Json]]:
    listed = parent.get(name)
    return [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []


def _object(parent: Mapping[str, Json], name: str) -> dict[str, Json]:
    found = parent.get(name)
    return found if isinstance(found, dict) else {}
