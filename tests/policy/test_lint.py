"""Lint: each finding where it belongs, and silence where nothing is wrong."""

from __future__ import annotations

import pytest

from graphsvc.core.policy.cover import covers, overlaps
from graphsvc.core.policy.lint import CODES, lint
from graphsvc.core.policy.load import load_policies, load_policy
from tests.policy.example import FULL, with_pattern

TESTED = "tests: [{name: n, trace: [{subject: s, action: 'x:A', labels: [secret], completes: [p]}]}]\n"
KNOWN = 'actions: {"x:*": {effects: [read]}, "y:B": {effects: [send]}}\n'

FINDINGS = [
    ("vacuous", "steps: {a: {key: {v: resource.id}}}"),
    ("vacuous", "steps: {a: {labels: {}}}"),
    ("vacuous", "steps: {a: {action: 'x:A', labels: {all: secret, none: secret}}}"),
    ("vacuous", "steps: {a: {action: 'x:A', labels: {any: secret, none: secret}}}"),
    ("vacuous", "steps: {a: {action: 'y:B', effects: [read]}}"),
    ("unknown_action", "steps: {a: {action: 'z:Thing'}}"),
    ("unknown_action", "steps: {a: {action: 'grant:Make'}}"),
    ("unknown_label", "steps: {a: {action: 'x:A', labels: [secrte]}}"),
    ("inverted_guard", "steps: {a: {action: 'x:A'}}\nunless: {action: 'x:*'}"),
    ("standing_approval", "steps: {a: {action: 'x:A'}}\nunless: {action: 'review:Approve'}"),
    (
        "self_approval",
        "steps: {a: {action: 'x:A'}}\nscope: principal\nwithin: 1h\nunless: {action: 'review:Approve', by: same}",
    ),
]


def codes(text: str) -> set[str]:
    return {finding.code for finding in lint([load_policy(text)])}


@pytest.mark.parametrize(("code", "body"), FINDINGS)
def test_a_doubtful_pattern_is_found(code: str, body: str) -> None:
    """Each doubtful pattern gives its finding."""
    assert code in codes(with_pattern(body, before=KNOWN, after=TESTED))


def test_a_sound_policy_has_no_findings() -> None:
    """A declared, tested pattern with a sound guard is passed over in silence."""
    body = "steps: {a: {action: 'x:A', labels: [secret]}}\nunless: {action: 'y:B'}"
    assert lint([load_policy(with_pattern(body, before=KNOWN, after=TESTED))]) == []


SILENT = [
    # A label that the graph of a test says, an action of which one has the effect, and a guard that asks for more.
    ("unknown_label", "steps: {a: {action: 'x:A', labels: [stored]}}", "graph: {nodes: [{type: resource, resource_type: t, id: r, labels: [stored]}]}, "),
    ("vacuous", "steps: {a: {action: ['x:A', 'y:B'], effects: [read]}}", ""),
    ("vacuous", "steps: {a: {action: ['y:B', 'y:C'], effects: [send]}}", ""),
    ("inverted_guard", "steps: {a: {action: 'x:A'}}\nunless: {action: 'x:*', labels: [secret]}", ""),
    ("inverted_guard", "steps: {a: {action: 'x:A'}}\nunless: {effects: [read]}", ""),
]  # fmt: skip


@pytest.mark.parametrize(("code", "body", "graph"), SILENT)
def test_what_only_looks_doubtful_is_not_found(code: str, body: str, graph: str) -> None:
    """Each is one word away from a finding."""
    after = TESTED.replace("{name: n, ", f"{{name: n, {graph}")
    assert code not in codes(with_pattern(body, before=KNOWN, after=after))


def test_untested_patterns_and_tests_of_unknown_ones_are_found() -> None:
    """A pattern that no test completes, and a test naming no pattern, are both told."""
    text = with_pattern("steps: {a: {action: 'x:A'}}", before=KNOWN, after=TESTED.replace("[p]", "[q]"))
    assert {"untested", "unknown_pattern"} <= codes(text)


def test_a_pattern_of_rights_that_no_test_completes_is_told_as_information() -> None:
    """Such packs are mostly asked by `explore`; a test that completes it makes it silent."""
    text = with_pattern("rights: {all_of: [{right: 'x:A'}]}", before=KNOWN, after=TESTED)
    assert codes(text) == set()
    (found,) = lint([load_policy(text.replace("[p]", "[]"))])
    assert (found.code, found.severity) == ("untested", "info")


def test_thresholds_that_never_act_are_found() -> None:
    """`escalate_at` at or above `deny_at` is vacuous."""
    text = "graphsvc: 1\npack: {id: a}\nsettings: {escalate_at: 0.9, deny_at: 0.5}\n"
    finding = lint([load_policy(text, "f")])[0]
    assert (finding.code, finding.line, finding.column) == ("vacuous", 3, 12)


