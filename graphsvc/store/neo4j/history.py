"""Reading drawn decisions and chains from Neo4j."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graphsvc.decide.ports import ChainQuery, ChainRow, DecisionQuery, DecisionRow
from graphsvc.store.neo4j.connection import Connection

__all__ = ["chain", "chains", "decision", "decisions"]

_NO_LIMIT = 2**63 - 1


async def decision(connection: Connection, decision_id: str) -> DecisionRow | None:
    """One decision by id."""
    rows = await connection.rows("history/decision", {"id": decision_id})
    return _decision_row(rows[0]) if rows else None


async def decisions(connection: Connection, query: DecisionQuery) -> Sequence[DecisionRow]:
    """A page of decisions, through the index of the narrowest filter given."""
    parameters = {
        "limit": query.limit,
        "before": _NO_LIMIT if query.before is None else query.before,
        "after": -1 if query.after is None else query.after,
        "subject": query.subject,
        "verdict": query.verdict,
        "pattern": query.pattern,
        "chain": query.chain,
        "from_ms": query.from_ms,
        "to_ms": query.to_ms,
    }
    narrowest = next((name for name in ("chain", "subject", "verdict") if parameters[name] is not None), None)
    of = "" if narrowest is None else f"of_{narrowest}_"
    order = "oldest" if query.ascending else "newest"
    rows = await connection.rows(f"history/decisions_{of}{order}", parameters)
    return [_decision_row(row) for row in rows]


async def chain(connection: Connection, chain_id: str) -> ChainRow | None:
    """One chain by id."""
    rows = await connection.rows("history/chain", {"id": chain_id})
    return _chain_row(rows[0]) if rows else None


async def chains(connection: Connection, query: ChainQuery) -> Sequence[ChainRow]:
    """A page of chains, through the index of the narrowest filter given."""
    parameters = {
        "limit": query.limit,
        "before": _NO_LIMIT if query.before is None else query.before,
        "after": -1 if query.after is None else query.after,
        "session": query.session,
        "status": query.status,
        "owner": query.owner,
    }
    narrowest = next((name for name in ("session", "owner", "status") if parameters[name] is not None), None)
    of = "" if narrowest is None else f"of_{narrowest}_"
    order = "oldest" if query.ascending else "newest"
    rows = await connection.rows(f"history/chains_{of}{order}", parameters)
    return [_chain_row(row) for row in rows]


def _decision_row(row: Mapping[str, Any]) -> DecisionRow:
    return DecisionRow(row["seq"], (row["body"] or "").encode())


def _chain_row(row: Mapping[str, Any]) -> ChainRow:
    return ChainRow(
        seq=row["seq"],
        id=row["id"],
        session=row["session"] or "",
        parent=row["parent"],
        status=row["status"] or "",
        owner=row["owner"] or "",
        opened_ms=row["opened_ms"] or 0,
        length=row["length"] or 0,
    )
