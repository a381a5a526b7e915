"""The embedded store: one file, durable, one process; nothing to set up."""

from graphsvc.store.sqlite.store import SqliteStore as SqliteStore
from graphsvc.store.sqlite.store import open_sqlite as open_sqlite

__all__ = ["SqliteStore", "open_sqlite"]
