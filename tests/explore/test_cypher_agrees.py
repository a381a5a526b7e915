"""Exploration in Python and the same questions in Cypher, on a real Neo4j, give the same answers."""

from __future__ import annotations

from typing import Any

import pytest

from graphsvc.core.graph import Edge, Node
from graphsvc.explore.combination import combinations
from graphsvc.explore.cut import cut
from graphsvc.explore.estate_view import EstateView, view_of
from graphsvc.explore.path import blast_radius, hops_of
from graphsvc.importers import cypher
from tests.explore.generated import PACK, estate
from tests.support.neo4j_server import Neo4jServer

pytestmark = pytest.mark.neo4j

# One in the default run, for drawing and planning take Neo4j seconds each.
SEEDS = [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 12))]
_HOLDS = "(i:Identity)-[:MEMBER_OF|HAS_ROLE|INHERITS*0..]->()-[:GRANTED]->(p:Permission)"
_ABOUT = "(p)-[:ON]->()-[:CONTAINS*0..]->(x)"
# One hop: a right on something of value or that leads on; a trust; what holds a credential or runs; a rule that gives an identity.
HOPS = f"""
MATCH {_HOLDS}, {_ABOUT} WHERE x.tier IS NOT NULL OR EXISTS {{ (x)-[:RUNS_AS|HOLDS_CREDENTIAL]->() }}
RETURN DISTINCT i.key AS start, x.key AS end
UNION MATCH (i:Identity)-[:MEMBER_OF|HAS_ROLE|INHERITS*0..]->()-[:CAN_ASSUME]->(e) RETURN DISTINCT i.key AS start, e.key AS end
UNION MATCH (t:Resource)-[:RUNS_AS|HOLDS_CREDENTIAL]->(e) RETURN DISTINCT t.key AS start, e.key AS end
UNION MATCH {_HOLDS} WHERE 'app:D' IN p.actions MATCH (p)-[:ON]->()-[:CONTAINS*0..]->()-[:RUNS_AS]->(e)
RETURN DISTINCT i.key AS start, e.key AS end
UNION MATCH {_HOLDS} WHERE EXISTS {{ (p)-[:ON]->() }}
WITH i, reduce(all = [], each IN collect(p.actions) | all + each) AS held
WHERE 'app:A' IN held AND 'app:C' IN held AND 'app:D' IN held RETURN i.key AS start, 'admin' AS end
"""
COMBINED = f"""
MATCH {_HOLDS} WHERE EXISTS {{ (p)-[:ON]->() }}
WITH i, reduce(all = [], each IN collect(p.actions) | all + each) AS held
WHERE 'app:A' IN held AND 'app:B' IN held RETURN i.key AS who, 'two' AS rule
UNION MATCH {_HOLDS}, {_ABOUT}
WITH i, x, reduce(all = [], each IN collect(p.actions) | all + each) AS held
WHERE 'app:B' IN held AND 'app:C' IN held RETURN DISTINCT i.key AS who, 'same' AS rule
UNION MATCH {_HOLDS} WHERE 'app:D' IN p.actions MATCH (p)-[:ON]->()-[:CONTAINS*0..]->()-[:RUNS_AS]->(e) WHERE e <> i
RETURN DISTINCT i.key AS who, 'machine' AS rule
UNION MATCH {_HOLDS} WHERE EXISTS {{ (p)-[:ON]->() }}
WITH i, reduce(all = [], each IN collect(p.actions) | all + each) AS held
WHERE 'app:A' IN held AND 'app:C' IN held AND 'app:D' IN held RETURN i.key AS who, 'all' AS rule
"""
# From hops that were drawn, to everything they lead to.
REACHED = "MATCH (a)-[:HOP*1..]->(b) WHERE a:Identity AND a <> b RETURN DISTINCT a.key AS start, b.key AS end"


class _Neo4j:
    def __init__(self, session: Any, nodes: list[Node], edges: list[Edge]) -> None:
        self._session = session
        self.run("MATCH (n) DETACH DELETE n")
        for statement in "".join(cypher.write(nodes, edges)).split(";\n"):
            if statement.strip():
                self.run(statement)

    def run(self, text: str, **more: Any) -> list[dict[str, Any]]:
        return list(self._session.run(text, **more).data())

    def draw_hops(self) -> None:
        pairs = self.run(HOPS)
        self.run("MERGE (:Everything {key: 'admin'})")
        self.run(
            "UNWIND $pairs AS pair MATCH (a {key: pair.start}), (b {key: pair.end}) MERGE (a)-[:HOP]->(b)",
            pairs=pairs,
        )


@pytest.fixture
def asked(empty_neo4j: Neo4jServer) -> Any:
    with empty_neo4j.driver() as driver, driver.session(database=empty_neo4j.database) as session:
        yield lambda nodes, edges: _Neo4j(session, nodes, edges)


@pytest.mark.parametrize("seed", SEEDS)
def test_hops_paths_and_combinations_are_those_of_cypher(asked: Any, seed: int) -> None:
    nodes, edges = estate(seed)
    view, graph = view_of(nodes, edges, [PACK]), asked(nodes, edges)
    theirs = {(row["start"], row["end"]) for row in graph.run(HOPS) if row["start"] != row["end"]}
    sources = [node.key for node in view.estate.nodes() if node.kind in ("identity", "resource")]
    ours = {(hop.start, hop.end) for key in sources for hop in hops_of(view, key) if hop.start != hop.end}
    assert ours == theirs
    graph.draw_hops()
    reached = {(row["start"], row["end"]) for row in graph.run(REACHED)}
    found = {
        (start, end) for start in view.identities() for end in blast_radius(view, start).came if end != start
    }
    assert found == reached
    told = {(f"identity:{each.identity}", each.pattern) for each in combinations(view, view.identities())}
    assert told == {(row["who"], row["rule"]) for row in graph.run(COMBINED)}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_cypher_finds_no_way_past_a_cut(asked: Any, seed: int) -> None:
    """The grants of a cut are deleted in Neo4j; nobody reaches the crown jewels there any more."""
    nodes, edges = estate(seed)

    def wanted(view: EstateView) -> Any:
        return {node.key for node in view.estate.nodes() if node.tier == "crown-jewel"}.__contains__

    found = cut(nodes, edges, [PACK], EstateView.identities, wanted)
    graph = asked(nodes, edges)
    for kind, start, end in found.removed or ():
        graph.run(f"MATCH ({{key: $start}})-[r:{kind}]->({{key: $end}}) DELETE r", start=start, end=end)
    graph.draw_hops()
    left = graph.run("MATCH (a:Identity)-[:HOP*1..]->(b {tier: 'crown-jewel'}) RETURN DISTINCT a.key AS who")
    assert found.removed is not None
    assert left == []
