"""What rights of a cluster let their holder become more than it is: named, for readers and for rules.

Source: Kubernetes documentation, "Role Based Access Control Good Practices", section on privilege escalation.
"""

from __future__ import annotations

from graphsvc.importers.kubernetes.name import RBAC
from graphsvc.importers.kubernetes.rule import Rule

__all__ = ["DANGERS", "WORKLOAD_KINDS", "dangers"]

_WRITE = ("create", "update", "patch")
WORKLOAD_KINDS = (
    ("", "pods"), ("", "replicationcontrollers"), ("apps", "deployments"), ("apps", "replicasets"),
    ("apps", "statefulsets"), ("apps", "daemonsets"), ("batch", "jobs"), ("batch", "cronjobs"),
)  # fmt: skip
# Each: verbs, and the objects on which any of them is dangerous, as (API group, resource).
DANGERS: dict[str, tuple[tuple[str, ...], tuple[tuple[str, str], ...]]] = {
    "escalate": (("escalate",), ((RBAC, "roles"), (RBAC, "clusterroles"))),
    "bind": (("bind",), ((RBAC, "roles"), (RBAC, "clusterroles"))),
    "impersonate": (
        ("impersonate",),
        (
            ("", "users"), ("", "groups"), ("", "serviceaccounts"), ("authentication.k8s.io", "uids"),
            ("authentication.k8s.io", "userextras"),
        ),
    ),
    "create_pods": (("create",), WORKLOAD_KINDS),
    "change_pods": (("update", "patch"), WORKLOAD_KINDS),
    # Over a WebSocket an exec is a `get`.
    "exec": (("create", "get"), (("", "pods/exec"), ("", "pods/attach"), ("", "nodes/proxy"))),
    "debug": (("update", "patch"), (("", "pods/ephemeralcontainers"),)),
    "request_tokens": (("create",), (("", "serviceaccounts/token"),)),
    "read_secrets": (("get", "list", "watch"), (("", "secrets"),)),
    "approve_certificates": (
        ("update", "patch"),
        (("certificates.k8s.io", "certificatesigningrequests/approval"),),
    ),
    "change_admission": (
        _WRITE,
        (
            ("admissionregistration.k8s.io", "mutatingwebhookconfigurations"),
            ("admissionregistration.k8s.io", "validatingwebhookconfigurations"),
        ),
    ),
    "mount_host_paths": (("create",), (("", "persistentvolumes"),)),
}  # fmt: skip


def dangers(rule: Rule) -> list[str]:
    """Names of the dangers that a rule brings, sorted."""
    return sorted(
        name
        for name, (verbs, objects) in DANGERS.items()
        if any(rule.covers(verb, group, resource) for verb in verbs for group, resource in objects)
        or (name == "impersonate" and _extras(rule))
    )


def _extras(rule: Rule) -> bool:
    """Extra attributes of users are subresources, of any name."""
    extras = [resource for resource in rule.resources if resource.startswith("userextras/")]
    return any(rule.covers("impersonate", "authentication.k8s.io", extra) for extra in extras)
