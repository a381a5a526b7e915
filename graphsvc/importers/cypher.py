"""A graph as Cypher statements: run in any Neo4j, they draw what graphsvc draws in its own.

Text is written with escapes of the Cypher language, so no value can end its literal.
Source: the Cypher manual, "Literals" and "Parsing" (names in backticks).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from typing import TypeVar

from graphsvc.core.graph import Edge, Node
from graphsvc.decide.draw import LABELS, flat, properties_of

__all__ = ["write"]

_Item = TypeVar("_Item")
_BATCH = 500
_ESCAPES = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def write(nodes: Iterable[Node], edges: Iterable[Edge]) -> Iterator[str]:
    """The statements, one after the other: constraints, nodes by key, edges by type and ends.

    The same facts give the same bytes. Running them again changes nothing.
    """
    for label in LABELS.values():
        yield f"CREATE CONSTRAINT {label}_key IF NOT EXISTS FOR (n:{label}) REQUIRE n.key IS UNIQUE;\n"
    ordered = sorted(nodes, key=lambda node: (node.kind, node.key))
    for kind, of_kind in groupby(ordered, key=lambda node: node.kind):
        for batch in _batched(of_kind):
            rows = [{"key": node.key, "properties": properties_of(node, node.labels)} for node in batch]
            yield (
                f"UNWIND {_literal(rows)} AS row\nMERGE (n:{LABELS[kind]} {{key: row.key}})"
                "\nSET n = row.properties, n.key = row.key;\n"
            )
    # Grouped by the labels of the ends too: a look-up by label and key uses the constraint's index.
    sorted_edges = sorted(
        edges, key=lambda edge: (edge.type, _label(edge.start), _label(edge.end), edge.start, edge.end)
    )
    for (edge_type, start, end), of_type in groupby(
        sorted_edges, key=lambda edge: (edge.type, _label(edge.start), _label(edge.end))
    ):
        for part in _batched(of_type):
            rows = [
                {"start": edge.start, "end": edge.end, "properties": flat(edge.properties)} for edge in part
            ]
            yield (
                f"UNWIND {_literal(rows)} AS row\nMATCH (a:{start} {{key: row.start}}), (b:{end} {{key: row.end}})"
                f"\nMERGE (a)-[r:{edge_type}]->(b)\nSET r = row.properties;\n"
            )


def _batched(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    left = iter(items)
    while batch := list(islice(left, _BATCH)):
        yield batch


def _label(key: str) -> str:
    return LABELS[key.partition(":")[0]]


def _literal(value: object) -> str:
    """A value as a Cypher literal."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return f"'{''.join(map(_escaped, value))}'"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_name(str(name))}: {_literal(item)}" for name, item in value.items()) + "}"
    assert isinstance(value, list)
    return "[" + ", ".join(map(_literal, value)) + "]"


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    code = ord(char)
    return f"\\u{code:04x}" if code < 0x20 or 0x7F <= code < 0xA0 or code in {0x2028, 0x2029} else char


def _name(name: str) -> str:
    # A backslash begins an escape in names too; written as one it can end nothing.
    escaped = name.replace("\\", "\\u005c").replace("`", "``")
    return f"`{escaped}`"
