"""The estate that requests were recorded in: identities, with rights for exactly what each did."""

from __future__ import annotations

from collections.abc import Iterable

from graphsvc.core.graph import Node, resource_key
from graphsvc.core.value import Json
from graphsvc.importers.kubernetes.name import Cluster
from graphsvc.importers.kubernetes_audit.event import Event, acting, was_refused
from graphsvc.importers.kubernetes_audit.trace import to_trace
from graphsvc.importers.result import Collector, Imported

__all__ = ["to_estate"]

_COUNTS = ("requests", "requests_refused", "identities", "resources")


def to_estate(events: Iterable[Event], cluster: str) -> Imported:
    """The identities, their groups and the resources that requests show.

    Each identity holds one permission: the actions it took, exactly, on anything of the cluster. A request that was refused for
    want of a right gives none (`requests_refused`). Names are those of `graphsvc import kubernetes` with the same cluster, so
    that the log and the roles may lie in one graph as two sources.
    """
    names, collector = Cluster(cluster), Collector(strict=False)
    listed = list(events)
    collector.counts["requests"] = len(listed)
    refused = {str(event["auditID"]) for event in listed if was_refused(event)}
    collector.counts["requests_refused"] = len(refused)
    done: dict[str, set[str]] = {}
    for record in to_trace(listed, cluster):
        subject, action, resource = (_part(record, name) for name in ("subject", "action", "resource"))
        actions = done.setdefault(f"identity:{subject['id']}", set())
        collector.node(
            Node(
                key=f"identity:{subject['id']}",
                fields={
                    "kind": subject["type"],
                    "status": "active",
                    "name": str(subject["id"]).split(":", 2)[-1],
                },
                properties={"cluster": names.name},
            )
        )
        if str(record["id"]).partition("#")[0] not in refused:
            actions.add(str(action["name"]))
        key = resource_key(str(resource["type"]), str(resource["id"]))
        if not collector.has(key):
            collector.counts["resources"] += 1
            collector.node(Node(key=key, properties={"cluster": names.name}))
    for event in listed:
        _groups(names, acting(event), collector)
    for identity, actions in done.items():
        collector.counts["identities"] += 1
        _rights(names, identity, actions, collector)
    return collector.finish(counted=_COUNTS)


def _part(record: dict[str, Json], name: str) -> dict[str, Json]:
    found = record[name]
    return found if isinstance(found, dict) else {}


def _groups(names: Cluster, user: Event, collector: Collector) -> None:
    groups = user.get("groups")
    for group in groups if isinstance(groups, list) else ():
        key = names.group(str(group))
        collector.node(Node(key=key, fields={"name": str(group)}, properties={"cluster": names.name}))
        collector.edge("MEMBER_OF", names.user(str(user.get("username"))), key)


def _rights(names: Cluster, identity: str, actions: set[str], collector: Collector) -> None:
    if not actions:
        return
    key = f"permission:{identity.removeprefix('identity:')}#audit"
    fields: dict[str, Json] = {
        "effect": "allow",
        "actions": list[Json](sorted(actions)),
        "resources": [f"k8s-url:{names.name}/*", f"k8s:{names.name}/*"],
    }
    collector.node(Node(key=key, fields=fields, properties={"observed": True}))
    collector.edge("GRANTED", identity, key)
