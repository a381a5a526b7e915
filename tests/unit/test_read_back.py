"""What is read back from files and logs: mistakes are told with their place, damage is never taken for content."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from graphsvc.core.codec import Audited, audit_lines, audited, decode_records, encode_records, erase_records
from graphsvc.core.intent import check_template
from graphsvc.core.mark import Mark, reached_by
from graphsvc.core.packs import load_packs
from graphsvc.core.record import AuditRead, ChainClosed, GraphStaged, PolicyPublished, Record, Revoked
from graphsvc.core.request import Entity
from graphsvc.core.trace import (
    TraceApproval,
    TraceChange,
    item_from_record,
    read_trace,
    record_of,
    to_trace_records,
)
from graphsvc.core.value import Json, key_text
from graphsvc.errors import BadInput, PolicyError, StoreError, StoreTooNew
from tests.unit.lived import act, last, policy


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('{"type": "action"', "t:2: the line ends inside a JSON value"),
        ("{'type': 1}", "t:2: not JSON"),
        (b'{"type": "\xff"}', "t:2: not JSON"),
        ("[]", "t:2: not an object; write one object a line"),
        ("[" * 100_000, "t:2: "),
    ],
)
def test_a_line_that_is_no_record_is_told_with_its_number(line: str | bytes, told: str) -> None:
    """Empty lines are skipped and counted."""
    with pytest.raises(BadInput, match=told):
        list(read_trace(["", line], "t"))


@pytest.mark.parametrize(
    "body", [b"", b"\x00\xc1", b"\x01\xff", b"\x03broken", *(bytes((each,)) + b"broken" for each in range(8))]
)
def test_a_damaged_entry_is_an_error(body: bytes) -> None:
    """Whatever is asked of it."""
    for read in (decode_records, audited):
        with pytest.raises(StoreError):
            read(body)


def test_an_entry_of_a_newer_version_says_so() -> None:
    """It names both formats, and what to do."""
    with pytest.raises(StoreTooNew, match="upgrade graphsvc"):
        decode_records(b"\xff")


@pytest.mark.parametrize(
    ("value", "text"),
    [("a", "a"), (True, "true"), (False, "false"), (7, "7"), (7.0, "7"), (7.5, "7.5"), (1e300, "1e+300"), (None, None), ([1], None)],
)  # fmt: skip
def test_keys_compare_as_text(value: Json, text: str | None) -> None:
    """R19: in JSON spelling; what has no text is no key (R18)."""
    assert key_text(value) == text


def test_an_unknown_template_is_told_with_those_there_are() -> None:
    """An intent without one asks for none."""
    check_template(None, {})
    check_template({"template": "a"}, {"a": 1})
    with pytest.raises(BadInput, match="there are `a`, `b`") as refused:
        check_template({"template": "c"}, {"b": 1, "a": 1})
    assert refused.value.field == "intent.template"
    with pytest.raises(BadInput, match="there are none"):
        check_template({"template": "c"}, {})


def test_a_bit_that_nothing_reached_has_no_mark() -> None:
    """A witness is never made up."""
    with pytest.raises(KeyError):
        reached_by(Mark(1, "e1", None, None), 2)


def test_published_packs_that_do_not_fit_together_are_refused() -> None:
    """Each alone loads; a pattern's id belongs to one pack."""
    text = "graphsvc: 1\npack: {id: %s}\npatterns: [{id: p, steps: {a: {action: x}}}]\n"
    packs = {
        name: PolicyPublished(
            at_ms=0, pack=name, version="1", sha256="", text=text % name, file=f"{name}.yaml"
        )
        for name in ("a", "b")
    }
    assert [each.pack.id for each in load_packs({"a": packs["a"]})] == ["a"]
    with pytest.raises(PolicyError, match="`p`"):
        load_packs(packs)


@pytest.mark.parametrize(
    ("record", "told"),
    [
        ({"type": "action", "chain": "c", "subject": None}, "subject is missing"),
        ({"type": "report", "action": "e1", "labels": ["a", 1]}, "labels must be a list of texts"),
        ({"type": "report", "action": "e1", "labels": "a"}, "labels must be a list of texts"),
        ({"type": "graph", "upsert": [1]}, "upsert must be a list of objects"),
        ({"type": "graph", "upsert": {}}, "upsert must be a list of objects"),
        ({"type": "link", "identities": ["a"]}, "identities must name at least two identities"),
        ({"type": "govern", "record": {"kind": "unheard_of"}}, "record is no such record"),
        ({"type": "govern", "record": {"kind": "confirmed"}}, "record is no such record"),
    ],
)
def test_a_record_that_does_not_fit_is_told_with_its_field(record: dict[str, Json], told: str) -> None:
    """Whatever the type, the line and the field are named."""
    full = {
        "id": "e1",
        "at": "2026-11-23T10:00:00Z",
        "action": {"name": "a"},
        "resource": {"type": "t", "id": "r"},
    }
    with pytest.raises(BadInput, match=f"t:1: {told}"):
        list(read_trace([msgspec.json.encode({**full, **record})], "t"))


