"""The raw facts of traces as nodes and edges of a Neo4j database, for the queries of `query.py`.

    (:OracleEvent {case, seq, at_ms, judged, approval, permitted, until, name, effects, labels, resource_labels,
        reported, reported_since, session, actor, root, principals, subject, subject_kind, resource, resource_type,
        resource_id, resource_tier, arguments, destinations, parents_known, `record.<path>`})
    NEXT, SPAWN, JOIN, FED (their union is happened-before), STORED (a write, then a read of the same resource),
    REVIEWED (an approval, the action that it approves)
    (:OracleNode {case, key, id, person, names}) with the MEMBER_OF, KNOWS and OWNS of the graph
    (:OracleLabels {case, resource, since, place, labels}), the labels of a resource from `since` on

`seq` is the place in the log. An event counts for what comes before `until`; a label was reported
`reported_since`. What a declaration says of an action stands on the event: effects, labels, destinations.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from neo4j import Driver

from tests.oracle.estate import Estate
from tests.oracle.history import Event, Log

__all__ = ["CaseFacts", "Fact", "declaration_of", "facts_of", "flattened", "forget", "load", "prepare"]

Record = dict[str, Any]
Fact = dict[str, Any]

_FOR_EVER = 2**53
_LABELS = ("OracleEvent", "OracleNode", "OracleLabels")
_INDEXES = {
    "oracle_event": "CREATE INDEX oracle_event IF NOT EXISTS FOR (n:OracleEvent) ON (n.case, n.seq)",
    "oracle_node": "CREATE INDEX oracle_node IF NOT EXISTS FOR (n:OracleNode) ON (n.case, n.key)",
    "oracle_labels": "CREATE INDEX oracle_labels IF NOT EXISTS FOR (n:OracleLabels) ON (n.case, n.resource)",
}


class CaseFacts(NamedTuple):
    """The facts of one trace. edges: (type, key of the start, key of the end), keys being `seq` or a node's key."""

    events: list[Fact]
    orders: list[tuple[str, int, int]]
    nodes: list[Fact]
    edges: list[tuple[str, str, str]]
    labels: list[Fact]


def facts_of(
    policy: Record, graph: Sequence[Record], trace: Sequence[Record], permitted: Mapping[str, bool]
) -> CaseFacts:
    """What the trace says happened; permitted: whether each action was, by id, executed or not."""
    estate = Estate(graph)
    log = Log(estate)
    rows: dict[int, Fact] = {}
    labels = [
        {"resource": "\n".join(resource), "since": 0, "place": 0, "labels": sorted(held)}
        for resource, held in estate.labels.items()
    ]
    orders: list[tuple[str, int, int]] = []
    for place, record in enumerate(trace, start=1):
        match record["type"]:
            case "action":
                event = log.append_action(record)
                event.in_history = permitted[record["id"]] and record.get("executed") is not False
                rows[event.seq] = _row(event, policy, estate)
                orders += _edges_into(event, record)
            case "approve" if record["decision"] in log.by_id:
                log.append_approval(record)
                event = log.events[-1]
                assert event.reviewed is not None
                rows[event.seq] = _row(event, policy, estate)
                orders.append(("REVIEWED", event.seq, event.reviewed.seq))
            case "report" if record["action"] in log.by_id:
                row = rows[log.by_id[record["action"]].seq]
                row["reported"] += record.get("labels") or []
                row["reported_since"] += [len(log.events)] * len(record.get("labels") or [])
            case "cancel" if record["action"] in log.by_id:
                # The log reads this when it checks declared parents (rule R7).
                log.by_id[record["action"]].in_history = False
                row = rows[log.by_id[record["action"]].seq]
                row["until"] = min(row["until"], len(log.events))
            case "relabel":
                resource = (record["resource"]["type"], record["resource"]["id"])
                estate.labels[resource] = frozenset(record["labels"])
                labels.append(
                    {
                        "resource": "\n".join(resource),
                        "since": len(log.events),
                        "place": place,
                        "labels": record["labels"],
                    }
                )
    nodes, edges = _graph_facts(graph, estate)
    return CaseFacts(list(rows.values()), [*orders, *stored_edges(list(rows.values()))], nodes, edges, labels)


def _row(event: Event, policy: Record, estate: Estate) -> Fact:
    record, declared = event.record, declaration_of(policy, event.name)
    resource = estate.resources.get(event.resource, {})
    return {
        **flattened(record),
        "seq": event.seq, "at_ms": event.at_ms, "judged": event.is_action, "approval": event.reviewed is not None,
        "permitted": event.in_history, "until": _FOR_EVER, "name": event.name, "session": event.session,
        "actor": event.actor, "root": event.root, "principals": list(event.principals),
        "subject": record["subject"]["id"],
        "subject_kind": estate.kind(record["subject"]["id"]) or record["subject"].get("type") or "",
        "resource": "\n".join(event.resource), "resource_type": event.resource[0], "resource_id": event.resource[1],
        "resource_tier": resource.get("tier"), "resource_labels": sorted(event.resource_labels),
        "reported": [], "reported_since": [], "parents_known": event.parents_known,
        "arguments": [f"{one.get('role')}={one.get('fact')}" for one in record.get("arguments") or []],
        **declared_facts(declared, record.get("labels") or [], record["action"].get("properties") or {}),
    }  # fmt: skip