def test_shadowed_actions_are_found() -> None:
    """An entry that another one beats for every action it matches is told, over packs as information."""
    text = 'graphsvc: 1\npack: {id: a}\nactions: {"m:*": {}, "m:?*": {}, "m:Read": {}}\n'
    found = lint([load_policy(text, "a.yaml")])
    assert [(f.code, f.severity, "`m:?*`" in f.message) for f in found] == [
        ("shadowed_action", "warning", True)
    ]
    other = 'graphsvc: 1\npack: {id: b}\nactions: {"m:Read": {}}\n'
    over = lint(load_policies([(text, "a.yaml"), (other, "b.yaml")]))
    assert [f.severity for f in over if "`m:Read`" in f.message] == ["info"]


_WIDE = "{id: %s, on_match: deny, within: 2h, steps: {a: {action: 'x:A', then: b}, b: {action: 'y:B'}}}"


@pytest.mark.parametrize(
    ("changed", "line", "by"),
    [
        ("{id: q, on_match: deny, within: 2h, steps: {a: {action: 'x:A', then: b}, b: {action: 'y:B'}}}", 5, "p"),
        ("{id: q, on_match: monitor, within: 1h, steps: {a: {action: 'x:A', then: b}, b: {action: 'y:B'}}, unless: {action: 'x:C'}}", 5, "p"),
        ("{id: q, on_match: deny, within: 3h, steps: {a: {action: 'x:A', then: b}, b: {action: 'y:B'}}}", 4, "q"),
        ("{id: q, on_match: deny, steps: {a: {action: 'x:A', then: b}, b: {action: 'y:B'}}}", 4, "q"),
        ("{id: q, on_match: deny, severity: high, within: 1h, steps: {a: {action: 'x:A', then: b}, b: {action: 'y:B'}}}", None, ""),
        ("{id: q, on_match: deny, within: 1h, steps: {a: {action: 'x:B', then: b}, b: {action: 'y:B'}}}", None, ""),
        ("{id: q, on_match: deny, within: 1h, relation: log, steps: {a: {action: 'x:A', then: b}, b: {action: 'y:B'}}}", None, ""),
    ],
)  # fmt: skip
def test_a_pattern_that_another_covers_is_found(changed: str, line: int | None, by: str) -> None:
    """It completes only where the other does, which answers no less severely; of two alike the later one is told."""
    text = f"graphsvc: 1\npack: {{id: a}}\npatterns:\n  - {_WIDE % 'p'}\n  - {changed}\n"
    found = [each for each in lint([load_policy(text, "a.yaml")]) if each.code == "shadowed_pattern"]
    expected = [] if line is None else [(line, "warning", True)]
    assert [(each.line, each.severity, f"completes `{by}`" in each.message) for each in found] == expected


def test_a_pattern_that_another_pack_covers_is_information() -> None:
    """That is how a site makes a shipped rule stricter."""
    one = f"graphsvc: 1\npack: {{id: a}}\npatterns:\n  - {(_WIDE % 'p').replace('deny', 'monitor')}\n"
    other = f"graphsvc: 1\npack: {{id: b}}\npatterns:\n  - {_WIDE % 'q'}\n"
    found = lint(load_policies([(one, "a.yaml"), (other, "b.yaml")]))
    assert [(each.file, each.severity) for each in found if each.code == "shadowed_pattern"] == [
        ("a.yaml", "info")
    ]


def test_findings_are_ordered_and_documented() -> None:
    """Findings come by file and place, and every code has a description."""
    found = lint([load_policy(FULL, "full.yaml")])
    assert found == sorted(found)
    assert {finding.code for finding in found} <= set(CODES)
    assert str(found[0]).startswith("full.yaml:")


@pytest.mark.parametrize(
    ("first", "second", "is_overlap"),
    [
        ("a*", "*b", True),
        ("a?", "ab", True),
        ("a?", "a", False),
        ("x:*", "y:*", False),
        ("", "*", True),
        ("", "", True),
    ],
)
def test_globs_overlap_when_a_name_matches_both(first: str, second: str, is_overlap: bool) -> None:
    """Overlap is symmetric and exact."""
    assert overlaps(first, second) is is_overlap
    assert overlaps(second, first) is is_overlap


@pytest.mark.parametrize(
    ("wide", "narrow", "is_cover"),
    [
        ("*", "a*", True),
        ("a*", "a?", True),
        ("a?", "a*", False),
        ("a*", "a*", True),
        ("a*", "*a", False),
        ("a*", "a", True),
    ],
)
def test_a_glob_covers_another_when_all_its_names_match(wide: str, narrow: str, is_cover: bool) -> None:
    """Cover means containment."""
    assert covers(wide, narrow) is is_cover
