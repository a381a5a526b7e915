"""What is listed of a cluster, where the API serves it, and the rights that this takes."""

from __future__ import annotations

from dataclasses import dataclass

from graphsvc.importers.kubernetes.manifest import KINDS

__all__ = ["SECRETS", "Resource", "cluster_role", "resources"]

# Names, namespaces and annotations, without what the objects hold.
_METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
# The same as a table, which tells the type of a secret besides; asked first, for old servers have only the other.
_TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1"
SECRETS = "secrets"


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of object. group: empty for the core group; plural: its name in URLs and in rules."""

    kind: str
    group: str
    namespaced: bool

    @property
    def plural(self) -> str:
        """Its name in URLs and in rules."""
        return f"{self.kind.lower()}s"

    @property
    def version(self) -> str:
        """The `apiVersion` of its objects; every group that is read has a `v1`."""
        return f"{self.group}/v1" if self.group else "v1"

    @property
    def accept(self) -> str:
        """The form that is asked for: all of an object only where more than its name matters."""
        if self.plural == SECRETS:
            return f"{_TABLE},{_METADATA}"
        return _METADATA if self.kind == "Node" else "application/json"

    def path(self, namespace: str | None) -> str:
        """Where the list lies. namespace: None for all of them."""
        root = f"/apis/{self.version}" if self.group else "/api/v1"
        within = f"/namespaces/{namespace}" if self.namespaced and namespace is not None else ""
        return f"{root}{within}/{self.plural}"

    @property
    def rule(self) -> str:
        """The rule of a role that permits to list it."""
        return f'{{apiGroups: ["{self.group}"], resources: ["{self.plural}"], verbs: ["list"]}}'


def resources() -> list[Resource]:
    """All kinds that the importer understands, those that give rights first."""
    return [Resource(kind, group, namespaced) for kind, (group, namespaced) in KINDS.items()]


def cluster_role() -> str:
    """The smallest ClusterRole that shows everything but secrets, with what to add for them, as YAML."""
    groups: dict[str, list[str]] = {}
    for resource in resources():
        if resource.plural != SECRETS:
            groups.setdefault(resource.group, []).append(resource.plural)
    rules = "".join(
        f'  - apiGroups: ["{group}"]\n    resources: [{", ".join(sorted(plurals))}]\n    verbs: [list]\n'
        for group, plurals in sorted(groups.items())
    )
    return f"""\
# What `graphsvc import kubernetes --live` asks of a cluster: lists, and nothing else.
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: graphsvc-import
rules:
{rules}\
  # Which secrets there are and whose token they hold. graphsvc asks for names and types alone, but Kubernetes has no
  # right for that: whoever may list secrets may read them. Without it the import says what is unknown.
  # - apiGroups: [""]
  #   resources: [{SECRETS}]
  #   verbs: [list]
"""
