"""The engine against the same patterns in Cypher, run by a real Neo4j over the stored facts."""

import random

import pytest

from tests.cypher_oracle.judge import Judge
from tests.support.neo4j_server import Neo4jServer

pytestmark = pytest.mark.neo4j


def _agrees(server: Neo4jServer, seed: int, verdicts: int) -> None:
    with server.driver() as driver:
        judge = Judge(driver, server.database)
        try:
            tally = judge.judge(random.Random(seed), verdicts)
        finally:
            judge.close()
    assert tally.differences == []
    assert tally.completions > verdicts // 100


def test_cypher_finds_the_same_completions(neo4j_server: Neo4jServer) -> None:
    """A thousand verdicts of the engine are those that Cypher gives on the raw facts, with every feature it covers."""
    _agrees(neo4j_server, seed=1, verdicts=1_000)


@pytest.mark.slow
def test_cypher_finds_the_same_completions_for_long(neo4j_server: Neo4jServer) -> None:
    """The same for twenty thousand."""
    _agrees(neo4j_server, seed=2, verdicts=20_000)
