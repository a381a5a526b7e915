"""The trace format: records out and in again, bad fields named."""

from __future__ import annotations

import pytest

from graphsvc.core.graph import Edge, Node
from graphsvc.core.record import (
    Cancelled,
    ChainClosed,
    ChainOpened,
    Decided,
    Granted,
    GraphCommitted,
    GraphStaged,
    Record,
    Reinstated,
    Relabelled,
    Reported,
    Revoked,
    SourceRemoved,
    Suspended,
)
from graphsvc.core.request import AccessRequest, Argument, Entity
from graphsvc.core.trace import TraceAction, TraceChange, TraceNote, item_from_record, to_trace_records
from graphsvc.core.value import Json
from graphsvc.core.verdict import Verdict
from graphsvc.errors import BadInput

REQUEST = AccessRequest(
    id="a1",
    chain="c1",
    session="s1",
    parent_chain="c0",
    joins=("c2",),
    subject=Entity("agent", "bot", {"level": 3}),
    on_behalf_of=(Entity("human", "alice"),),
    action="mail:Send",
    action_properties={"to": ["x@y.example"]},
    resource=Entity("mailbox", "alice"),
    context={"ip": "10.0.0.1", "deep": {"list": [1, None]}},
    labels=("sensitive",),
    parents=(),
    arguments=(Argument(name="to", role="destination", fact="clean", tokens=("t",), designation=1),),
    intent={"actions": ["mail:*"]},
)
CHANGES: list[Record] = [
    Reported(at_ms=1, action="a1", outcome="FAILURE", labels=("untrusted",), tokens=("t",)),
    Cancelled(at_ms=2, action="a1"),
    ChainOpened(at_ms=3, chain="c9", session="s9", parent_chain="c1", intent={"text": "mail"}),
    ChainClosed(at_ms=4, chain="c9"),
    Granted(
        at_ms=5, id="g1", identity="bot", actions=("a:*",), resources=("*",), from_ms=6, to_ms=7_001, uses=2
    ),
    Revoked(at_ms=8, grant="g1", reason="done"),
    Suspended(at_ms=9, target_kind="identity", target="bot", reason="odd", until_ms=99),
    Reinstated(at_ms=10, target_kind="identity", target="bot"),
    Relabelled(at_ms=11, resource_type="mailbox", resource="alice", labels=("sensitive",)),
    SourceRemoved(at_ms=12, source="hr"),
]


@pytest.mark.parametrize("record", CHANGES, ids=lambda record: type(record).__name__)
def test_a_change_survives_the_round_trip(record: Record) -> None:
    """What is written of a record is read as the same record."""
    (written,) = to_trace_records([(7, record)])
    item = item_from_record(written)
    assert isinstance(item, TraceChange)
    assert item.records == (record,)


def test_an_action_survives_the_round_trip() -> None:
    """An action keeps its request, number and time; a refused one is marked as never executed."""
    for verdict in Verdict:
        decided = Decided(at_ms=1_234, request=REQUEST, verdict=verdict, session="s1", index=1)
        (written,) = to_trace_records([(7, decided)])
        item = item_from_record(written)
        assert isinstance(item, TraceAction)
        assert (item.seq, item.at_ms, item.request.executed) == (7, 1_234, verdict is Verdict.PERMIT)
        assert {
            name: getattr(item.request, name) for name in REQUEST.__struct_fields__ if name != "executed"
        } == {name: getattr(REQUEST, name) for name in REQUEST.__struct_fields__ if name != "executed"}


def test_an_import_is_written_when_it_becomes_visible() -> None:
    """Staged parts of an import are one record at the place of its commit."""
    node, edge = (
        Node(key="identity:a", fields={"kind": "human"}),
        Edge(type="KNOWS", start="identity:a", end="identity:a"),
    )
    (written,) = to_trace_records(
        [
            (1, GraphStaged(at_ms=1, load="l", nodes=(node,))),
            (2, GraphStaged(at_ms=1, load="l", edges=(edge,))),
            (3, GraphCommitted(at_ms=2, load="l", source="hr", replace=True)),
        ]
    )
    item = item_from_record(written)
    assert isinstance(item, TraceChange)
    staged, committed = item.records
    assert isinstance(staged, GraphStaged)
    assert isinstance(committed, GraphCommitted)
    assert (staged.nodes, staged.edges) == ((node,), (edge,))
    assert (committed.source, committed.replace) == ("hr", True)


def test_unknown_parents_stay_unknown() -> None:
    """`parents: null` means unknown, `[]` means none."""
    base: dict[str, Json] = {
        "type": "action", "id": "e", "at": "2026-11-23T10:00:00Z", "chain": "c", "subject": {"id": "a"},
        "action": {"name": "x"}, "resource": {"type": "t", "id": "r"},
    }  # fmt: skip
    unknown, none = item_from_record({**base, "parents": None}), item_from_record({**base, "parents": []})
    assert isinstance(unknown, TraceAction)
    assert isinstance(none, TraceAction)
    assert (unknown.request.parents, none.request.parents) == (None, ())


def test_records_that_are_only_noted() -> None:
    """Policies, rejections, signals and intents are read without effect."""
    for kind in ("policy", "reject", "signal", "intent"):
        assert isinstance(item_from_record({"type": kind, "at": "2026-11-23T10:00:00Z"}), TraceNote)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"subject": {"type": "x"}}, "subject.id"),
        ({"on_behalf_of": [{"id": "a"}, {"id": ""}]}, "on_behalf_of[1].id"),
        ({"arguments": [{"name": "a", "designation": "x"}]}, "arguments[0].designation"),
        ({"executed": "no"}, "executed"),
        ({"context": []}, "context"),
        ({"at": "2026-11-23T10:00:00"}, "at"),
        ({"action": "mail:Send"}, "action"),
    ],
)
def test_a_bad_field_is_named(change: dict[str, Json], field: str) -> None:
    """The error names the place and the path of the field."""
    record: dict[str, Json] = {
        "type": "action", "id": "e", "at": "2026-11-23T10:00:00Z", "chain": "c", "subject": {"id": "a"},
        "action": {"name": "x"}, "resource": {"type": "t", "id": "r"},
    }  # fmt: skip
    with pytest.raises(BadInput) as caught:
        item_from_record({**record, **change}, "t.jsonl:3")
    assert str(caught.value).startswith(f"t.jsonl:3: {field}")
    assert caught.value.field == field
