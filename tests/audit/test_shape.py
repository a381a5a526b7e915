"""Audit lines: canonical, of a fixed shape, without argument values, and binding all that is stored."""

from __future__ import annotations

import json
from typing import Any, get_args

import msgspec
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from graphsvc.core.audit.leaf import SALT_SIZE
from graphsvc.core.audit.shape import canonical_line
from graphsvc.core.codec import audit_lines, audited, decode_records, encode_records
from graphsvc.core.record import Decided, Record
from graphsvc.core.request import AccessRequest, Entity
from graphsvc.core.verdict import Completion, Reason, ReasonCode, Verdict
from tests.audit import example

SALT = bytes(SALT_SIZE)


@given(example.record)
@settings(max_examples=600)
def test_a_line_is_rfc_8785(record: Record) -> None:
    """What orjson writes is byte for byte what an independent writer of RFC 8785 writes."""
    line = canonical_line(record, "00")
    assert rfc8785.dumps(json.loads(line)) == line


@given(example.record)
@settings(max_examples=300)
def test_a_line_has_ascii_keys_and_no_floats(record: Record) -> None:
    """Only whole numbers that every reader keeps, and keys that sort the same everywhere."""
    walk(json.loads(canonical_line(record, "00")))


def walk(value: Any) -> None:
    assert not isinstance(value, float)
    if isinstance(value, int) and not isinstance(value, bool):
        assert abs(value) < 2**53
    for name, part in value.items() if isinstance(value, dict) else ():
        assert name.isascii()
        walk(part)
    for part in value if isinstance(value, list) else ():
        walk(part)


@given(st.lists(example.record, min_size=1, max_size=6))
@settings(max_examples=300)
def test_every_kind_has_one_shape(records: list[Record]) -> None:
    """The fields of a line depend on the kind of its record alone."""
    for record in records:
        fields = set(json.loads(canonical_line(record, "00")))
        assert shapes.setdefault(type(record), fields) == fields


shapes: dict[type, set[str]] = {}


def test_every_kind_of_record_is_a_leaf() -> None:
    """No kind of record stays out of the audit log."""
    from graphsvc.core.audit.shape import _SHAPES

    assert set(_SHAPES) == set(get_args(Record))


def test_no_argument_value_is_in_a_line() -> None:
    """Not in clear, not as a hash that could be guessed: the same request, asked in two stores, shares none."""
    secret = "4711-secret-iban"
    decided = Decided(
        at_ms=1,
        request=AccessRequest(
            id="d1", chain="c1", subject=Entity("agent", "bot", {"note": secret}), action="bank:Pay",
            action_properties={"iban": secret}, resource=Entity("account", "a1", {"iban": secret}),
            on_behalf_of=(Entity("human", "alice", {"note": secret}),),
            context={"iban": secret}, intent={"text": secret},
        ),
        verdict=Verdict.DENY,
        reasons=(Reason(ReasonCode.pattern_completed, f"pays {secret}", Verdict.DENY, "p"),),
        completions=(Completion(pattern="p", title="t", severity="low", on_match="deny", path=(), explanation=secret, key={"iban": secret}),),
        session="c1", index=1, dedupe="k", digest="hash-of-the-input",
    )  # fmt: skip
    lines = [
        audit_lines(audited(encode_records([decided], salt)), "e")[0] for salt in (SALT, b"1" * SALT_SIZE)
    ]
    assert secret.encode() not in lines[0]
    assert b"hash-of-the-input" not in lines[0]
    one, other = map(json.loads, lines)
    assert one.pop("seal") != other.pop("seal")
    assert one == other


@given(st.lists(example.record, min_size=1, max_size=4), st.data())
@settings(max_examples=200)
def test_the_leaf_binds_every_stored_byte(records: list[Record], data: st.DataObject) -> None:
    """A record stored otherwise has another line, also where the change is in what the line does not show."""
    held = audited(encode_records(records, SALT))
    lines = audit_lines(held, "e")
    at = data.draw(st.integers(0, len(records) - 1))
    replacement = msgspec.msgpack.encode(data.draw(example.record))
    if replacement == held.stored[at]:
        return
    held.stored[at] = replacement
    changed = audit_lines(held, "e")
    assert [number for number in range(len(records)) if changed[number] != lines[number]] == [at]


@given(st.lists(example.record, max_size=4))
def test_a_body_gives_the_records_back(records: list[Record]) -> None:
    """Leaves and salt stand beside the records, small or large."""
    body = encode_records(records, SALT)
    assert repr(decode_records(body)) == repr(records)  # by text, for a weight may be no number
    many = encode_records(records * 200, SALT)
    assert len(decode_records(many)) == len(records) * 200


@given(st.lists(example.record, min_size=1, max_size=4))
def test_old_entries_have_leaves_too(records: list[Record]) -> None:
    """Entries without leaves are read, and their lines depend on the id of the entry as their salt."""
    body = b"\x01" + msgspec.msgpack.encode(records)
    assert repr(decode_records(body)) == repr(records)
    held = audited(body)
    assert held.leaves is None
    assert audit_lines(held, "e1") == audit_lines(held, "e1") != audit_lines(held, "e2")
