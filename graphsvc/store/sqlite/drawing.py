"""The drawn graph in SQLite: strokes become rows of `node` and `edge`."""

from __future__ import annotations

import sqlite3

import msgspec

from graphsvc.decide.ports import Strokes

__all__ = ["count", "draw", "drawn"]

# A merge patch does what a stroke says: it sets what is given and removes what is null.
_NODE = """
INSERT INTO node (key, label, properties) VALUES (?1, ?2, json_patch('{}', ?3))
ON CONFLICT (key) DO UPDATE SET label = excluded.label, properties = json_patch(properties, ?3)
"""
_EDGE = """
INSERT INTO edge (start, type, "end", properties) SELECT ?1, ?2, ?3, json_patch('{}', ?4)
WHERE EXISTS (SELECT 1 FROM node WHERE key = ?1) AND EXISTS (SELECT 1 FROM node WHERE key = ?3)
ON CONFLICT (start, type, "end") DO UPDATE SET properties = json_patch(properties, ?4)
"""
_PATTERNS = """
INSERT OR IGNORE INTO decision_pattern (pattern, key)
SELECT item.value, node.key FROM node, json_each(node.properties, '$.patterns') AS item
WHERE node.key = ? AND node.label = 'Decision'
"""


def drawn(connection: sqlite3.Connection) -> int:
    """The number up to which the graph is drawn."""
    number: int = connection.execute("SELECT drawn FROM store").fetchone()[0]
    return number


def draw(connection: sqlite3.Connection, strokes: Strokes, expected: int, target: int) -> bool:
    """Inside an open write transaction: draw and move the cursor; False when it is not at `expected`."""
    moved = connection.execute("UPDATE store SET drawn = ? WHERE drawn = ?", (target, expected)).rowcount
    if not moved:
        return False
    encode = msgspec.json.encode
    connection.executemany(
        _NODE, [(node.key, node.label, encode(node.properties).decode()) for node in strokes.nodes]
    )
    decisions = [
        (node.key,) for node in strokes.nodes if node.label == "Decision" and "patterns" in node.properties
    ]
    connection.executemany("DELETE FROM decision_pattern WHERE key = ?", decisions)
    connection.executemany(_PATTERNS, decisions)
    connection.executemany(
        _EDGE, [(edge.start, edge.type, edge.end, encode(edge.properties).decode()) for edge in strokes.edges]
    )
    connection.executemany(
        'DELETE FROM edge WHERE type = ? AND start = ? AND "end" = ?', strokes.removed_edges
    )
    gone = [(key,) for key in strokes.removed_nodes]
    connection.executemany("DELETE FROM edge WHERE start = ?", gone)
    connection.executemany('DELETE FROM edge WHERE "end" = ?', gone)
    connection.executemany("DELETE FROM decision_pattern WHERE key = ?", gone)
    connection.executemany("DELETE FROM node WHERE key = ?", gone)
    return True


def count(connection: sqlite3.Connection) -> dict[str, int]:
    """How many nodes there are by label and edges by type."""
    nodes = connection.execute("SELECT label, count(*) FROM node GROUP BY label")
    edges = connection.execute("SELECT type, count(*) FROM edge GROUP BY type")
    return {**dict(nodes.fetchall()), **dict(edges.fetchall())}
