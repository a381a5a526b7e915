"""What the two oracles say of a stored history: they see raw records, never the engine's state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import yaml

from graphsvc.core.codec import decode_records
from graphsvc.core.graph import to_records
from graphsvc.core.record import Decided, GraphStaged, Record
from graphsvc.core.trace import items_of, record_of
from graphsvc.core.verdict import Verdict
from graphsvc.decide.ports import Log
from tests.cypher_oracle.judge import Judge
from tests.law.strategy import Case
from tests.oracle.definition import completions
from tests.service.harness import PACK
from tests.support.neo4j_server import Neo4jServer

__all__ = ["Told", "case_of", "history_of", "told_by_cypher", "told_by_definition", "told_by_engine"]

Told = dict[str, list[str]]  # by action, the patterns that it completes


async def history_of(store: Log) -> list[tuple[int, Record]]:
    """Every record of a store with its number."""
    history: list[tuple[int, Record]] = []
    after = 0
    while entries := await store.read(after=after, limit=500):
        for entry in entries:
            history += enumerate(decode_records(entry.body), entry.first)
        after = entries[-1].seq
    return history


def case_of(history: Sequence[tuple[int, Record]]) -> Case:
    """The history as raw records under the pack of the tests; `executed` says what was permitted."""
    permitted = {
        record.request.id
        for _, record in history
        if isinstance(record, Decided) and record.answered is Verdict.PERMIT and record.request.executed
    }
    loaded = [record for _, record in history if isinstance(record, GraphStaged)]
    graph = [fact for part in loaded for fact in to_records(part.nodes, part.edges)]
    trace = [dict(record_of(item)) for item in items_of(history)]
    for record in trace:
        if record["type"] == "action":
            record["executed"] = record["id"] in permitted
    policy = yaml.safe_load(PACK)
    for pattern in policy["patterns"]:
        pattern.setdefault("scope", "session")
    return Case(policy, cast("list[dict[str, object]]", graph), trace)


def told_by_engine(history: Sequence[tuple[int, Record]]) -> Told:
    """What was stored."""
    return {
        record.request.id: sorted(each.pattern for each in record.completions)
        for _, record in history
        if isinstance(record, Decided)
    }


def told_by_definition(case: Case) -> Told:
    """What the definition finds by trying every match."""
    found = completions([case.policy], case.trace, case.graph, force=True)
    return {result.id: result.completed for result in found}


def told_by_cypher(case: Case, server: Neo4jServer) -> Told:
    """What Cypher finds on the same facts in a real Neo4j, beside whatever else lies there."""
    with server.driver() as driver:
        judge = Judge(driver, server.database)
        try:
            return dict(judge.cypher([case], [True])[0])
        finally:
            judge.close()
