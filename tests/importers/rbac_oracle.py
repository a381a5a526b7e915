"""The RBAC authorizer of Kubernetes, written down from its documentation over plain manifests.

Imports nothing of the product. Aggregated roles are expanded as the controller does; subjects are user
names with their groups.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """namespace and name may be empty; url: a request for no resource."""

    user: str
    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    url: str = ""


def groups_of(user: str) -> list[str]:
    """The groups that the API server itself puts somebody into."""
    if user == "system:anonymous":
        return ["system:unauthenticated"]
    found = ["system:authenticated"]
    if user.startswith("system:serviceaccount:"):
        namespace = user.split(":")[2]
        found += ["system:serviceaccounts", f"system:serviceaccounts:{namespace}"]
    if user.startswith("system:node:"):
        found.append("system:nodes")
    return found


def is_allowed(manifests: list[Manifest], request: Request) -> bool:
    """Whether any binding gives the right."""
    for binding in manifests:
        if binding["kind"] not in {"RoleBinding", "ClusterRoleBinding"}:
            continue
        if not any(_is_subject(subject, request.user) for subject in binding.get("subjects") or []):
            continue
        if binding["kind"] == "RoleBinding" and binding["metadata"]["namespace"] != request.namespace:
            continue
        rules = _rules(manifests, binding)
        if any(_matches(rule, request) for rule in rules):
            return True
    return False


def _is_subject(subject: Manifest, user: str) -> bool:
    if subject["kind"] == "User":
        return bool(subject["name"] == user)
    if subject["kind"] == "Group":
        return subject["name"] in groups_of(user)
    return f"system:serviceaccount:{subject['namespace']}:{subject['name']}" == user


def _rules(manifests: list[Manifest], binding: Manifest) -> list[Manifest]:
    kind, name = binding["roleRef"]["kind"], binding["roleRef"]["name"]
    for role in manifests:
        if role["kind"] == kind and role["metadata"]["name"] == name:
            if kind == "ClusterRole":
                return _aggregated(manifests, role, set())
            if role["metadata"]["namespace"] == binding["metadata"]["namespace"]:
                return list(role.get("rules") or [])
    return []


def _aggregated(manifests: list[Manifest], role: Manifest, seen: set[str]) -> list[Manifest]:
    if role["metadata"]["name"] in seen:
        return []
    seen = seen | {role["metadata"]["name"]}
    if "aggregationRule" not in role:
        return list(role.get("rules") or [])
    found: list[Manifest] = []
    for selector in role["aggregationRule"]["clusterRoleSelectors"]:
        for other in manifests:
            labels = other["metadata"].get("labels", {})
            if other["kind"] == "ClusterRole" and selector["matchLabels"].items() <= labels.items():
                found += _aggregated(manifests, other, seen)
    return found


def _matches(rule: Manifest, request: Request) -> bool:
    if not _has(rule.get("verbs"), request.verb):
        return False
    if request.url:
        return any(
            url in {"*", request.url} or (url.endswith("*") and request.url.startswith(url[:-1]))
            for url in rule.get("nonResourceURLs") or []
        )
    combined = f"{request.resource}/{request.subresource}" if request.subresource else request.resource
    resources = rule.get("resources") or []
    return (
        _has(rule.get("apiGroups"), request.group)
        and (
            _has(resources, combined) or bool(request.subresource and f"*/{request.subresource}" in resources)
        )
        and (not rule.get("resourceNames") or request.name in rule["resourceNames"])
    )


def _has(listed: list[str] | None, wanted: str) -> bool:
    return "*" in (listed or []) or wanted in (listed or [])
