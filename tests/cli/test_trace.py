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
    PolicyPublished,
    Record,
    Reinstated,
    Relabelled,
    Reported,
    Revoked,
    SourceRemoved,
    Suspended,
)
from graphsvc.core.request import AccessRequest, Argument, Entity
from graphsvc.core.trace import (
    StoredVerdict,
    TraceAction,
    TraceChange,
    TraceNote,
    TracePack,
    item_from_record,
    to_trace_records,
    warnings_of,
)
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


def test_what_the_format_does_not_name_is_told() -> None:
    """Unknown types and fields, at any depth, are named with their place; nothing else is."""
    note = item_from_record({"type": "dance", "at": "2026-11-23T10:00:00Z"}, "t.jsonl:3")
    assert isinstance(note, TraceNote)
    assert warnings_of(note) == [
        "t.jsonl:3: type: `dance` is no type of record that this version knows; ignored"
    ]
    record: dict[str, Json] = {
        "type": "action", "id": "e", "at": "2026-11-23T10:00:00Z", "chain": "c",
        "subject": {"id": "a", "colour": "blue", "properties": {"free": 1}}, "action": {"name": "x"},
        "resource": {"id": "r"}, "arguments": [{"name": "to"}, {"name": "cc", "weight": 1}], "mood": None,
    }  # fmt: skip
    item = item_from_record(record, "t.jsonl:4")
    assert item.ignored == ("mood", "subject.colour", "arguments[1].weight")
    assert warnings_of(item)[0] == "t.jsonl:4: mood: no field of this type of record; ignored"


def test_a_pack_without_its_text_is_no_change() -> None:
    """`policy` with a text is the pack; without one it only says which pack it was."""
    base: dict[str, Json] = {"type": "policy", "pack": "mail", "version": "1", "at": "2026-11-23T10:00:00Z"}
    named = item_from_record({**base, "sha256": "ab"})
    assert isinstance(named, TracePack)
    assert (named.pack, named.version, named.sha256) == ("mail", "1", "ab")
    held = item_from_record({**base, "text": "graphsvc: 1"})
    assert isinstance(held, TraceChange)
    assert isinstance(held.records[0], PolicyPublished)
    with pytest.raises(BadInput, match="sha256 `ab` is not the one of `text`"):
        item_from_record({**base, "text": "graphsvc: 1", "sha256": "ab"})


AT: dict[str, Json] = {"at": "2026-11-23T10:00:00Z"}


@pytest.mark.parametrize(
    ("record", "told"),
    [
        ({"type": "signal", "identity": "a", "weight": 1.5, "half_life": "1h"}, "weight is `1.5`, must be"),
        ({"type": "signal", "identity": "a", "weight": True, "half_life": "1h"}, "weight is `True`, must be"),
        ({"type": "signal", "identity": "a", "half_life": "1h"}, "weight is missing"),
        ({"type": "signal", "identity": "a", "weight": 1, "half_life": "0h"}, "half_life `0h` is not a"),
        ({"type": "approve", "decision": "e", "by": {"type": "human"}}, "by.id is missing"),
        ({"type": "reject", "by": {"id": "dana"}}, "decision is missing"),
        ({"type": "intent", "chain": "c"}, "intent is missing"),
        ({"type": "suspend", "target": {"type": "dog", "id": "x"}}, "target.type `dog` is none of identity"),
        ({"type": "link", "identities": ["a"]}, "identities must name at least two"),
        ({"type": "graph", "upsert": [{}]}, "upsert[0].node is missing"),
        ({"type": "report", "action": "e", "outcome": "maybe"}, "outcome `maybe` is none of success"),
        ({"type": "grant", "id": "g", "identity": "a", **AT, "to": "x"}, "to: `x` is not an RFC 3339 time"),
        ({"type": "policy", "pack": 1}, "pack must be text"),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else "",
)
def test_a_bad_change_is_refused(record: dict[str, Json], told: str) -> None:
    """Missing fields and values out of range are named with place and path."""
    with pytest.raises(BadInput) as caught:
        item_from_record({**AT, **record}, "t.jsonl:3")
    assert str(caught.value).startswith(f"t.jsonl:3: {told}")
    assert caught.value.field == told.split(maxsplit=1)[0].rstrip(":")


def test_a_stored_answer_needs_a_verdict() -> None:
    """What was answered is read with the action; without the verdict the rest means nothing."""
    base: dict[str, Json] = {
        "type": "action", "id": "e", **AT, "chain": "c", "subject": {"id": "a"}, "action": {"name": "x"},
        "resource": {"id": "r"},
    }  # fmt: skip
    item = item_from_record({**base, "verdict": "DENY", "completed": ["leak"]})
    assert isinstance(item, TraceAction)
    assert item.stored == StoredVerdict(verdict=Verdict.DENY, enforced=Verdict.DENY, completed=("leak",))
    wrongs: list[tuple[dict[str, Json], str]] = [
        ({"completed": ["leak"]}, "completed"),
        ({"verdict": "MAYBE"}, "verdict"),
        ({"verdict": "DENY", "risk": {"before_micros": -1}}, "risk.before_micros"),
        ({"seq": 0}, "seq"),
    ]
    for wrong, field in wrongs:
        with pytest.raises(BadInput) as caught:
            item_from_record({**base, **wrong})
        assert caught.value.field == field


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
