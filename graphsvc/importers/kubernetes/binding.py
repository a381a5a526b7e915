"""Bindings: which subject has which role, and where."""

from __future__ import annotations

from collections.abc import Iterable

from graphsvc.core.value import Json
from graphsvc.errors import BadInput
from graphsvc.importers.kubernetes.manifest import Manifest
from graphsvc.importers.kubernetes.name import RBAC
from graphsvc.importers.kubernetes.role import Roles
from graphsvc.importers.kubernetes.subject import Subjects
from graphsvc.importers.result import Collector

__all__ = ["bind"]


def bind(manifests: Iterable[Manifest], roles: Roles, subjects: Subjects, collector: Collector) -> None:
    """Draw HAS_ROLE for every subject of every binding; `bindings` of an edge lists those that say so.

    A RoleBinding to a ClusterRole gives that role's rights in the binding's namespace alone.
    """
    drawn: dict[tuple[str, str], list[Json]] = {}
    for manifest in manifests:
        if manifest.kind not in {"RoleBinding", "ClusterRoleBinding"}:
            continue
        collector.counts["bindings"] += 1
        try:
            role = _role(manifest, roles)
        except BadInput as error:
            collector.skip(manifest.place, str(error))
            continue
        listed = manifest.body.get("subjects")
        if listed is None:
            listed = []
        if not isinstance(listed, list):
            collector.skip(f"{manifest.place}.subjects", "must be a list")
            continue
        name = manifest.name if manifest.namespace is None else f"{manifest.namespace}/{manifest.name}"
        if not listed:
            collector.note(f"{manifest.kind} `{name}` has no subjects: it gives nothing to anybody")
        for index, subject in enumerate(listed):
            place = f"{manifest.place}.subjects[{index}]"
            try:
                holder = subjects.of(subject, place)
            except BadInput as error:
                collector.skip(place, str(error).removeprefix(f"{place}: "))
                continue
            by = drawn.setdefault((holder, role), [])
            if f"{manifest.kind}/{name}" not in by:
                by.append(f"{manifest.kind}/{name}")
    for (holder, role), by in drawn.items():
        collector.edge("HAS_ROLE", holder, role, {"bindings": by})


def _role(manifest: Manifest, roles: Roles) -> str:
    place = f"{manifest.place}.roleRef"
    ref = manifest.section("roleRef")
    kind, name, group = ref.get("kind"), ref.get("name"), ref.get("apiGroup")
    if not isinstance(name, str) or not name:
        raise BadInput(f"{place}.name: must name a role", field=f"{place}.name")
    if group not in (RBAC, None, ""):
        raise BadInput(f"{place}.apiGroup: `{group}` is not {RBAC}", field=f"{place}.apiGroup")
    if kind == "ClusterRole":
        return roles.take("ClusterRole", None, name, manifest.namespace)
    if kind == "Role" and manifest.kind == "RoleBinding":
        return roles.take("Role", manifest.namespace, name, manifest.namespace)
    raise BadInput(f"{place}.kind: a {manifest.kind} cannot bind a `{kind}`", field=f"{place}.kind")
