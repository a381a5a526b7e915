"""A second oracle: patterns as Cypher, run by a real Neo4j over the raw facts of a trace."""
