"""How mistakes are told: every kind in words that name the fix, whatever the validator calls it."""

from __future__ import annotations

import pytest

from graphsvc.core.policy import problem
from graphsvc.core.policy.document import Policy
from graphsvc.core.policy.lint import lint
from graphsvc.core.policy.load import load_policies, load_policy, problems
from graphsvc.core.policy.pattern import Pattern, Step
from graphsvc.core.policy.tools import tools_of
from graphsvc.errors import PolicyError
from tests.policy.example import with_pattern

STEPS = "steps: {a: {action: 'x:A'}}"


@pytest.mark.parametrize(
    ("kind", "value", "context", "told"),
    [
        ("string_type", None, {}, "is empty; give it a value or remove it"),
        ("literal_error", "x", {"expected": "'only'"}, "must be `only`, not `x`"),
        ("literal_error", [1], {"expected": "'a' or 'b'"}, "is a list; use one of `a`, `b`"),
        ("literal_error", "highh", {"expected": "'high' or 'low'"}, "is `highh`; use one of `high`, `low`; did you mean `high`?"),
        ("too_short", [], {}, "is empty; give it a value or remove it"),
        ("string_too_long", "y" * 70, {"max_length": 64}, "is longer than 64; shorten it"),
        ("less_than_equal", 9, {"le": 5}, "must be at most 5, not `9`"),
        ("less_than_equal", {}, {"le": 5}, "must be at most 5, not a mapping"),
        ("finite_number", "y" * 70, {}, "is refused: input should be finite"),
    ],
)  # fmt: skip
def test_a_refusal_is_told_in_words(kind: str, value: object, context: dict[str, object], told: str) -> None:
    """Of every kind, with what was given and what would do."""
    detail = {"type": kind, "input": value, "ctx": context, "msg": "Input should be finite", "loc": ()}
    assert problem._expected(detail) == told  # type: ignore[arg-type]  # as pydantic gives it


@pytest.mark.parametrize(
    ("place", "model"),
    [
        ((), Policy),
        (("patterns", 0), Pattern),
        (("patterns", 0, "steps", "a"), Step),
        (("patterns", 0, "steps"), None),
        (("patterns", 0, "nothing"), None),
        (("patterns", 0, "title", "more"), None),
    ],
)
def test_the_model_of_a_place(place: tuple[str | int, ...], model: type | None) -> None:
    """Through lists and mappings; None where there is no such key, or nothing below it."""
    assert problem._model_at(place) is model


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("rights: {where: 'exists(\"$r\")'}", "`rights` has no `all_of`; add it"),
        ("rights: {all_of: [{right: a}], gives: {admin: true, on: x}}", "add `right` or remove `on`"),
        ("rights: {all_of: [{right: a}], gives: {admin: true, right: x}}", "exactly one of"),
    ],
)
def test_rights_without_sense_are_refused(body: str, told: str) -> None:
    """Each with the fix."""
    assert any(told in str(each) for each in problems(with_pattern(body), "p.yaml"))


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ("signals: {nonsense: {weight: 0.1}}", "is no CAEP or RISC event"),
        ("signals: {session-revoked: {lowers: true, suspend: true}}", "cannot raise it"),
        ("reviews: [{patterns: p, after: 1h}]", "give both or neither"),
    ],
)
def test_sections_without_sense_are_refused(section: str, told: str) -> None:
    """An event nobody sends, one that lowers and suspends, deputies without a time."""
    with pytest.raises(PolicyError, match=told):
        load_policy(with_pattern(STEPS, before=section + "\n"), "p.yaml")


def test_an_event_may_be_a_whole_uri() -> None:
    """And a value behind a colon is written in capitals."""
    text = "signals: {'https://x.example/event': {weight: 0.1}, 'risk-level-change:high': {weight: 0.2}}\n"
    policy = load_policy(with_pattern(STEPS, before=text), "p.yaml")
    assert sorted(policy.signals) == ["https://x.example/event", "risk-level-change:HIGH"]


def test_of_an_action_in_several_packs_the_later_declaration_is_given() -> None:
    """As when deciding: by the order of packs, not of files."""
    head = "graphsvc: 1\npack: {id: %s, order: %s}\nactions: {'x:A': {effects: [%s]}}\n"
    texts = [(head % ("late", 200, "pay"), "a.yaml"), (head % ("early", 100, "read"), "b.yaml")]
    assert tools_of(load_policies(texts)) == {"x:A": {"effects": ["pay"]}}


def test_a_provenance_table_that_rewards_a_worse_fact_is_found() -> None:
    """Within a row, and from one level to the next, which is harder to undo."""
    row = (
        "{when: [requested, delegated, unrequested], level: %s, clean: %s, party: escalate, contested: %s, from_untrusted: deny,"
        " unprovenanced: %s, named_by_intent: permit, designated: permit, designated_unique: permit, designated_many: escalate, none: deny}"
    )
    table = f"[{row % (1, 'deny', 'deny', 'deny')}, {row % (2, 'permit', 'escalate', 'permit')}]"
    text = with_pattern(STEPS, before=f"provenance: {{levels: {{pay: 2, read: 1}}, table: {table}}}\n")
    told = [each.message for each in lint([load_policy(text, "p.yaml")]) if each.code == "provenance_milder"]
    assert any("treated milder than" in each for each in told)
    assert any("is milder at level 2 than at level 1" in each for each in told)
