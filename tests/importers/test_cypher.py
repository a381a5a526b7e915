"""The Cypher export: run in a real Neo4j, it draws the graph that graphsvc draws itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from graphsvc.core.graph import Edge, Node
from graphsvc.decide.draw import flat, properties_of
from graphsvc.importers import aws, cypher
from tests.support.neo4j_server import Neo4jServer

NASTY = [
    "it's",
    'a "b"',
    "back\\slash",
    "\\u0027",
    "\\\\u0027",
    "`tick`",
    "line\nfeed\r\t",
    "\x00\x07",
    "//x",
    "${y}",
    "é😀\u2028",
]


def _run(server: Neo4jServer, text: str) -> tuple[list[Any], list[Any]]:
    with server.driver() as driver, driver.session(database=server.database) as session:
        for statement in text.split(";\n"):
            if statement.strip():
                session.run(statement).consume()
        nodes = session.run("MATCH (n) RETURN labels(n)[0] AS label, properties(n) AS p").data()
        edges = session.run(
            "MATCH (a)-[r]->(b) RETURN type(r) AS t, a.key AS a, b.key AS b, properties(r) AS p"
        )
        found = [(row["label"], row["p"]) for row in nodes]
        return (
            sorted(found, key=lambda row: str(row[1]["key"])),
            sorted(((row["t"], row["a"], row["b"], row["p"]) for row in edges), key=lambda row: row[:3]),
        )


@pytest.mark.neo4j
def test_values_cannot_end_their_literals(empty_neo4j: Neo4jServer) -> None:
    """Quotes, backslashes, escapes and line ends arrive as they were, in values and in names."""
    names = [name for name in NASTY if "\x00" not in name]
    node = Node(
        key=f"identity:{NASTY[3]}';x",
        fields={f"n{name}": value for name, value in zip(names, names, strict=True)},
        properties={"numbers": [1, 2.5], "big": 2**40, "yes": True, "half": 0.5, "all": list(NASTY)},
    )
    edge = Edge(type="KNOWS", start=node.key, end=node.key, properties={"why": "\\';"})
    text = "".join(cypher.write([node], [edge])).replace(";\n", ";\n")
    nodes, edges = _run(empty_neo4j, text)
    wanted = flat(node.fields) | flat(node.properties) | {"id": node.id, "key": node.key}
    assert nodes == [("Identity", wanted)]
    assert edges == [("KNOWS", node.key, node.key, {"why": "\\';"})]
    assert _run(empty_neo4j, text) == (nodes, edges)


@pytest.mark.neo4j
@pytest.mark.real_data
def test_a_real_account_is_drawn_as_by_the_service(empty_neo4j: Neo4jServer, real_data: Path) -> None:
    """Every node and edge of a real account, with every property."""
    imported = aws.read((real_data / "aws" / "account-small.json").read_bytes(), "a.json")
    nodes, edges = _run(empty_neo4j, "".join(cypher.write(imported.nodes, imported.edges)))
    labels = {
        "identity": "Identity",
        "group": "Group",
        "permission": "Permission",
        "resource": "Resource",
    }
    # Neo4j keeps no property that is null.
    assert nodes == [
        (labels[node.kind], {name: value for name, value in wanted.items() if value is not None})
        for node in imported.nodes
        for wanted in [properties_of(node, node.labels) | {"key": node.key}]
    ]
    assert edges == [(edge.type, edge.start, edge.end, flat(edge.properties)) for edge in imported.edges]
