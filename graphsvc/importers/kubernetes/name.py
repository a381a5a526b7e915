"""How things of a cluster are called in the graph. The scheme is in docs/importers.md.

Every name begins with the cluster's, so that two clusters never share an identity or a right.
"""

from __future__ import annotations

import re

from graphsvc.errors import BadInput

__all__ = ["CORE", "RBAC", "Cluster", "action"]

CORE = "core"
RBAC = "rbac.authorization.k8s.io"
_CLUSTER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def action(verb: str, group: str, resource: str) -> str:
    """The action of a request. group: `` is the core group; resource: `pods`, `pods/exec` or `*`."""
    return f"k8s:{verb}:{group or CORE}/{resource}"


class Cluster:
    """Keys of one cluster's nodes. namespace None: the cluster's own scope."""

    def __init__(self, name: str) -> None:
        if not _CLUSTER.fullmatch(name):
            raise BadInput(
                f"--cluster: `{name}` must be letters, digits, `.`, `_` and `-`; name the cluster so",
                field="cluster",
            )
        self.name = name

    def user(self, username: str) -> str:
        """The identity that the API server knows by this user name."""
        return f"identity:k8s:{self.name}:{username}"

    def service_account(self, namespace: str, name: str) -> str:
        """The identity of a service account, by the user name its tokens carry."""
        return self.user(f"system:serviceaccount:{namespace}:{name}")

    def group(self, name: str) -> str:
        """A group of users."""
        return f"group:k8s:{self.name}:{name}"

    def role(self, kind: str, name: str, *, home: str | None, scope: str | None) -> str:
        """A role as bound. home: the namespace of a Role; scope: where a binding makes it hold."""
        place = f"{home}/{name}" if home is not None else name
        within = f"/in/{scope}" if home is None and scope is not None else ""
        return f"role:k8s:{self.name}:{kind.lower()}/{place}{within}"

    def place(self, namespace: str | None) -> str:
        """The beginning of all resource ids of a scope."""
        return f"{self.name}/{'cluster' if namespace is None else f'namespaces/{namespace}'}"

    def resource(self, namespace: str | None, group: str, resource: str, name: str) -> str:
        """The key of an object."""
        return f"resource:k8s:{self.place(namespace)}/{group or CORE}/{resource}/{name}"
