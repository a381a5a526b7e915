"""The drawn graph in SQLite: strokes become rows of `node` and `edge`, in a file that holds nothing else."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import lru_cache

import msgspec

from graphsvc.decide.ports import KEPT, EdgeStroke, NodeStroke, Strokes
from graphsvc.store.stroke import merged_edges, merged_nodes

__all__ = ["begin", "count", "draw", "drawn", "owner", "touch"]

# Many rows a statement: between statements the writer's thread needs the interpreter, which the rest of a busy service
# keeps for a good while, while decisions wait for the writer. Strokes that only set values, as those of all decisions do,
# are bound as rows, for taking them out of a JSON text costs more than writing them. Rows of nothing fill them up to one of
# few sizes, because a statement is compiled once.
_SIZES = (8, 16, 32, 64, 128, 256, 512, 1024)
# A graph that was imported is not one text: it would be held once more, and taken apart in memory.
_PART = 5_000
_PUT_NODES = """
INSERT INTO node (key, label, properties)
SELECT column1, column2, column3 FROM (VALUES {rows}) WHERE column1 IS NOT NULL
ON CONFLICT (key) DO UPDATE SET label = excluded.label, properties = json_patch(node.properties, excluded.properties)
"""
_PUT_EDGES = """
INSERT INTO edge (start, type, "end", properties)
SELECT column1, column2, column3, column4 FROM (VALUES {rows})
WHERE EXISTS (SELECT 1 FROM node WHERE key = column1) AND EXISTS (SELECT 1 FROM node WHERE key = column3)
ON CONFLICT (start, type, "end") DO UPDATE SET properties = json_patch(edge.properties, excluded.properties)
WHERE excluded.properties <> '{{}}'
"""
# The others as one JSON text. A merge patch does what a stroke says: it sets what is given and removes what is null.
_NODES = "SELECT value ->> 0 AS key, value ->> 1 AS label, value -> 2 AS patch, value ->> 3 AS whole FROM json_each(?)"
# Of a whole stroke only what it says is left, and what other strokes draw.
_NAMES = ", ".join(f"'{name}'" for name in KEPT)
_KEPT = f"""
SELECT json_group_object(key, node.properties -> key) FROM json_each(node.properties) WHERE key IN ({_NAMES})
"""  # noqa: S608  texts of this module only
_CHANGE_NODES = f"""
UPDATE node SET label = given.label,
properties = json_patch(CASE WHEN given.whole THEN ({_KEPT}) ELSE node.properties END, given.patch)
FROM ({_NODES}) AS given WHERE node.key = given.key
"""  # noqa: S608  texts of this module only
_ADD_NODES = f"""
INSERT INTO node (key, label, properties) SELECT key, label, json_patch('{{}}', patch) FROM ({_NODES}) AS given
WHERE NOT EXISTS (SELECT 1 FROM node WHERE node.key = given.key)
"""  # noqa: S608  texts of this module only
_EDGES = """
SELECT value ->> 0 AS start, value ->> 1 AS type, value ->> 2 AS "end", value -> 3 AS patch, value ->> 4 AS whole FROM json_each(?)
"""
_CHANGE_EDGES = f"""
UPDATE edge SET properties = json_patch(CASE WHEN given.whole THEN '{{}}' ELSE edge.properties END, given.patch) FROM ({_EDGES}) AS given
WHERE edge.start = given.start AND edge.type = given.type AND edge."end" = given."end"
AND (given.patch <> '{{}}' OR given.whole AND edge.properties <> '{{}}')
"""  # noqa: S608  texts of this module only
_ADD_EDGES = f"""
INSERT OR IGNORE INTO edge (start, type, "end", properties)
SELECT start, type, "end", json_patch('{{}}', patch) FROM ({_EDGES}) AS given
WHERE EXISTS (SELECT 1 FROM node WHERE key = given.start) AND EXISTS (SELECT 1 FROM node WHERE key = given."end")
"""  # noqa: S608  texts of this module only
# The plus keeps the label from choosing the index: there are as many decisions as there ever were.
_PATTERNS = """
INSERT OR IGNORE INTO decision_pattern (pattern, key)
SELECT item.value, node.key FROM node, json_each(node.properties, '$.patterns') AS item
WHERE node.key IN (SELECT value FROM json_each(?)) AND +node.label = 'Decision'
"""


def owner(connection: sqlite3.Connection) -> str | None:
    """The incarnation of the store that is drawn here; None in a file where no drawing has begun."""
    row = connection.execute("SELECT incarnation FROM drawing").fetchone()
    return None if row is None else str(row[0])


def begin(connection: sqlite3.Connection, incarnation: str, drawn: int) -> None:
    """From now on the file holds the drawing of that store, up to a number."""
    connection.execute("INSERT INTO drawing (one, incarnation, drawn) VALUES (1, ?, ?)", (incarnation, drawn))


def drawn(connection: sqlite3.Connection) -> int:
    """The number up to which the graph is drawn."""
    number: int = connection.execute("SELECT drawn FROM drawing").fetchone()[0]
    return number


def touch(connection: sqlite3.Connection) -> int:
    """Inside an open write transaction: change nothing, so that committing it settles all before; up to where it is drawn."""
    connection.execute("UPDATE drawing SET drawn = drawn")
    return drawn(connection)


def draw(connection: sqlite3.Connection, strokes: Strokes, expected: int, target: int) -> bool:
    """Inside an open write transaction: draw and move the cursor; False when it is not at `expected`."""
    moved = connection.execute("UPDATE drawing SET drawn = ? WHERE drawn = ?", (target, expected)).rowcount
    if not moved:
        return False
    _draw_nodes(connection, merged_nodes(strokes.nodes))
    told = [node for node in strokes.nodes if node.label == "Decision" and "patterns" in node.properties]
    if told:
        keys = (_as_json([node.key for node in told]),)
        connection.execute("DELETE FROM decision_pattern WHERE key IN (SELECT value FROM json_each(?))", keys)
        if any(node.properties["patterns"] for node in told):
            connection.execute(_PATTERNS, keys)
    _draw_edges(connection, merged_edges(strokes.edges))
    if strokes.removed_edges:
        connection.executemany(
            'DELETE FROM edge WHERE type = ? AND start = ? AND "end" = ?', strokes.removed_edges
        )
    if strokes.removed_nodes:
        _remove_nodes(connection, strokes.removed_nodes)
    return True


def _remove_nodes(connection: sqlite3.Connection, keys: Sequence[str]) -> None:
    gone = [(key,) for key in keys]
    connection.executemany("DELETE FROM edge WHERE start = ?", gone)
    connection.executemany('DELETE FROM edge WHERE "end" = ?', gone)
    connection.executemany("DELETE FROM decision_pattern WHERE key = ?", gone)
    connection.executemany("DELETE FROM node WHERE key = ?", gone)


def _draw_nodes(connection: sqlite3.Connection, nodes: list[NodeStroke]) -> None:
    rows = [(each.key, each.label, _as_json(each.properties)) for each in nodes if _only_sets(each)]
    # In the order of their keys, so that neighbours are written together.
    _put(connection, _PUT_NODES, sorted(rows))
    if len(rows) < len(nodes):
        others = [each for each in nodes if not _only_sets(each)]
        for begin in range(0, len(others), _PART):
            part = others[begin : begin + _PART]
            text = _as_json([(each.key, each.label, each.properties, each.whole) for each in part])
            # What is there is changed first: what is added then must not be changed again.
            connection.execute(_CHANGE_NODES, (text,))
            connection.execute(_ADD_NODES, (text,))


def _draw_edges(connection: sqlite3.Connection, edges: list[EdgeStroke]) -> None:
    rows = [
        (each.start, each.type, each.end, _as_json(each.properties)) for each in edges if _only_sets(each)
    ]
    _put(connection, _PUT_EDGES, sorted(rows))
    if len(rows) < len(edges):
        others = [each for each in edges if not _only_sets(each)]
        for begin in range(0, len(others), _PART):
            part = others[begin : begin + _PART]
            text = _as_json([(each.start, each.type, each.end, each.properties, each.whole) for each in part])
            connection.execute(_CHANGE_EDGES, (text,))
            connection.execute(_ADD_EDGES, (text,))


def _only_sets(stroke: NodeStroke | EdgeStroke) -> bool:
    return not stroke.whole and None not in stroke.properties.values()


def _put(connection: sqlite3.Connection, statement: str, rows: Sequence[tuple[str, ...]]) -> None:
    place = 0
    while place < len(rows):
        part = rows[place : place + _SIZES[-1]]
        size = next(size for size in _SIZES if size >= len(part))
        width = len(part[0])
        values: list[str | None] = [value for row in part for value in row]
        values += [None] * (width * (size - len(part)))
        # Of many rows, of which there is one: else the driver asks for the number of the row, another turn.
        connection.executemany(_put_many(statement, size, width), (values,))
        place += len(part)


@lru_cache(4 * len(_SIZES))
def _put_many(statement: str, size: int, width: int) -> str:
    one = f"({', '.join('?' * width)})"
    return statement.format(rows=", ".join([one] * size))


def _as_json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def count(connection: sqlite3.Connection) -> dict[str, int]:
    """How many nodes there are by label and edges by type."""
    nodes = connection.execute("SELECT label, count(*) FROM node GROUP BY label")
    edges = connection.execute("SELECT type, count(*) FROM edge GROUP BY type")
    return {**dict(nodes.fetchall()), **dict(edges.fetchall())}
