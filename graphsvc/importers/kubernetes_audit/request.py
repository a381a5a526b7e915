"""What a request was: by whom, in which chain, which action, on what."""

from __future__ import annotations

from graphsvc.core.value import Json
from graphsvc.importers.kubernetes.name import Cluster, action
from graphsvc.importers.kubernetes_audit.event import Event, child

__all__ = ["action_name", "chain_of", "issued", "kind_of", "resource_of", "subject_id"]

_ACCOUNT = "system:serviceaccount:"
_CREDENTIAL = "authentication.kubernetes.io/credential-id"
_ISSUED = "authentication.kubernetes.io/issued-credential-id"


def subject_id(cluster: Cluster, user: Event) -> str:
    """The identity of a user, as `graphsvc import kubernetes` names it."""
    return cluster.user(str(user.get("username"))).removeprefix("identity:")


def kind_of(user: Event) -> str:
    """workload, service or human, by the shape of the user's name."""
    name = str(user.get("username"))
    if name.startswith(_ACCOUNT):
        return "workload"
    return "service" if name.startswith("system:") else "human"


def chain_of(cluster: Cluster, event: Event, user: Event) -> str:
    """One chain per credential where the log tells it (Kubernetes 1.30 on), else per user; of who is impersonated, per impersonator."""
    held = child(user, "extra", _CREDENTIAL)
    credential = held[0] if isinstance(held, list) and held else None
    chain = f"k8s:{cluster.name}:{credential or user.get('username')}"
    if user is event.get("impersonatedUser"):
        real = event["user"]
        by = chain_of(cluster, event, real if isinstance(real, dict) else {})
        return f"{by}>{user.get('username')}"
    return chain


def issued(cluster: Cluster, event: Event) -> str | None:
    """The chain of the credential that a token request issued."""
    credential = child(event, "annotations", _ISSUED)
    return f"k8s:{cluster.name}:{credential}" if isinstance(credential, str) and credential else None


def action_name(event: Event) -> str:
    """`k8s:verb:group/resource`, as permissions of imported roles list it; `k8s:verb:url` of what is no resource."""
    verb, target = str(event["verb"]), _target(event)
    resource = target.get("resource")
    if not isinstance(resource, str) or not resource:
        return f"k8s:{verb}:url"
    below = target.get("subresource")
    return action(verb, str(target.get("apiGroup") or ""), f"{resource}/{below}" if below else resource)


def resource_of(cluster: Cluster, event: Event) -> tuple[str, str]:
    """Type and id of what it was about; an object that is made is named as the answer names it, where that was logged."""
    target = _target(event)
    resource = target.get("resource")
    if not isinstance(resource, str) or not resource:
        path = str(event.get("requestURI") or "/").partition("?")[0]
        return "k8s-url", f"{cluster.name}{path}"
    name = target.get("name")
    for part in ("responseObject", "requestObject"):
        name = name or child(event.get(part), "metadata", "name")
    namespace = target.get("namespace")
    key = cluster.resource(
        namespace if isinstance(namespace, str) and namespace else None,
        str(target.get("apiGroup") or ""),
        resource,
        str(name or ""),
    )
    return "k8s", key.removeprefix("resource:k8s:")


def _target(event: Event) -> dict[str, Json]:
    found = event.get("objectRef")
    return found if isinstance(found, dict) else {}
