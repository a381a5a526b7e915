"""Users, groups and service accounts, those that Kubernetes itself defines included.

Source: Kubernetes documentation, "Using RBAC Authorization", sections on subjects and default groups.
"""

from __future__ import annotations

from graphsvc.core.graph import Node
from graphsvc.core.value import Json
from graphsvc.errors import BadInput
from graphsvc.importers.kubernetes.danger import WORKLOAD_KINDS
from graphsvc.importers.kubernetes.name import RBAC, Cluster
from graphsvc.importers.result import Collector

__all__ = ["AUTHENTICATED", "MASTERS", "Subjects"]

AUTHENTICATED = "system:authenticated"
UNAUTHENTICATED = "system:unauthenticated"
MASTERS = "system:masters"
NODES = "system:nodes"
_ANONYMOUS = "system:anonymous"
_ACCOUNT = "system:serviceaccount:"
_NODE = "system:node:"


_SECRETS = ("", "secrets")


class Subjects:
    """Draws subjects once each, with the memberships that nobody has to declare."""

    def __init__(self, cluster: Cluster, collector: Collector) -> None:
        self._cluster = cluster
        self._collector = collector

    def service_account(self, namespace: str, name: str, *, declared: bool, **properties: Json) -> str:
        """A service account. declared: the input holds it; else it is only referred to."""
        username = f"{_ACCOUNT}{namespace}:{name}"
        key = self._cluster.user(username)
        if self._collector.has(key):
            return key
        if not declared and name != "default":
            # Every namespace has a `default`; others may not exist, and then nobody has their token.
            properties["undeclared"] = True
            self._collector.note(f"ServiceAccount `{namespace}/{name}` is used, but not in the input")
        self._identity(key, name, "workload", "ServiceAccount", namespace=namespace, **properties)
        self._made_in(namespace)
        for group in ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", AUTHENTICATED):
            self._collector.edge("MEMBER_OF", key, self.group(group))
        return key

    def _made_in(self, namespace: str) -> None:
        """Where workloads and secrets are made: what a right to create there is about, before anything is."""
        made: dict[str, Json] = {"cluster": self._cluster.name, "made": True}
        for group, resource in (*WORKLOAD_KINDS, _SECRETS):
            key = self._cluster.resource(namespace, group, resource, "")
            self._collector.node(Node(key=key, properties={**made, "namespace": namespace}))
        # What a right on the secrets of every namespace is about.
        self._collector.node(Node(key=self._cluster.resource(None, *_SECRETS, ""), properties=made))

    def user(self, username: str) -> str:
        """Somebody by user name; service accounts and nodes have names of their own shape."""
        if username.startswith(_ACCOUNT) and username.count(":") == 3:
            _, _, namespace, name = username.split(":")
            return self.service_account(namespace, name, declared=False)
        key = self._cluster.user(username)
        if self._collector.has(key):
            return key
        is_system = username.startswith("system:")
        kind = "Node" if username.startswith(_NODE) else "User"
        self._identity(key, username, "service" if is_system else "human", kind)
        groups = [UNAUTHENTICATED] if username == _ANONYMOUS else [AUTHENTICATED]
        if kind == "Node":
            groups.append(NODES)
        for group in groups:
            self._collector.edge("MEMBER_OF", key, self.group(group))
        return key

    def node(self, name: str) -> str:
        """The identity of a node's kubelet."""
        return self.user(f"{_NODE}{name}")

    def group(self, name: str) -> str:
        """A group; who else is in it, the credentials say, not the cluster."""
        key = self._cluster.group(name)
        properties: dict[str, Json] = {"cluster": self._cluster.name}
        if name.startswith("system:"):
            properties["built_in"] = True
        self._collector.node(Node(key=key, fields={"name": name}, properties=properties))
        return key

    def masters(self) -> None:
        """The group that the API server lets do everything, whatever the roles say."""
        fields: dict[str, Json] = {
            "effect": "allow",
            "actions": ["k8s:*"],
            "resources": [f"k8s-url:{self._cluster.name}/*", f"k8s:{self._cluster.name}/*"],
        }
        key = f"permission:k8s:{self._cluster.name}:{MASTERS}"
        self._collector.node(Node(key=key, fields=fields, properties={"built_in": True}))
        self._collector.edge("GRANTED", self.group(MASTERS), key)

    def of(self, subject: Json, place: str) -> str:
        """The subject of a binding; BadInput names what is malformed."""
        if not isinstance(subject, dict):
            raise BadInput(f"{place}: must be a mapping", field=place)
        kind, name, group = subject.get("kind"), subject.get("name"), subject.get("apiGroup") or ""
        if not isinstance(name, str) or not name:
            raise BadInput(f"{place}.name: must be text that is not empty", field=f"{place}.name")
        if kind == "ServiceAccount" and group == "":
            namespace = subject.get("namespace")
            if not isinstance(namespace, str) or not namespace:
                raise BadInput(
                    f"{place}.namespace: a ServiceAccount needs one; Kubernetes refuses it without",
                    field=f"{place}.namespace",
                )
            return self.service_account(namespace, name, declared=False)
        if kind in ("User", "Group") and group in ("", RBAC):
            return self.user(name) if kind == "User" else self.group(name)
        raise BadInput(
            f"{place}: `{kind}` of API group `{group}` is none of User, Group ({RBAC}) and ServiceAccount",
            field=f"{place}.kind",
        )

    def _identity(self, key: str, name: str, kind: str, kubernetes_kind: str, **properties: Json) -> None:
        fields: dict[str, Json] = {"kind": kind, "status": "active", "name": name}
        told: dict[str, Json] = {
            "cluster": self._cluster.name,
            "kubernetes_kind": kubernetes_kind,
            **properties,
        }
        self._collector.counts["identities"] += 1
        self._collector.node(Node(key=key, fields=fields, properties=told))