@pytest.mark.parametrize(
    "record",
    [
        {
            "type": "approve",
            "decision": "e1",
            "by": {"type": "human", "id": "dana"},
            "at": "2026-11-23T10:00:00Z",
        },
        {"type": "policy", "pack": "p", "version": "1", "sha256": "abc", "at": "2026-11-23T10:00:00Z"},
        {**act("e1"), "verdict": "DENY"},
        {
            **act("e1"),
            "verdict": "DENY",
            "enforced": "PERMIT",
            "completed": ["p"],
            "reasons": ["pattern_completed"],
        },
        {"type": "of a later version", "at": "2026-11-23T10:00:00Z"},
        {"type": "of a later version", "at": None},
    ],
)
def test_items_that_change_nothing_are_written_as_they_were_read(record: dict[str, Json]) -> None:
    """A pack without its text, an approval, and a type that is not known."""
    item = item_from_record(record)
    assert item_from_record(record_of(item)) == item


def test_only_what_a_store_holds_by_itself_is_a_record_of_a_trace() -> None:
    """Reads of the audit log are left out: nothing judged depends on them."""
    read = AuditRead(at_ms=1, what="proof", first=1, last=2)
    closed = ChainClosed(at_ms=2, chain="c")
    written = list(to_trace_records([(1, read), (2, closed)]))
    assert [each["type"] for each in written] == ["close"]
    with pytest.raises(TypeError, match="AuditRead is no change"):
        record_of(TraceChange(records=(read,), place="t"))


def test_linked_identities_are_one_person() -> None:
    """`link` names at least two; the first stands for all."""
    item = item_from_record({"type": "link", "identities": ["a", "b", "c"], "at": "2026-11-23T10:00:00Z"})
    assert isinstance(item, TraceChange)
    staged = item.records[0]
    assert isinstance(staged, GraphStaged)
    assert [(edge.start, edge.end) for edge in staged.edges] == [
        ("identity:a", "identity:b"),
        ("identity:a", "identity:c"),
    ]


def test_an_entry_with_too_few_leaves_is_damaged() -> None:
    """One leaf a record: an entry that lost some proves nothing."""
    whole = encode_records([ChainClosed(at_ms=1, chain="c")], b"s" * 16)
    version, body = whole[0], msgspec.msgpack.decode(whole[1:])
    body[1] = body[1][:-1]
    with pytest.raises(StoreError, match="does not hold one audit leaf a record"):
        audited(bytes((version,)) + msgspec.msgpack.encode(body))


def test_numbers_of_any_size_stay_what_they_were() -> None:
    """Whole numbers beyond 64 bits come in by traces; a later report judges the same request again."""
    huge = 2**70
    rules = policy(
        {
            "id": "p", "on_match": "deny",
            "steps": {"a": {"labels": {"any": ["hot"]}, "action": "m:Read", "then": "b"}, "b": {"action": "m:Send"}},
        }
    )  # fmt: skip
    report = {"type": "report", "action": "e1", "labels": ["hot"], "at": "2026-11-23T10:00:01Z"}
    read = act("e1", resource={"type": "box", "id": "b1", "properties": {"size": huge}})
    answer = last(rules, read, report, act("e2", "m:Send", 2))
    assert [each.pattern for each in answer.completions] == ["p"]
    assert answer.completions[0].path[0].resource == "box:b1"


@pytest.mark.parametrize("size", [10, 100_000])
def test_erasing_changes_one_record_and_keeps_its_line(size: int) -> None:
    """However large the entry is: the others, and all lines and leaves, are what they were."""
    records: list[Record] = [
        Revoked(at_ms=number, grant=f"g{number}", reason=("mallory " * size)[: size + number])
        for number in range(3)
    ]
    before = encode_records(records, b"s" * 16)

    def change(record: Record) -> Record:
        return replace(record, reason="") if record == records[1] else record

    after = erase_records(before, "entry", change, lambda place, stored: f"note {place} {len(stored)}")
    assert decode_records(after) == [records[0], change(records[1]), records[2]]
    held = audited(after)
    assert audit_lines(held, "entry") == audit_lines(audited(before), "entry")
    assert list(held.erased) == [1]
    assert held.leaves == audited(before).leaves


def test_a_damaged_record_has_no_audit_line() -> None:
    """It is told as damage of the store, not as a line of something else."""
    with pytest.raises(StoreError, match="cannot be read"):
        audit_lines(Audited(b"s" * 16, None, [b"\xc1"]), "entry")


def test_an_approval_of_a_rule_test_is_written_as_a_review() -> None:
    """What a test of a rule file approves can be read back as a trace says it."""
    item = TraceApproval(decision="e1", by=Entity("human", "dana"), at_ms=0, place="t")
    written = record_of(item)
    assert written == {
        "type": "approve", "decision": "e1", "by": {"type": "human", "id": "dana"}, "at": "1970-01-01T00:00:00Z",
    }  # fmt: skip
    assert len(list(read_trace([msgspec.json.encode(written)], "t"))) == 1
