"""Graph records: what is refused names its field, and what is read is written again as it was."""

from __future__ import annotations

import pytest

from graphsvc.core.graph import facts_of, to_records
from graphsvc.core.signal import Signal, Signals, cause_of
from graphsvc.core.value import Json
from graphsvc.errors import BadInput

WRONG: list[tuple[Json, str]] = [
    ({"node": {"type": "identity"}}, "node.id"),
    ({"node": {"type": "robot", "id": "x"}}, "node.type"),
    ({"node": {"type": "resource", "resource_type": "a:b", "id": "x"}}, "node.resource_type"),
    ({"node": {"type": "identity", "id": "x", "properties": "p"}}, "node.properties"),
    ({"node": {"type": "resource", "resource_type": "a", "id": "x", "tier": 1}}, "node.tier"),
    ({"node": {"type": "resource", "resource_type": "a", "id": "x", "labels": [1]}}, "node.labels"),
    ({"node": {"type": "permission", "id": "x", "effect": "maybe"}}, "node.effect"),
    ({"node": {"type": "permission", "id": "x", "actions": "a"}}, "node.actions"),
    ({"edge": {"type": "LIKES", "from": "identity:a", "to": "identity:b"}}, "edge.type"),
    ({"edge": {"type": "KNOWS", "from": "identity:", "to": "identity:b"}}, "edge.from"),
    ({"edge": {"type": "OWNS", "from": "identity:a", "to": "resource:b"}}, "edge.to"),
    ({"edge": {"type": "KNOWS", "from": "identity:a", "to": "identity:b", "properties": "p"}}, "edge.properties"),
    ({"thing": {}}, "records.0"),
    ("node", "records.0"),
]  # fmt: skip


@pytest.mark.parametrize(("record", "field"), WRONG)
def test_a_wrong_record_is_refused_by_field(record: Json, field: str) -> None:
    """With the place of the record in the list."""
    with pytest.raises(BadInput) as refused:
        facts_of([record])
    assert refused.value.field == (field if field.startswith("records") else f"records.0.{field}")


def test_facts_are_written_as_they_were_read() -> None:
    """Nodes before edges, with all they say."""
    records: list[Json] = [
        {"node": {"type": "identity", "id": "a", "kind": "human", "properties": {"x": 1}}},
        {"node": {"type": "resource", "resource_type": "box", "id": "r", "labels": ["hot"], "tier": "gold"}},
        {"node": {"type": "permission", "id": "p", "actions": ["*"], "effect": "deny"}},
        {"edge": {"type": "KNOWS", "from": "identity:a", "to": "identity:b", "properties": {"y": 2}}},
        {"edge": {"type": "OWNS", "from": "identity:a", "to": "resource:box:r"}},
    ]
    assert to_records(*facts_of(records)) == records


def test_a_sender_takes_back_its_own_warnings_only() -> None:
    """Of those before the time; others' stay, and whoever was never warned of is no error."""
    signals = Signals()
    mine, theirs = cause_of("caep", "a.example", "risk"), cause_of("caep", "b.example", "risk")
    signals.lower("x", "a.example", 10)
    for at_ms, cause in ((1, mine), (2, theirs), (30, mine)):
        signals.add("x", Signal(at_ms, 0.5, 60_000, cause))
    signals.lower("x", "a.example", 10)
    assert [(each.at_ms, each.cause) for each in signals.by_identity["x"]] == [(2, theirs), (30, mine)]
    signals.lower("x", "b.example", 10)
    signals.lower("x", "a.example", 40)
    assert signals.by_identity == {}


def test_a_certain_signal_weighs_a_finite_amount() -> None:
    """A weight of one would make the score certain for ever; it weighs as much as can be told, and fades."""
    certain = Signal(0, 1.0, 1_000, "c")
    assert certain.micros(0) > certain.micros(1_000) > 0
