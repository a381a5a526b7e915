"""Law: a history that was written as a trace, packs and graph within, replays to every answer again."""

from __future__ import annotations

import json
import random
from typing import Any

import msgspec
import pytest

from graphsvc.cli.comparison import stored_differences
from graphsvc.cli.replayer import Replayer
from graphsvc.core.graph import Edge, Node, edge_from_record, node_from_record
from graphsvc.core.policy.load import load_policy
from graphsvc.core.record import GraphCommitted, GraphStaged, PolicyPublished, Record
from graphsvc.core.trace import TraceAction, TraceChange, item_from_record, items_of, record_of
from graphsvc.core.world import World
from tests.law.strategy import ALL_FEATURES, Case, random_case


def _lived(case: Case) -> list[tuple[int, Record]]:
    """Every record of a world that lived through the case, the graph and the pack first."""
    nodes: list[Node] = [node_from_record(line["node"]) for line in case.graph if "node" in line]
    edges: list[Edge] = [edge_from_record(line["edge"]) for line in case.graph if "edge" in line]
    source = load_policy(json.dumps(case.policy), "case.yaml").source
    replayer = Replayer([])
    kept: list[tuple[int, Record]] = []
    world_apply = replayer.world.apply

    def apply(record: Record, seq: int, *known: object) -> None:
        kept.append((seq, record))
        world_apply(record, seq, *known)  # type: ignore[arg-type]

    replayer.world.apply = apply  # type: ignore[method-assign, assignment]
    graph = (
        GraphStaged(at_ms=0, load="graph", nodes=tuple(nodes), edges=tuple(edges)),
        GraphCommitted(at_ms=0, load="graph", source="graph"),
    )
    pack = PolicyPublished(
        at_ms=0, pack="random", version="1", sha256=source.sha256, text=source.text, file="case.yaml"
    )
    replayer.step(TraceChange(records=(*graph, pack)))
    for record in case.trace:
        replayer.step(item_from_record(record))
    return kept


# Seeds instead of hypothesis: it prefers small cases, in which what is late or rare changes no answer.
@pytest.mark.parametrize("seed", range(200))
def test_an_exported_history_replays_to_the_same_answers(seed: int) -> None:
    """Verdict, completions and risk of every action come out as stored, from the lines alone."""
    case = random_case(random.Random(seed), ALL_FEATURES)
    history = _lived(case)
    lines = [msgspec.json.encode(record_of(item)) for item in items_of(history)]
    replayer = Replayer([])
    actions = 0
    for number, line in enumerate(lines, 1):
        item = item_from_record(msgspec.json.decode(line), f"line {number}")
        evaluation = replayer.step(item)
        if isinstance(item, TraceAction):
            assert item.stored is not None
            assert evaluation is not None
            assert list(stored_differences(item.stored, evaluation)) == []
            actions += 1
    assert replayer.warnings == []
    assert actions == sum(record["type"] == "action" for record in case.trace)
    folded = World()
    for seq, record in history:
        folded.apply(record, seq)
    assert folded.cells.keys() == replayer.world.cells.keys()


def test_a_review_that_was_used_replays() -> None:
    """An escalated action, its approval, and the action that names it come out as stored, once."""
    base: dict[str, Any] = {
        "type": "action", "chain": "c", "subject": {"type": "agent", "id": "bot"}, "action": {"name": "p:Pay"},
        "resource": {"type": "account", "id": "a"}, "at": "2026-11-23T10:00:00Z",
    }  # fmt: skip
    policy = {
        "graphsvc": 1,
        "pack": {"id": "random", "version": "1"},
        "settings": {"entitlement": "off"},
        "patterns": [{"id": "pay", "on_match": "escalate", "steps": {"pay": {"action": "p:Pay"}}}],
    }
    review = {"decision": "e1", "by": {"type": "human", "id": "dana"}, "at": "2026-11-23T10:01:00Z"}
    trace: list[dict[str, Any]] = [
        {**base, "id": "e1"},
        {"type": "signal", "identity": "bot", "weight": 0.5, "half_life": "1h", "at": review["at"]},
        {"type": "approve", **review},
        {**base, "id": "e2", "review": "e1"},
        {**base, "id": "e3", "review": "e1"},
        {**base, "id": "e4"},
        {"type": "reject", **review, "decision": "e4"},
        {**base, "id": "e5", "review": "e4"},
    ]
    history = _lived(Case(policy, [], trace))
    items = [item_from_record(msgspec.json.decode(msgspec.json.encode(record_of(item)))) for item in items_of(history)]  # fmt: skip
    stored = [(item.stored.verdict.value, item.stored.reasons) for item in items if isinstance(item, TraceAction) and item.stored]  # fmt: skip
    assert [verdict for verdict, _ in stored] == ["ESCALATE", "PERMIT", "DENY", "ESCALATE", "DENY"]
    replayer = Replayer([])
    for item in items:
        evaluation = replayer.step(item)
        if isinstance(item, TraceAction) and item.stored is not None and evaluation is not None:
            assert list(stored_differences(item.stored, evaluation)) == []
