"""Reading drawn decisions and chains from SQLite."""

from __future__ import annotations

import sqlite3

from graphsvc.decide.ports import ChainQuery, ChainRow, DecisionQuery, DecisionRow

__all__ = ["chain", "chains", "decision", "decisions"]

_DECISION = "SELECT seq, json_extract(properties, '$.body') FROM node WHERE label = 'Decision'"
_CHAIN = """
SELECT seq, id, session, json_extract(properties, '$.parent'), status, owner,
       json_extract(properties, '$.opened_ms'), json_extract(properties, '$.length')
FROM node WHERE label = 'Chain'
"""
_NAMES_PATTERN = "key IN (SELECT key FROM decision_pattern WHERE pattern = ?)"


def decision(connection: sqlite3.Connection, decision_id: str) -> DecisionRow | None:
    """One decision by id."""
    row = connection.execute(f"{_DECISION} AND id = ?", (decision_id,)).fetchone()
    return None if row is None else _decision_row(row)


def decisions(connection: sqlite3.Connection, query: DecisionQuery) -> list[DecisionRow]:
    """A page of decisions."""
    filters: list[tuple[str, str | int | None]] = [
        ("seq < ?", query.before),
        ("seq > ?", query.after),
        ("subject = ?", query.subject),
        ("verdict = ?", query.verdict),
        ("chain = ?", query.chain),
        ("at_ms >= ?", query.from_ms),
        ("at_ms < ?", query.to_ms),
        (_NAMES_PATTERN, query.pattern),
    ]
    order = "ORDER BY seq ASC" if query.ascending else "ORDER BY seq DESC"
    return [_decision_row(row) for row in _page(connection, _DECISION, filters, order, query.limit)]


def chain(connection: sqlite3.Connection, chain_id: str) -> ChainRow | None:
    """One chain by id."""
    row = connection.execute(f"{_CHAIN} AND id = ?", (chain_id,)).fetchone()
    return None if row is None else _chain_row(row)


def chains(connection: sqlite3.Connection, query: ChainQuery) -> list[ChainRow]:
    """A page of chains."""
    filters: list[tuple[str, str | int | None]] = [
        ("seq < ?", query.before),
        ("seq > ?", query.after),
        ("session = ?", query.session),
        ("status = ?", query.status),
        ("owner = ?", query.owner),
    ]
    order = "ORDER BY seq ASC" if query.ascending else "ORDER BY seq DESC"
    return [_chain_row(row) for row in _page(connection, _CHAIN, filters, order, query.limit)]


def _page(
    connection: sqlite3.Connection,
    select: str,
    filters: list[tuple[str, str | int | None]],
    order: str,
    limit: int,
) -> sqlite3.Cursor:
    # Values are parameters; only texts from this module make up the statement.
    given = [(text, value) for text, value in filters if value is not None]
    where = "".join(f" AND {text}" for text, _ in given)
    return connection.execute(
        f"{select} AND seq IS NOT NULL{where} {order} LIMIT ?", (*(value for _, value in given), limit)
    )


def _decision_row(row: tuple[int, str | None]) -> DecisionRow:
    return DecisionRow(row[0], (row[1] or "").encode())


def _chain_row(
    row: tuple[int, str, str | None, str | None, str | None, str | None, int | None, int | None],
) -> ChainRow:
    seq, chain_id, session, parent, status, owner, opened_ms, length = row
    return ChainRow(
        seq=seq,
        id=chain_id,
        session=session or "",
        parent=parent,
        status=status or "",
        owner=owner or "",
        opened_ms=opened_ms or 0,
        length=length or 0,
    )
