"""The engine run over a case of the oracle's form: policy, graph and trace as plain records."""

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from graphsvc.cli.replayer import Replayer
from graphsvc.core.evaluate import Evaluation
from graphsvc.core.graph import Edge, Node, edge_from_record, node_from_record
from graphsvc.core.policy.document import Policy
from graphsvc.core.policy.load import load_policy
from graphsvc.core.trace import item_from_record
from graphsvc.core.verdict import ReasonCode
from graphsvc.core.world import World

Record = dict[str, Any]
Result = tuple[str, list[str], list[str], str]


@lru_cache(maxsize=64)
def _loaded(text: str) -> Policy:
    return load_policy(text, "case.yaml")


def replay(policy: Record, graph: list[Record], trace: list[Record], *, force: bool = False) -> Replayer:
    """A replayer that has lived through the trace; `results` holds one line an action."""
    replayer = _replayer(policy, graph, force=force)
    replayer.results = [result_of(told) for told in _stepped(replayer, trace)]  # type: ignore[attr-defined]
    return replayer


def steps(
    policy: Record, graph: list[Record], trace: list[Record], *, force: bool = False
) -> Iterator[tuple[World, Evaluation]]:
    """Every action as it is judged, with the world that it leaves behind, which goes on changing."""
    replayer = _replayer(policy, graph, force=force)
    for told in _stepped(replayer, trace):
        yield replayer.world, told


def _replayer(policy: Record, graph: list[Record], *, force: bool) -> Replayer:
    nodes: list[Node] = [node_from_record(line["node"]) for line in graph if "node" in line]
    edges: list[Edge] = [edge_from_record(line["edge"]) for line in graph if "edge" in line]
    loaded = _loaded(json.dumps(policy))
    return Replayer([loaded], nodes=nodes, edges=edges, entitlement="off", force=force)


def _stepped(replayer: Replayer, trace: list[Record]) -> Iterator[Evaluation]:
    for record in trace:
        evaluation = replayer.step(item_from_record(record))
        if evaluation is not None:
            yield evaluation


def results(policy: Record, graph: list[Record], trace: list[Record], *, force: bool = False) -> list[Result]:
    """(action, completed patterns, patterns whose key was missing, verdict) of every action."""
    return replay(policy, graph, trace, force=force).results  # type: ignore[attr-defined,no-any-return]


def result_of(evaluation: Evaluation) -> Result:
    """What the oracle too says of an action."""
    completed = sorted(completion.pattern for completion in evaluation.completions)
    missing = sorted(
        reason.rule or "" for reason in evaluation.reasons if reason.code is ReasonCode.key_missing
    )
    return evaluation.request.id, completed, missing, str(evaluation.verdict)
