"""Every code for which a policy file is refused: told with file, line, column, and what to do instead."""

from __future__ import annotations

import re

import pytest

from graphsvc.core.policy.load import load_policy, problems, set_problems
from graphsvc.core.policy.provenance import Row
from graphsvc.core.policy.rule import RULES
from tests.policy.example import with_pattern
from tests.policy.test_check import REFUSED
from tests.policy.test_load import MISTAKES

ONE = "steps: {a: {action: x}}"
FIX = re.compile(
    r"\b(add|remove|rename|use|write|quote|split|name|give|keep|start with|bind|turn it round|did you mean|known are|"
    r"it has|must be|shorten|indent|correct|variables are|steps are|compare|bound are|functions are|is used as|"
    r"expected|emits|bind both|none is bound|such as|is needed|repeat|a second document|nested more|exactly one of)\b"
)
ROW = (
    "{when: requested, level: 1, none: permit, "
    + ", ".join(f"{name}: deny" for name in Row.model_fields if name not in {"when", "level", "none"})
    + "}"
)
PROVENANCE = (
    f"graphsvc: 1\npack: {{id: a}}\nprovenance: {{after: [nothing], levels: {{}}, table: [{ROW}, {ROW}]}}\n"
)
TABLE: list[tuple[str, str]] = [
    *((rule, text) for text, _, _, rule, _ in MISTAKES),
    *((rule, with_pattern(body)) for rule, _, _, body in REFUSED),
    ("duplicate_id", with_pattern(ONE) + "  - {id: p, steps: {a: {action: x}}}\n"),
    ("where", with_pattern("rights: {all_of: [{right: x}], where: 'nothing(\"$a\")'}")),
    ("where", with_pattern('rights: {all_of: [{right: x, on: $a}], where: \'managed_by("$b", "ssm")\'}')),
    ("rights", with_pattern("rights: {all_of: [{right: x, on: $a}], gives: {assume: $b}}")),
    ("provenance_row", PROVENANCE),
    ("schema", with_pattern("rights: {all_of: []}")),
    ("schema", "graphsvc: 1\npack: {id: a}\nscore: {sgma: {}}\n"),
]
CONDITIONS = [
    # what is written, the place of the mistake in it, part of the message
    ("contxt.a == 1", 1, "did you mean `context`?"),
    ("context.amount + 1.0", 1, "compare it with something"),
    ("subject.id > 5 && 'x' == 3", 23, "compare values of the same type"),
    ("context.amount >", 17, "write comparisons joined by && and ||"),
    ("size(", 6, "write comparisons joined by && and ||"),
]


@pytest.mark.parametrize(("rule", "text"), TABLE)
def test_a_rejection_prints_place_and_fix(rule: str, text: str) -> None:
    """The printed line begins with file, line and column, ends with the code, and says what to do."""
    told = [str(problem) for problem in problems(text, "my.yaml") if problem.rule == rule]
    assert told
    for line in told:
        assert re.match(rf"my\.yaml:[1-9]\d*:[1-9]\d*: .+ \[{rule}\]$", line)
        assert FIX.search(line), line


@pytest.mark.parametrize(("text", "column", "part"), CONDITIONS)
def test_a_mistake_in_a_condition_is_told_at_its_character(text: str, column: int, part: str) -> None:
    """Parse and type errors of CEL point into the file, at the character the library names."""
    file = with_pattern(f'{ONE[:-2]}, when: "{text}"}}}}')
    (problem,) = problems(file)
    begin = file.splitlines()[4].index(text) + 1
    assert (problem.rule, problem.line, problem.column) == ("condition", 5, begin + column - 1)
    assert part in problem.reason


def test_a_mistake_in_a_where_is_told_at_its_character() -> None:
    """Operators that are spelled out before reading do not shift the place."""
    text = 'exists("$a") && !nothing("$a")'
    file = with_pattern(f"rights:\n  all_of: [{{right: x, on: $a}}]\n  where: '{text}'")
    (problem,) = problems(file)
    assert file.splitlines()[problem.line - 1][problem.column - 1 :].startswith("nothing(")


def test_a_folded_condition_is_told_where_it_begins() -> None:
    """In a text of several lines columns mean nothing, so the place is that of the text."""
    file = with_pattern("steps:\n  a:\n    when: >-\n      context.amount >\n")
    (problem,) = problems(file)
    assert (problem.line, problem.rule) == (7, "condition")


def test_every_code_has_a_case() -> None:
    """The table above and the codes that are documented are the same."""
    one = load_policy(with_pattern(ONE), "one.yaml")
    other = load_policy(PROVENANCE.replace(f", {ROW}]", "]"), "provenance.yaml")
    clash = [one, load_policy(with_pattern(ONE), "two.yaml"), other]
    packs = {problem.rule for problem in set_problems(clash)}
    conditions = {
        problem.rule
        for text, _, _ in CONDITIONS
        for problem in problems(with_pattern(f'steps: {{a: {{when: "{text}"}}}}'))
    }
    assert {rule for rule, _ in TABLE} | packs | conditions == set(RULES)
