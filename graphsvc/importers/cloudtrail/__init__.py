"""CloudTrail: recorded API calls to a trace of action chains, and to the estate they were made in."""

from graphsvc.importers.cloudtrail.estate import to_estate
from graphsvc.importers.cloudtrail.event import read_events
from graphsvc.importers.cloudtrail.trace import to_trace

__all__ = ["read_events", "to_estate", "to_trace"]
