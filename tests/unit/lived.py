"""A few lines of trace under a few lines of policy, and what was answered last."""

from __future__ import annotations

import json
from typing import Any

from graphsvc.cli.replayer import Replayer
from graphsvc.core.evaluate import Evaluation
from graphsvc.core.graph import Edge, Node, edge_from_record, node_from_record
from graphsvc.core.policy.load import load_policy
from graphsvc.core.trace import item_from_record
from graphsvc.core.verdict import Reason

__all__ = ["Record", "act", "evaluations", "last", "policy", "told"]

Record = dict[str, Any]


def policy(*patterns: Record, **settings: object) -> Record:
    """A pack of patterns in which entitlement does not matter, unless told otherwise."""
    return {
        "graphsvc": 1,
        "pack": {"id": "t", "version": "1"},
        "settings": {"entitlement": "off", **settings},
        "actions": {"m:Read": {"effects": ["read"]}, "m:Send": {"effects": ["send"]}},
        "patterns": list(patterns),
    }


def act(name: str, action: str = "m:Read", second: int = 0, **fields: Any) -> Record:
    """An action of the agent `bot` in the chain `c`, at 10:00:00 and so many seconds."""
    return {
        "type": "action", "id": name, "at": f"2026-11-23T10:{second // 60:02}:{second % 60:02}Z", "chain": "c",
        "subject": {"type": "agent", "id": "bot"}, "action": {"name": action}, "resource": {"type": "box", "id": "b1"}, **fields,
    }  # fmt: skip


def evaluations(rules: Record, *trace: Record, graph: tuple[Record, ...] = ()) -> list[Evaluation]:
    """Every answer, in order."""
    nodes: list[Node] = [node_from_record(line["node"]) for line in graph if "node" in line]
    edges: list[Edge] = [edge_from_record(line["edge"]) for line in graph if "edge" in line]
    replayer = Replayer([load_policy(json.dumps(rules), "t.yaml")], nodes=nodes, edges=edges)
    answers = (replayer.step(item_from_record(record)) for record in trace)
    return [answer for answer in answers if answer is not None]


def last(rules: Record, *trace: Record, graph: tuple[Record, ...] = ()) -> Evaluation:
    """The last answer."""
    return evaluations(rules, *trace, graph=graph)[-1]


def told(evaluation: Evaluation) -> list[tuple[str, str, str, str | None]]:
    """The reasons as they are listed: code, text, verdict, rule."""
    return [_row(reason) for reason in evaluation.reasons]


def _row(reason: Reason) -> tuple[str, str, str, str | None]:
    return reason.code.value, reason.message, reason.verdict.value, reason.rule
