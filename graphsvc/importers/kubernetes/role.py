"""Roles and their rules: what a binding hands out, in the scope where it does."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from graphsvc.core.graph import Node
from graphsvc.core.value import Json
from graphsvc.errors import BadInput
from graphsvc.importers.kubernetes.danger import dangers
from graphsvc.importers.kubernetes.manifest import Manifest
from graphsvc.importers.kubernetes.name import Cluster
from graphsvc.importers.kubernetes.rule import Rule, read_rule
from graphsvc.importers.kubernetes.selector import Selector, read_selector
from graphsvc.importers.result import Collector

__all__ = ["Roles"]

RoleName = tuple[str, str | None, str]


class Roles:
    """The roles of an import; `take` draws one in a scope, with the roles that it gathers."""

    def __init__(self, manifests: Iterable[Manifest], cluster: Cluster, collector: Collector) -> None:
        self._cluster = cluster
        self._collector = collector
        self._rules: dict[RoleName, list[Rule]] = {}
        self._gathered: dict[RoleName, list[RoleName]] = {}
        self._held: dict[RoleName, Manifest] = {}
        self._drawn: set[str] = set()
        selectors: dict[RoleName, list[Selector]] = {}
        for manifest in manifests:
            if manifest.kind not in {"Role", "ClusterRole"}:
                continue
            name: RoleName = (manifest.kind, manifest.namespace, manifest.name)
            collector.counts["roles" if manifest.kind == "Role" else "cluster_roles"] += 1
            self._held[name] = manifest
            self._rules[name] = self._read(manifest)
            if manifest.kind == "ClusterRole" and manifest.body.get("aggregationRule") is not None:
                collector.counts["roles_aggregated"] += 1
                try:
                    selectors[name] = _selectors(manifest)
                except BadInput as error:
                    collector.skip(manifest.place, str(error))
                    collector.incomplete(
                        f"ClusterRole `{manifest.name}`: which roles it gathers cannot be read"
                    )
                    selectors[name] = []
        for name, listed in selectors.items():
            self._gathered[name] = [
                other
                for other, manifest in self._held.items()
                if other != name
                and other[0] == "ClusterRole"
                and any(selector(_labels(manifest)) for selector in listed)
            ]
        self._own = {
            name: self._settled(name) if name in selectors else rules for name, rules in self._rules.items()
        }

    def names(self) -> list[RoleName]:
        """All roles of the input."""
        return list(self._held)

    def take(self, kind: str, home: str | None, name: str, scope: str | None) -> str:
        """The key of a role in a scope (None: the whole cluster), drawn with its permissions.

        A role that the input lacks is drawn without any, marked incomplete: what it gives is unknown.
        """
        key = self._cluster.role(kind, name, home=home, scope=scope)
        if key in self._drawn:
            return key
        self._drawn.add(key)
        properties: dict[str, Json] = {"kubernetes_kind": kind, "cluster": self._cluster.name}
        if scope is not None:
            properties["namespace"] = scope
        manifest = self._held.get((kind, home, name))
        if manifest is None:
            where = f"namespace `{home}`" if home is not None else "the input"
            self._collector.incomplete(
                f"{kind} `{name}` is bound, but not in {where}: it gives no rights here"
            )
            properties["incomplete"] = True
        self._collector.node(Node(key=key, fields={"name": name}, properties=properties))
        for rule in self._own.get((kind, home, name), []):
            self._grant(key, rule, scope)
        for other in self._gathered.get((kind, home, name), []):
            self._collector.edge("INHERITS", key, self.take(*other, scope), {"via": "aggregation"})
        return key

    def _grant(self, role: str, rule: Rule, scope: str | None) -> None:
        risky = dangers(rule)
        for number, fields in enumerate(rule.permissions(self._cluster, scope)):
            suffix = f".{number}" if number else ""
            key = f"permission:{role.removeprefix('role:')}#{rule.digest}{suffix}"
            native: dict[str, Json] = {
                name: list[Json](listed)
                for name, listed in (
                    ("verbs", rule.verbs), ("apiGroups", rule.groups), ("resources", rule.resources),
                    ("resourceNames", rule.names), ("nonResourceURLs", rule.urls),
                )
                if listed
            }  # fmt: skip
            fields["native"] = {"text": msgspec.json.encode(native).decode()}
            properties: dict[str, Json] = {"dangers": list[Json](risky)} if risky else {}
            self._collector.node(Node(key=key, fields=fields, properties=properties))
            self._collector.edge("GRANTED", role, key)

    def _read(self, manifest: Manifest) -> list[Rule]:
        listed = manifest.body.get("rules")
        if listed is None:
            return []
        where = f"{manifest.place}.rules"
        if not isinstance(listed, list):
            self._collector.skip(where, "must be a list or null")
            self._collector.incomplete(f"{manifest.kind} `{manifest.name}`: its rules cannot be read")
            return []
        rules: dict[Rule, None] = {}
        for index, value in enumerate(listed):
            try:
                rule = read_rule(value, f"{where}[{index}]")
            except BadInput as error:
                self._collector.skip(f"{where}[{index}]", str(error))
                self._collector.incomplete(f"{manifest.kind} `{manifest.name}`: a rule cannot be read")
                continue
            self._collector.counts["rules"] += 1
            for part in rule.dropped:
                self._collector.note(
                    f"{manifest.kind} `{manifest.name}`, {part} matches nothing: a star stands alone in Kubernetes"
                )
            if rule.urls and manifest.kind == "Role":
                self._collector.skip(f"{where}[{index}]", "a Role cannot hold `nonResourceURLs`")
                continue
            self._collector.counts["rules_dangerous"] += bool(dangers(rule))
            rules.setdefault(rule)
        return list(rules)

    def _settled(self, name: RoleName) -> list[Rule]:
        """Rules of an aggregated role that no gathered role brings.

        The controller overwrites what a manifest says, so those are left out; a dump of a cluster shows
        the controller's work, so there they are rights from roles that the input lacks.
        """
        gathered = {
            rule
            for other in self._closure(name)
            if other not in self._gathered or _is_live(self._held[other])
            for rule in self._rules[other]
        }
        extra = [rule for rule in self._rules[name] if rule not in gathered]
        live = _is_live(self._held[name])
        if extra and live:
            self._collector.note(
                f"ClusterRole `{name[2]}` holds {len(extra)} rules gathered from roles that the input lacks"
            )
        elif extra:
            self._collector.incomplete(
                f"ClusterRole `{name[2]}` is aggregated: its own {len(extra)} rules are left out, for Kubernetes"
                " overwrites them"
            )
        return extra if live else []

    def _closure(self, name: RoleName) -> list[RoleName]:
        seen: dict[RoleName, None] = {}
        queue = list(self._gathered[name])
        for other in queue:
            if other not in seen:
                seen[other] = None
                queue += self._gathered.get(other, [])
        return [other for other in seen if other != name]


def _is_live(manifest: Manifest) -> bool:
    """True for an object read from a cluster, false for one written to be applied."""
    return "uid" in manifest.metadata or "resourceVersion" in manifest.metadata


def _labels(manifest: Manifest) -> dict[str, str]:
    return {
        name: value
        for name, value in manifest.section("metadata", "labels").items()
        if isinstance(value, str)
    }


def _selectors(manifest: Manifest) -> list[Selector]:
    place = f"{manifest.place}.aggregationRule"
    listed = manifest.section("aggregationRule").get("clusterRoleSelectors")
    if not isinstance(listed, list):
        raise BadInput(f"{place}.clusterRoleSelectors: must be a list of selectors", field=place)
    return [
        read_selector(value, f"{place}.clusterRoleSelectors[{index}]") for index, value in enumerate(listed)
    ]
