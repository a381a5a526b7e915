"""What of YAML a policy file may hold, and how whatever else is refused."""

from __future__ import annotations

import pytest

from graphsvc.core.policy.load import problems
from graphsvc.core.policy.source import parse


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 012", 12),
        ("a: 0o17", 15),
        ("a: 0x1f", 31),
        ("a: -0x1f", -31),
        ("a: 1_000", 1000),
        ("a: 1_0.5", 10.5),
        ("a: 1e3", 1000.0),
        ("a: true", True),
        ("a: 2026-11-23", "2026-11-23"),
        ("a: 'x'", "x"),
        ("a: >\n  one\n  two\n", "one two\n"),
        ("a: [1, x]", [1, "x"]),
    ],
)
def test_a_value_is_what_yaml_says(text: str, value: object) -> None:
    """Numbers of YAML 1.2, texts with folds; a time stays the text it was."""
    parsed = parse(text, "p.yaml")
    assert parsed.problems == ()
    assert parsed.value == {"a": value}


@pytest.mark.parametrize(
    ("text", "told", "column"),
    [
        ("a: .inf", "`.inf` is not a value that a policy may hold", 4),
        ("a: 1e999", "`1e999` is not a value that a policy may hold", 4),
        ("a: .nan", "`.nan` is not a value that a policy may hold", 4),
        ("a: !!int x1", "`x1` is not a value that a policy may hold", 4),
        ("a: !thing x", "`x` is not a value that a policy may hold", 4),
        ("a:", "`a` is empty; give it a value or remove it", 1),
        ("a: [~]", "this item is empty", 5),
        ("? [a]\n: b", "a key must be text; quote it", 3),
        ("a: 1\na: 2", "`a` is given twice, first in line 1; keep one", 1),
        ("<<: {a: 1}", "merge keys (`<<`) are not supported", 1),
        ("a: &x {b: *x}", "", 1),
        ("a: 1\n--- \nb: 2", "a second document", 1),
        ("[" * 41 + "]" * 41, "nested more than 40 levels deep", 41),
        ("", "the file is empty", 1),
        ("a: \x01", "not YAML", 1),
    ],
)
def test_what_a_policy_may_not_hold_is_refused_at_its_place(text: str, told: str, column: int) -> None:
    """Line, column, and what to do instead."""
    found = parse(text, "p.yaml").problems
    assert told in str(found[0])
    if told and told != "not YAML":
        assert found[0].column == column
    assert found[0].file == "p.yaml"


def test_a_file_beyond_a_mebibyte_is_refused() -> None:
    """By its bytes, before anything is read."""
    assert problems("#" * (1 << 20) + "\n")[0].rule == "too_large"
    assert problems("é" * (1 << 19) + "é")[0].rule == "too_large"


def test_a_file_that_is_no_mapping_is_refused() -> None:
    """A list of things is no policy."""
    assert "a policy file is a mapping" in str(problems("- a")[0])


def test_nothing_is_a_value_where_the_file_says_what_others_keep() -> None:
    """A property of the graph of a test may be null; a key of the file itself may not."""
    parsed = parse("tests: [{graph: {nodes: [{properties: {a: null}}]}}]", "p.yaml")
    assert parsed.problems == ()
    assert parsed.value == {"tests": [{"graph": {"nodes": [{"properties": {"a": None}}]}}]}
    assert "`name` is empty" in str(parse("tests: [{name: null}]", "p.yaml").problems[0])
