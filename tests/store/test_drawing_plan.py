"""How SQLite looks things up while the graph is drawn: its cost must not grow with the history."""

from __future__ import annotations

import sqlite3

import pytest

from graphsvc.store.sqlite import drawing
from graphsvc.store.sqlite.file import known_migrations

_STATEMENTS = {
    "put edges": drawing._PUT_EDGES.format(rows="(?, ?, ?, ?)"),
    "change nodes": drawing._CHANGE_NODES,
    "add nodes": drawing._ADD_NODES,
    "change edges": drawing._CHANGE_EDGES,
    "add edges": drawing._ADD_EDGES,
    "patterns": drawing._PATTERNS,
}


@pytest.fixture
def connection() -> sqlite3.Connection:
    """An empty database of the newest version."""
    made = sqlite3.connect(":memory:")
    for migration in known_migrations("graph"):
        made.executescript(migration.sql)
    return made


@pytest.mark.parametrize("name", _STATEMENTS)
def test_rows_are_found_by_their_keys(connection: sqlite3.Connection, name: str) -> None:
    """Every table but the given strokes is searched by its primary key, never read or gone through by label."""
    statement = _STATEMENTS[name]
    values = ("[]",) * statement.count("?")
    plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}", values).fetchall()
    steps = [step for _, _, _, step in plan if " node " in step or " edge " in step]
    assert steps
    for step in steps:
        assert step.startswith("SEARCH"), step
        assert "key=?" in step or "start=? AND type=? AND end=?" in step, step
