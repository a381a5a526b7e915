"""A Kubernetes cluster as it is now: the objects that the importer understands, listed from its API server.

Only list requests are made, and of secrets no value is ever asked for. Needs the extra `kubernetes`.
"""

from graphsvc.importers.kubernetes_live.connection import ApiServer, connect
from graphsvc.importers.kubernetes_live.read import lists, read_live
from graphsvc.importers.kubernetes_live.resource import cluster_role

__all__ = ["ApiServer", "cluster_role", "connect", "lists", "read_live"]
