"""The drawn graph in Neo4j: strokes in batches, one transaction with the cursor that they move."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from neo4j import AsyncTransaction, Query
from neo4j.exceptions import ConstraintError, TransientError

from graphsvc.decide.ports import Strokes
from graphsvc.errors import StoreError
from graphsvc.store.neo4j.connection import Connection
from graphsvc.store.neo4j.failure import writing
from graphsvc.store.neo4j.query import NamedQuery, named, named_for_type
from graphsvc.store.stroke import RESERVED_LABELS, merged_edges, merged_nodes

__all__ = ["count", "draw", "drawn", "run_strokes"]

T = TypeVar("T")
K = TypeVar("K")

BATCH = 5_000
_TIMEOUT_S = 120.0
_TRIES = 3
_PAUSE_S = 0.02


async def drawn(connection: Connection) -> int:
    """The number up to which the graph is drawn."""
    rows = await connection.rows("drawing/cursor", leader=True)
    if not rows:
        raise StoreError(f"store `{connection.address.url}`: has lost its cursor; restore it from a backup")
    number: int = rows[0]["seq"]
    return number


async def draw(connection: Connection, strokes: Strokes, *, expected: int, target: int) -> bool:
    """Draw and move the cursor, both or neither; False when the cursor is not at `expected`.

    StoreUnavailable with `outcome_unknown` when the connection was lost: `drawn` then tells.
    """
    for attempt in range(1, _TRIES + 1):
        try:
            with writing(connection.address):
                return await _draw(connection, strokes, expected, target)
        except ConstraintError as error:
            raise StoreError(f"store `{connection.address.url}`: cannot draw: {error.message}") from error
        except StoreError as error:
            # Rolled back by the server, so nothing was drawn.
            if not isinstance(error.__cause__, TransientError) or attempt == _TRIES:
                raise
        await asyncio.sleep(_PAUSE_S * attempt)
    raise AssertionError


async def _draw(connection: Connection, strokes: Strokes, expected: int, target: int) -> bool:
    async with (
        asyncio.timeout(_TIMEOUT_S + 5),
        connection.session() as session,
        await session.begin_transaction(timeout=_TIMEOUT_S) as transaction,
    ):
        cursor = await transaction.run(named("drawing/move").text, expected=expected, drawn=target)
        if await cursor.single() is None:
            return False
        await run_strokes(transaction, strokes)
        await transaction.commit()
        return True


async def run_strokes(transaction: AsyncTransaction, strokes: Strokes) -> None:
    """Draw within a transaction, in the order of the port: nodes, edges, then what goes away."""
    for whole, nodes in _by_kind((node.whole, node) for node in merged_nodes(strokes.nodes)):
        query = named("drawing/whole_nodes" if whole else "drawing/nodes")
        for batch in _batches(nodes):
            drawn_nodes = [
                {"key": node.key, "label": node.label, "properties": node.properties} for node in batch
            ]
            await _run(transaction, query, {"rows": drawn_nodes})
    lines = (((edge.type, edge.whole), edge) for edge in merged_edges(strokes.edges))
    for (edge_type, whole), edges in _by_kind(lines):
        query = named_for_type("drawing/whole_edges" if whole else "drawing/edges", edge_type)
        for part in _batches(edges):
            rows = [{"start": edge.start, "end": edge.end, "properties": edge.properties} for edge in part]
            await _run(transaction, query, {"rows": rows})
    for edge_type, ends in _by_kind((kind, (start, end)) for kind, start, end in strokes.removed_edges):
        for gone in _batches([{"start": start, "end": end} for start, end in ends]):
            await _run(transaction, named_for_type("drawing/remove_edges", edge_type), {"rows": gone})
    for keys in _batches(strokes.removed_nodes):
        await _run(transaction, named("drawing/remove_nodes"), {"keys": keys})


async def count(connection: Connection) -> dict[str, int]:
    """How many nodes there are by label and edges by type; nothing is listed with 0."""
    labels = [row["name"] for row in await connection.rows("drawing/labels")]
    types = [row["name"] for row in await connection.rows("drawing/types")]
    # One count of one label is read from the count store; a count over labels would visit every node.
    parts = [
        f"MATCH (n:{_quoted(label)}) RETURN '{_escaped(label)}' AS name, count(n) AS number"
        for label in labels
        if label not in RESERVED_LABELS
    ]
    parts += [
        f"MATCH ()-[e:{_quoted(name)}]->() RETURN '{_escaped(name)}' AS name, count(e) AS number"
        for name in types
    ]
    if not parts:
        return {}
    text = "CYPHER 5 " + " UNION ALL ".join(parts)
    rows = await connection.rows_of(Query(text, timeout=10))
    return {row["name"]: row["number"] for row in rows if row["number"]}


async def _run(transaction: AsyncTransaction, query: NamedQuery, parameters: dict[str, object]) -> None:
    await (await transaction.run(query.text, parameters)).consume()


def _by_kind(items: Iterable[tuple[K, T]]) -> Iterator[tuple[K, list[T]]]:
    groups: dict[K, list[T]] = {}
    for kind, item in items:
        groups.setdefault(kind, []).append(item)
    return iter(groups.items())


def _batches(items: Sequence[T]) -> Iterator[list[T]]:
    for start in range(0, len(items), BATCH):
        yield list(items[start : start + BATCH])


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _escaped(name: str) -> str:
    return name.replace("\\", "\\\\").replace("'", "\\'")
