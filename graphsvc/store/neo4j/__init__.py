"""The store for teams: Neo4j holds the log and the graph that architects query."""

from graphsvc.store.neo4j.store import Neo4jStore as Neo4jStore
from graphsvc.store.neo4j.store import open_neo4j as open_neo4j

__all__ = ["Neo4jStore", "open_neo4j"]
