"""What is read back from files and logs: mistakes are told with their place, damage is never taken for content."""

from __future__ import annotations

import pytest

from graphsvc.core.codec import audited, decode_records
from graphsvc.core.intent import check_template
from graphsvc.core.mark import Mark, reached_by
from graphsvc.core.packs import load_packs
from graphsvc.core.record import PolicyPublished
from graphsvc.core.trace import read_trace
from graphsvc.core.value import Json, key_text
from graphsvc.errors import BadInput, PolicyError, StoreError, StoreTooNew


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


@pytest.mark.parametrize("body", [b"", b"\x00\xc1", b"\x01\xff", b"\x03broken"])
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
        reached_by(Mark(1, 1, "e1", None, None), 2)


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