def _edges_into(event: Event, record: Record) -> Iterator[tuple[str, int, int]]:
    """Happened-before edges from actions; the marks of spawns and joins are left out and led around."""
    for parent in event.parents:
        yield "FED", parent.seq, event.seq
    waiting = [earlier for earlier in event.before if earlier not in event.parents]
    while waiting:
        earlier = waiting.pop()
        if not earlier.record:
            waiting += earlier.before
        elif earlier.record["chain"] == record["chain"]:
            yield "NEXT", earlier.seq, event.seq
        else:
            spawned = earlier.record["chain"] == record.get("parent_chain")
            yield "SPAWN" if spawned else "JOIN", earlier.seq, event.seq


def stored_edges(rows: Sequence[Fact]) -> list[tuple[str, int, int]]:
    """From every write to the later reads of the same resource; whether both count is for the query (rule R23)."""
    return [
        ("STORED", writer["seq"], reader["seq"])
        for writer in rows
        for reader in rows
        if writer["seq"] < reader["seq"]
        and writer["resource"] == reader["resource"]
        and "write" in writer["effects"]
        and "read" in reader["effects"]
    ]


def _graph_facts(graph: Sequence[Record], estate: Estate) -> tuple[list[Fact], list[tuple[str, str, str]]]:
    edges = sorted(one for one in estate.edges if one[0] in ("MEMBER_OF", "KNOWS", "OWNS"))
    keys = {end for _, *ends in edges for end in ends} | {f"identity:{name}" for name in estate.identities}
    nodes = []
    for key in sorted(keys):
        kind, name = key.split(":", 1)
        names = [name, name.split(":", 1)[1]] if kind == "resource" else [name]
        person = estate.person(name) if kind == "identity" else None
        nodes.append({"key": key, "id": name, "person": person, "names": names})
    return nodes, edges


def declaration_of(policy: Record, name: str) -> Record:
    """The entry of `actions` for an action: its own, else that with most literal characters, else the first (R20)."""
    entries: Record = policy.get("actions") or {}
    if name in entries:
        return entries[name] or {}
    fitting = [glob for glob in entries if _fits(glob, name)]
    # max() keeps the first of equals.
    best = max(fitting, key=lambda glob: len(glob.replace("*", "").replace("?", "")), default=None)
    return (entries[best] or {}) if best is not None else {}


def _fits(glob: str, text: str) -> bool:
    """Whether a text fits a wildcard: the lengths of text that its beginning can have come to."""
    reached = {0}
    for letter in glob:
        if letter == "*":
            reached = set(range(min(reached), len(text) + 1)) if reached else reached
        else:
            reached = {at + 1 for at in reached if at < len(text) and letter in ("?", text[at])}
    return len(text) in reached


def declared_facts(declared: Record, sent: Sequence[str], properties: Record) -> Fact:
    """Effects, labels (sent and declared) and the values of destination arguments."""
    to = [name for name, role in (declared.get("arguments") or {}).items() if role == "destination"]
    given = (properties.get(name) for name in to)
    values = [
        value for one in given if one is not None for value in (one if isinstance(one, list) else [one])
    ]
    return {
        "effects": _several(declared.get("effects")),
        "labels": sorted({*_several(sent), *_several((declared.get("result") or {}).get("labels"))}),
        "destinations": [str(value) for value in values],
    }


def flattened(record: Mapping[str, Any], path: str = "record") -> Fact:
    """Every value as text under its dotted path, numbers and booleans in JSON spelling (rule R19)."""
    flat: Fact = {}
    for name, value in record.items():
        if isinstance(value, dict):
            flat |= flattened(value, f"{path}.{name}")
        elif value is not None:
            text = (
                value if isinstance(value, str) else json.dumps(value, sort_keys=True, separators=(",", ":"))
            )
            flat[f"{path}.{name}"] = text
    return flat


def _several(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def prepare(driver: Driver, database: str) -> None:
    """Make the indexes and wait for them; the database need not be empty."""
    with driver.session(database=database) as session:
        for statement in _INDEXES.values():
            session.run(statement).consume()
        session.run("CALL db.awaitIndexes(60)").consume()


def load(driver: Driver, database: str, cases: Mapping[int, CaseFacts]) -> None:
    """Write the facts of cases that are not there yet, in one transaction."""
    with driver.session(database=database) as session, session.begin_transaction() as transaction:
        for label, part in zip(_LABELS, ("events", "nodes", "labels"), strict=True):
            rows = [{**row, "case": case} for case, facts in cases.items() for row in getattr(facts, part)]
            transaction.run(
                f"CYPHER 5 UNWIND $rows AS row CREATE (n:{label}) SET n = row", rows=rows
            ).consume()
        for label, key, part in (("OracleEvent", "seq", "orders"), ("OracleNode", "key", "edges")):
            by_type: dict[str, list[Fact]] = {}
            for case, facts in cases.items():
                for kind, start, end in dict.fromkeys(getattr(facts, part)):
                    by_type.setdefault(kind, []).append({"case": case, "start": start, "end": end})
            for kind, rows in by_type.items():
                transaction.run(
                    f"CYPHER 5 UNWIND $rows AS row MATCH (x:{label} {{case: row.case, {key}: row.start}})"
                    f" MATCH (y:{label} {{case: row.case, {key}: row.end}}) CREATE (x)-[:{kind}]->(y)",
                    rows=rows,
                ).consume()
        transaction.commit()


def forget(driver: Driver, database: str, *, indexes: bool = True) -> None:
    """Remove all facts, and the indexes, so that others find the database as it was."""
    with driver.session(database=database) as session:
        for label in _LABELS:
            session.run(f"MATCH (n:{label}) DETACH DELETE n").consume()
        for name in _INDEXES if indexes else ():
            session.run(f"DROP INDEX {name} IF EXISTS").consume()
