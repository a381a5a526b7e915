"""Which conditions run as plain Python, which are left to the library, and that both say the same."""

from __future__ import annotations

import pytest

from graphsvc.core.cel import compile_condition
from graphsvc.core.cel.lowering import lower
from tests.cel.test_condition import _event

CONTEXT = {"n": 1, "s": "x", "flag": True, "d": {"b": 1}}

LOWERED = [
    ("subject.id == 'ann'", True),
    ("subject.type == 'agent'", True),
    ("subject.kind == 'human'", True),
    ("resource.id == 'r1'", True),
    ("resource.type in ['box', 'file']", True),
    ("resource.tier == 'gold'", True),
    ("action.name.startsWith('m:')", True),
    ("action.properties.to == 'bob'", True),
    ("chain.id == 'c1'", True),
    ("session.id == 's1'", True),
    ("session == 's1'", True),
    ("resource.properties.owner == 'ann'", True),
    ("resource.properties.size > 6", True),
    ("subject.properties.level <= 3", True),
    ("context.d.b == 1", True),
    ("context.n == 1.0", True),
    ("context.flag == 1", False),
    ("context.flag in [1, 'x']", False),
    ("context.n in [1]", True),
    ("context.n != null", True),
    ("context.missing == null", None),
    ("context.missing in [1]", None),
    ("context.s < 'y'", True),
    ("context.s > 1", None),
    ("context.flag > 1", None),
    ("context.n.contains('x')", None),
    ("context.s.contains('x')", True),
    ("has(context.n)", True),
    ("has(context.missing)", False),
    ("has(context.d.b)", True),
    ("has(context.n.b)", None),
    ("has(resource.properties.size)", True),
    ("context.flag", True),
    ("context.n", None),
    ("!context.flag", False),
    ("!!context.flag", True),
    ("!(context.n == 1)", False),
    ("!context.n", None),
    ("context.flag && context.n == 1", True),
    ("context.missing == 1 && context.flag", None),
    ("context.flag && context.missing == 1", None),
    ("context.missing == 1 && context.n == 2", False),
    ("context.n == 2 && context.missing == 1", False),
    ("context.missing == 1 || context.flag", True),
    ("context.flag || context.missing == 1", True),
    ("context.missing == 1 || context.n == 2", None),
    ("context.n == 2 || context.n == 3", False),
    ("'hot' in labels || 'x' in resource.labels", True),
    ("'ann' in principals && 'send' in action.effects", True),
]

LEFT = [
    ("9007199254740992 == context.n", False),  # a literal on the left
    ("context.n < 9007199254740992", True),  # beyond what a double holds exactly
    ("context.s.matches('x')", True),  # another method
    ("context.s.startsWith(context.s)", True),  # no literal
    ("context.s in labels", False),
    ("'x' in context.l", None),
    ("context.n == context.n", True),
    ("context.n == [1]", False),
    ("context.n in []", False),
    ("context.n + 1 == 2", True),
    ("size(labels) == 1", True),
    ("labels == ['hot']", True),
    ("true", True),
    ("(context.flag) == true", True),
    ("!context.flag == false", True),
    ("time.getHours() == 0", True),
    ("'\\u0078' == context.s", True),
    ("context['n'] == 1", True),
    ("context.n == 1 ? true : false", True),
]


@pytest.mark.parametrize(("text", "answer"), LOWERED)
def test_a_common_condition_runs_without_the_library_and_says_the_same(
    text: str, answer: bool | None
) -> None:
    """Every variable and every form of the small language, errors included."""
    condition, event = compile_condition(text), _event(CONTEXT, ("hot",))
    assert condition.lowered
    assert condition.judge(event) is answer
    assert condition.judge_with_missing(event)[0] is answer


@pytest.mark.parametrize(("text", "answer"), LEFT)
def test_whatever_is_not_common_is_left_to_the_library(text: str, answer: bool | None) -> None:
    """Nothing is guessed."""
    condition = compile_condition(text)
    assert not condition.lowered
    assert condition.judge(_event(CONTEXT, ("hot",))) is answer


def test_a_value_that_cel_has_no_type_for_is_no_answer() -> None:
    """An integer beyond 64 bits can be compared by nobody."""
    condition = compile_condition("context.n + 1 == 2")
    assert condition.judge_with_missing(_event({"n": 2**70})) == (None, ())


@pytest.mark.parametrize(
    "text", ["context.n ==", "has(labels)", "has(context.n", "context.n in 1", "'x' of labels", "#"]
)
def test_what_is_no_condition_is_not_lowered(text: str) -> None:
    """The library refuses it; here it is merely not common."""
    assert lower(text) is None
