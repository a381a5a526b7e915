"""Kubernetes: manifests and dumps of RBAC, service accounts and workloads to identities, roles and rights."""

from graphsvc.importers.kubernetes.cluster import read

__all__ = ["read"]
