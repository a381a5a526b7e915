"""BloodHound OpenGraph: graphs of other tools in, and any graph out and in again without loss."""

from graphsvc.importers.opengraph.export import write
from graphsvc.importers.opengraph.mapping import Mapping, read_mapping
from graphsvc.importers.opengraph.read import read

__all__ = ["Mapping", "read", "read_mapping", "write"]
