"""Plan and run every hot statement before the store is called ready: the first run costs seconds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from neo4j import AsyncTransaction
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

    async def append(transaction: AsyncTransaction) -> None:
        await (await transaction.run(named("log/append").text, parameters)).consume()

    async def draw(transaction: AsyncTransaction) -> None:
        await drawing.run_strokes(transaction, _STROKES)

    for _ in range(_ROUNDS):
        # One after the other: the first locks the log, and a cold server plans the second for seconds.
        await _rolled_back(connection, append)
        await _rolled_back(connection, draw)
    await log.read(connection, after=head, limit=1)
    await log.find(connection, "warm-up")
    await drawing.drawn(connection)
    await history.decisions(connection, DecisionQuery(limit=1))
    await history.chains(connection, ChainQuery(limit=1))


async def _rolled_back(connection: Connection, work: Callable[[AsyncTransaction], Awaitable[None]]) -> None:
    with writing(connection.address):
        async with connection.session() as session:
            try:
                async with await session.begin_transaction(timeout=30) as transaction:
                    await work(transaction)
                    await transaction.rollback()
            except ConstraintError:
                pass  # another replica warms up at this moment
