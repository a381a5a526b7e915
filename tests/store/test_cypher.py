"""Every shipped Cypher file has its header, takes the parameters it names, and is planned through indexes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from neo4j import Session

from graphsvc import cypher_root
from graphsvc.decide.ports import EdgeStroke, NodeStroke, Strokes
from graphsvc.store.neo4j import open_neo4j
from graphsvc.store.neo4j.query import named, named_for_type, query_names
from tests.store.conftest import neo4j_address
from tests.store.example import chain, decision, write
from tests.support.neo4j_server import Neo4jServer

ROOT = Path(str(cypher_root()))
EXAMPLES = sorted((ROOT / "examples").glob("*.cypher"))
# A scan of a label or of all there is, and a walk over every path, however it is spelled.
FORBIDDEN = re.compile(
    r"AllNodesScan|NodeByLabelScan|RelationshipsScan|RelationshipTypeScan|RelationshipIndexScan|VarLengthExpand\(All\)"
)
# What no index can spare: an example that is for people, on a graph of their size.
ALLOWED = {
    # A chain's tree of chains: every path is a different chain, for a chain has one parent.
    "chain_touched": {"VarLengthExpand(All)"},
}
_PARAMETER = re.compile(r"\$([a-z_]+)")
_EXAMPLE = re.compile(r"^//   \$([a-z_]+): .*, such as (.+)$", re.MULTILINE)


def test_every_query_has_a_header() -> None:
    """Purpose, parameters, returns and index head each query, and exactly its parameters are named."""
    assert len(query_names()) > 30
    for name in query_names():
        source = (ROOT / "queries" / f"{name}.cypher").read_text(encoding="utf-8")
        header, _, text = source.partition("CYPHER 5\n")
        for part in ("// Purpose: ", "// Parameters:\n", "// Returns: ", "// Index: "):
            assert part in header, name
        described = set(re.findall(r"^//   \$([a-z_]+): ", header, re.MULTILINE))
        assert described == set(_PARAMETER.findall(text)) == named(name).parameters, name


def test_every_example_has_a_header() -> None:
    """Each example says what it is for and gives a value for exactly its parameters."""
    assert len(EXAMPLES) >= 6
    for path in EXAMPLES:
        source = path.read_text(encoding="utf-8")
        header, _, text = source.partition("CYPHER 5\n")
        assert "// Purpose: " in header, path.name
        assert "// Returns: " in header, path.name
        assert set(_values(source)) == set(_PARAMETER.findall(text)), path.name


def _values(source: str) -> dict[str, Any]:
    return {name: json.loads(value) for name, value in _EXAMPLE.findall(source)}


@pytest.fixture
async def seeded(fresh_neo4j: Neo4jServer, anyio_backend: str) -> Neo4jServer:
    """A store with enough in it that no plan is made for an empty one."""
    store = await open_neo4j(neo4j_address(fresh_neo4j), fresh_neo4j.password)
    numbers = range(1, 301)
    nodes = [
        NodeStroke("Action", f"action:a{n}", {"id": f"a{n}", "seq": n, "name": f"step {n}"}) for n in numbers
    ]
    nodes += [decision(n, verdict="DENY" if n == 3 else "PERMIT", chain=f"c{n % 9}") for n in numbers]
    nodes += [chain(n) for n in numbers]
    nodes += [
        NodeStroke("Identity", f"identity:{name}", {"id": name})
        for name in ("alice", "bot", *map(str, numbers))
    ]
    nodes += [NodeStroke("Resource", f"resource:file:{n}", {"id": str(n), "type": "file"}) for n in numbers]
    nodes += [
        NodeStroke("Pattern", f"pattern:p{n}", {"id": f"p{n}", "severity": "critical"}) for n in numbers
    ]
    nodes += [NodeStroke("Permission", f"permission:{n}", {"id": str(n)}) for n in numbers]
    nodes += [NodeStroke("Role", "role:r", {"id": "r"})]
    edges = [EdgeStroke("NEXT", f"action:a{n}", f"action:a{n + 1}") for n in numbers]
    edges += [EdgeStroke("FED", f"action:a{n}", f"action:a{n + 1}") for n in numbers if n < 5]
    edges += [EdgeStroke("DECIDED", f"action:a{n}", f"decision:d{n}") for n in numbers]
    edges += [EdgeStroke("IN_CHAIN", f"action:a{n}", "chain:c1" if n < 4 else "chain:c2") for n in numbers]
    edges += [EdgeStroke("BY", f"action:a{n}", "identity:bot" if n < 4 else f"identity:{n}") for n in numbers]
    edges += [EdgeStroke("ON", f"action:a{n}", f"resource:file:{n}") for n in numbers]
    edges += [
        EdgeStroke("COMPLETED", "action:a3", "pattern:p1", {"path": ["a1", "a2", "a3"]}),
        EdgeStroke("ACTS_FOR", "identity:bot", "identity:alice"),
        EdgeStroke("HAS_ROLE", "identity:bot", "role:r"),
        EdgeStroke("GRANTED", "role:r", "permission:1"),
        EdgeStroke("GRANTED", "identity:bot", "permission:1"),
        EdgeStroke("GRANTED", "identity:bot", "permission:2"),
        EdgeStroke("SPAWNED", "chain:c1", "chain:c2"),
        EdgeStroke("SPAWN", "action:a3", "action:a4"),
        EdgeStroke("JOIN", "action:a4", "action:a5"),
    ]
    try:
        for number in range(20):
            await write(store, f"e{number}", "s:1")
        for number in range(1, 21):
            await store.save_snapshot(number, b"x" * 20)
        assert await store.draw(Strokes(nodes=nodes, edges=edges), expected=0, drawn=20)
    finally:
        await store.close()
    with fresh_neo4j.driver() as driver, driver.session(database=fresh_neo4j.database) as session:
        session.run("CALL db.awaitIndexes(60)").consume()
        session.run("CALL db.resampleOutdatedIndexes()").consume()
        session.run("CALL db.clearQueryCaches()").consume()
    return fresh_neo4j


def _operators(plan: dict[str, Any]) -> Iterator[str]:
    yield plan["operatorType"].partition("@")[0]
    for child in plan.get("children", ()):
        yield from _operators(child)


def _scans(session: Session, text: str, parameters: dict[str, Any]) -> set[str]:
    summary = session.run("EXPLAIN " + text, parameters).consume()
    assert summary.plan is not None
    notes = [status for status in summary.gql_status_objects if status.is_notification]
    # A property or type that the seeded graph happens not to hold is no fault; a missing parameter is.
    faults = [note for note in notes if note.raw_classification not in ("UNRECOGNIZED", "PERFORMANCE")]
    assert not faults, [note.status_description for note in faults]
    return {
        operator for operator in _operators(cast(dict[str, Any], summary.plan)) if FORBIDDEN.search(operator)
    }


@pytest.mark.neo4j
@pytest.mark.anyio
async def test_no_query_scans(seeded: Neo4jServer) -> None:
    """No shipped query reads all nodes, all of a label, all edges, or walks every path."""
    kinds: dict[str, Any] = {"reads": ["s:1"], "cells": [], "rows": [], "keys": [], "body": b""}
    numbers = (
        "seen",
        "count",
        "limit",
        "before",
        "after",
        "expected",
        "drawn",
        "version",
        "from_ms",
        "to_ms",
        "seq",
        "part",
        "parts",
        "kept",
    )
    kinds |= dict.fromkeys(numbers, 5)
    with seeded.driver() as driver, driver.session(database=seeded.database) as session:
        for name in query_names():
            is_typed = "EDGE_TYPE" in named(name).text
            query = named_for_type(name, "NEXT") if is_typed else named(name)
            parameters = {parameter: kinds.get(parameter, "x") for parameter in query.parameters}
            assert not _scans(session, query.text, parameters), name


@pytest.mark.neo4j
@pytest.mark.anyio
async def test_a_scan_is_noticed(seeded: Neo4jServer) -> None:
    """The check above can fail: a filter that no index serves, and edges without a start, are scans."""
    with seeded.driver() as driver, driver.session(database=seeded.database) as session:
        assert _scans(session, "MATCH (a:Action) WHERE a.name = $name RETURN a", {"name": "x"})
        assert _scans(session, "MATCH ()-[e:NEXT]->() RETURN e", {})


@pytest.mark.neo4j
@pytest.mark.anyio
async def test_examples_answer(seeded: Neo4jServer) -> None:
    """Each example, with the values of its header, gives rows on a drawn graph, and none scans."""
    answers = {}
    with seeded.driver() as driver, driver.session(database=seeded.database) as session:
        for path in EXAMPLES:
            source = path.read_text(encoding="utf-8")
            assert _scans(session, source, _values(source)) <= ALLOWED.get(path.stem, set()), path.name
            answers[path.stem] = session.run(source, _values(source)).data()
    assert all(answers.values()), answers
    assert answers["completed_paths"][0]["path"] == ["step 1", "step 2", "step 3"]
    assert answers["most_stopped"] == [{"identity": "bot", "denied": 1, "escalated": 0}]
    assert answers["most_permissions"][0] == {"identity": "bot", "kind": None, "permissions": 2}
    assert [row["seq"] for row in answers["data_flow"]] == [1, 2]
    assert [row["seq"] for row in answers["stopped_critical"]] == [3]
    assert len(answers["chain_touched"]) == 300
