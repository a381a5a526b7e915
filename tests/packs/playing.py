"""Plays records through the engine and through the oracle: one answer an action from each."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from ruamel.yaml import YAML

from graphsvc.cli.replayer import Replayer
from graphsvc.core.evaluate import Evaluation
from graphsvc.core.graph import Edge, Node, edge_from_record, node_from_record
from graphsvc.core.policy.document import Policy
from graphsvc.core.policy.load import load_policies
from graphsvc.core.policy.scenario import PolicyTest, TestEntity, TestEvent
from graphsvc.core.ruleset import compile_ruleset
from graphsvc.core.trace import item_from_record
from graphsvc.core.value import format_time
from graphsvc.packs import PACKS, pack_file, pack_text
from tests.oracle.definition import ActionResult, completions

Record = dict[str, Any]

_START_MS = 1_764_000_000_000


@cache
def packs() -> tuple[Policy, ...]:
    """All shipped packs, loaded as one set."""
    return load_policies([(pack_text(name), pack_file(name)) for name in PACKS])


def facts_of(records: Iterable[Record]) -> tuple[list[Node], list[Edge]]:
    """Graph records as nodes and edges."""
    held = list(records)
    nodes = [node_from_record(record["node"]) for record in held if "node" in record]
    return nodes, [edge_from_record(record["edge"]) for record in held if "edge" in record]


def by_engine(
    policies: Sequence[Policy],
    nodes: Iterable[Node],
    edges: Iterable[Edge],
    trace: Sequence[Record],
    entitlement: str,
) -> list[Evaluation]:
    """One evaluation per action record."""
    replayer = Replayer((), nodes=nodes, edges=edges, entitlement=entitlement)
    # Publishing would read the texts again for each of many short traces.
    replayer.world.ruleset = compile_ruleset(policies)
    answers = (replayer.step(item_from_record(record)) for record in trace)
    return [answer for answer in answers if answer is not None]


def by_oracle(texts: Iterable[str], graph: Sequence[Record], trace: Sequence[Record]) -> list[ActionResult]:
    """One result per action record; patterns alone, entitlement aside."""
    return completions([_plain(text) for text in texts], trace, graph)


@cache
def _read(text: str) -> Record:
    policy: Record = YAML(typ="safe", pure=True).load(text)
    # The definition wants defaults written out.
    policy["patterns"] = [{"scope": "session", **pattern} for pattern in policy["patterns"]]
    return policy


def _plain(text: str) -> Record:
    return copy.deepcopy(_read(text))


def trace_of(test: PolicyTest) -> list[Record]:
    """The trace of a test in a policy file, as trace records."""
    at_ms, records = _START_MS, []
    for index, event in enumerate(test.trace):
        at_ms += 0 if index == 0 else 1000 if event.after_ms is None else event.after_ms
        records.append(_record(event, f"e{index}", format_time(at_ms)))
    return records


def graph_of(test: PolicyTest) -> list[Record]:
    """The graph of a test in a policy file, as graph records; its grants aside."""
    return [*({"node": node} for node in test.graph.nodes), *({"edge": edge} for edge in test.graph.edges)]


def _record(event: TestEvent, name: str, at: str) -> Record:
    if event.type != "action" or event.subject is None or event.action is None or event.resource is None:
        raise ValueError(f"shipped packs test actions only, not `{event.type}`")
    return {
        "type": "action",
        "id": event.id or name,
        "at": at,
        "chain": event.chain,
        "session": event.session,
        "parent_chain": event.parent_chain,
        "joins": list(event.joins),
        "subject": _entity(event.subject, "identity"),
        "on_behalf_of": [_entity(entity, "identity") for entity in event.on_behalf_of],
        "action": {"name": event.action.name, "properties": event.action.properties},
        "resource": _entity(event.resource, "resource"),
        "labels": list(event.labels),
        "parents": None if event.parents is None else list(event.parents),
        "context": event.context,
        "arguments": list(event.arguments),
        "executed": event.executed,
    }


def _entity(entity: TestEntity, default_type: str) -> Record:
    return {"type": entity.type or default_type, "id": entity.id, "properties": entity.properties}
