"""Audit logs of Kubernetes API servers: recorded requests to a trace of action chains, and to the estate they were made in."""

from graphsvc.importers.kubernetes_audit.estate import to_estate
from graphsvc.importers.kubernetes_audit.event import read_events
from graphsvc.importers.kubernetes_audit.trace import to_trace

__all__ = ["read_events", "to_estate", "to_trace"]
