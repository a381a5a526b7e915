"""Plan and run every hot statement before the store is called ready: the first run costs seconds."""

from __future__ import annotations

from neo4j.exceptions import ConstraintError

from graphsvc.decide.ports import ChainQuery, DecisionQuery, Draft, EdgeStroke, NodeStroke, Strokes
from graphsvc.store.neo4j import drawing, history, log
from graphsvc.store.neo4j.connection import Connection
from graphsvc.store.neo4j.failure import writing
from graphsvc.store.neo4j.query import named

__all__ = ["warm_up"]

_ROUNDS = 3
_STROKES = Strokes(
    nodes=[NodeStroke("Action", "warm-up", {})],
    edges=[EdgeStroke("NEXT", "warm-up", "warm-up")],
    removed_edges=[("NEXT", "warm-up", "warm-up")],
    removed_nodes=["warm-up"],
)


async def warm_up(connection: Connection, incarnation: str) -> None:
    """Run each hot statement; what writes is rolled back, so that nothing is left behind."""
    draft = Draft(id="warm-up", count=1, cells=("warm-up",), body=b"warm-up")
    head = await log.head(connection)
    parameters = log.parameters_of(draft, seen=head, reads=["warm-up"], incarnation=incarnation)
    for _ in range(_ROUNDS):
        with writing(connection.address):
            async with connection.session() as session:
                try:
                    async with await session.begin_transaction(timeout=30) as transaction:
                        await (await transaction.run(named("log/append").text, parameters)).consume()
                        await drawing.run_strokes(transaction, _STROKES)
                        await transaction.rollback()
                except ConstraintError:
                    pass  # another replica warms up at this moment
    await log.read(connection, after=head, limit=1)
    await log.find(connection, "warm-up")
    await drawing.drawn(connection)
    await history.decisions(connection, DecisionQuery(limit=1))
    await history.chains(connection, ChainQuery(limit=1))
