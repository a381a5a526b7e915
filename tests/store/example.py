"""Drafts and strokes that tests of stores share."""

from __future__ import annotations

import json
from typing import Any

from neo4j import Query

from graphsvc.decide.ports import Accepted, Draft, EdgeStroke, Entry, NodeStroke, Store, Strokes
from graphsvc.store.memory import MemoryStore
from graphsvc.store.neo4j import Neo4jStore
from graphsvc.store.sqlite import SqliteStore


def draft(entry_id: str, *cells: str, count: int = 1, body: bytes = b"\x00\xff body") -> Draft:
    """A draft that touches these cells."""
    return Draft(id=entry_id, count=count, cells=cells, body=body)


async def write(store: Store, entry_id: str, *cells: str, count: int = 1) -> Entry:
    """Append at the head, which nothing can refuse."""
    outcome = await store.append(draft(entry_id, *cells, count=count), seen=await store.head(), reads=())
    assert isinstance(outcome, Accepted)
    return outcome.entry


def decision(seq: int, **properties: bool | int | float | str | list[str] | None) -> NodeStroke:
    """A decision node numbered `seq`."""
    values: dict[str, bool | int | float | str | list[str] | None] = {
        "seq": seq,
        "id": f"d{seq}",
        "at_ms": seq * 1_000,
        "verdict": "PERMIT",
        "subject": "alice",
        "chain": "c1",
        "patterns": [],
        "body": f'{{"seq":{seq}}}',
        **properties,
    }
    return NodeStroke("Decision", f"decision:d{seq}", values)


def chain(seq: int, **properties: bool | int | float | str | list[str] | None) -> NodeStroke:
    """A chain node opened by number `seq`."""
    values: dict[str, bool | int | float | str | list[str] | None] = {
        "seq": seq,
        "id": f"c{seq}",
        "session": "s1",
        "status": "open",
        "owner": "gateway",
        "opened_ms": seq * 1_000,
        "length": 2,
        **properties,
    }
    return NodeStroke("Chain", f"chain:c{seq}", values)


def two_actions() -> Strokes:
    """Two actions, one after the other."""
    return Strokes(
        nodes=[
            NodeStroke("Action", "action:a1", {"id": "a1", "seq": 1, "labels": ["pii"], "permitted": True}),
            NodeStroke("Action", "action:a2", {"id": "a2", "seq": 2, "risk": 0.5}),
        ],
        edges=[EdgeStroke("NEXT", "action:a1", "action:a2", {"since": 1})],
    )


async def properties_drawn(store: Store, key: str, kind: str = "", end: str = "") -> dict[str, Any]:
    """What the drawing holds of a node beside its key, or of an edge that begins there."""
    match store:
        case MemoryStore():
            return dict(store._edges[kind, key, end] if kind else store._nodes[key].properties)
        case SqliteStore():
            text = (
                ('SELECT properties FROM edge WHERE start = ? AND type = ? AND "end" = ?', (key, kind, end))
                if kind
                else ("SELECT properties FROM node WHERE key = ?", (key,))
            )
            found: dict[str, Any] = json.loads(
                await store._read(lambda connection: connection.execute(*text).fetchone()[0])
            )
            return found
        case Neo4jStore():
            asked = (
                f"MATCH (:Entity {{key: $key}})-[e:{kind}]->(:Entity {{key: $end}}) RETURN properties(e) AS found"
                if kind
                else "MATCH (n:Entity {key: $key}) RETURN properties(n) AS found"
            )
            rows = await store._connection.rows_of(Query(asked), {"key": key, "end": end})
            return {name: value for name, value in rows[0]["found"].items() if name != "key"}
    raise AssertionError(type(store))
