"""The stores: memory, SQLite and Neo4j behind one contract."""
