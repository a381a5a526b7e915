"""Conditions: the lowered form, Google's library and a second implementation give the same answers."""

from typing import Any

import cel as second_implementation
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphsvc.core.cel import ConditionError, compile_condition
from graphsvc.core.estate import Estate
from graphsvc.core.event import Declaration, Event, build_event
from graphsvc.core.graph import Node
from graphsvc.core.known import parties_of, target_of
from graphsvc.core.request import AccessRequest, Entity

_NAMES = ["a", "b", "c", "d"]
_LITERALS = ["1", "2", "-3", "1.5", '"x"', '"y"', "'xy'", "true", "false", "null"]
_VALUES: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from([1, 2, -3, 1.0, 1.5, "x", "y", "xy", True, False, None]),
    st.just({"b": 1}),
    st.just([1, "x"]),
)


def _event(context: dict[str, Any], labels: tuple[str, ...] = ()) -> Event:
    estate = Estate()
    stored = Node(key="resource:box:r1", labels=("hot",), tier="gold", properties={"owner": "ann"})
    person = Node(key="identity:ann", fields={"kind": "human"}, properties={"level": 3})
    estate.load("test", [stored, person], [], replace=True)
    request = AccessRequest(
        id="e1",
        chain="c1",
        subject=Entity("agent", "ann", {"level": 9, "team": "red"}),
        action="m:Send",
        resource=Entity("box", "r1", {"owner": "eve", "size": 7}),
        action_properties={"to": "bob"},
        context=context,
        labels=labels,
    )
    who, what = parties_of(request, estate), target_of(request.resource, estate)
    declaration = Declaration(effects=frozenset(("send", "write")))
    return build_event(request, 1_000_000, "s1", 1, who, what, declaration, estate)


def _paths() -> st.SearchStrategy[str]:
    fixed = [
        "subject.kind",
        "resource.tier",
        "resource.properties.owner",
        "subject.properties.level",
        "chain",
    ]
    return st.one_of(
        st.sampled_from(_NAMES).map(lambda name: f"context.{name}"),
        st.sampled_from(
            [*fixed, "context.a.b", "resource.properties.size", "action.properties.to", "chain.id"]
        ),
    )


def _comparisons() -> st.SearchStrategy[str]:
    literal = st.sampled_from(_LITERALS)
    signs = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
    return st.one_of(
        st.builds(lambda path, sign, value: f"{path} {sign} {value}", _paths(), signs, literal),
        st.builds(lambda path, some: f"{path} in [{', '.join(some)}]", _paths(), st.lists(literal, min_size=1, max_size=3)),
        _paths().filter(lambda path: "." in path).map(lambda path: f"has({path})"),
        _paths(),
        st.builds(
            lambda path, method, value: f"{path}.{method}({value})",
            _paths(),
            st.sampled_from(["startsWith", "endsWith", "contains"]),
            st.sampled_from(['"x"', '"y"']),
        ),
        st.sampled_from(['"hot" in labels', '"x" in resource.labels', '"send" in action.effects', '"ann" in principals']),
    )  # fmt: skip


def _conditions() -> st.SearchStrategy[str]:
    return st.recursive(
        _comparisons(),
        lambda inner: st.one_of(
            st.builds(lambda one, two: f"({one}) && ({two})", inner, inner),
            st.builds(lambda one, two: f"{one} || {two}", inner, inner),
            inner.map(lambda one: f"!({one})"),
        ),
        max_leaves=4,
    )


@given(text=_conditions(), context=st.dictionaries(st.sampled_from(_NAMES), _VALUES), hot=st.booleans())
def test_lowered_conditions_mean_what_the_library_says(
    text: str, context: dict[str, Any], *, hot: bool
) -> None:
    """Whatever is lowered has the answer that the library gives, errors included."""
    try:
        condition = compile_condition(text)
    except ConditionError:
        return  # an ill-typed comparison of two literals or of a text with a number
    event = _event(context, ("hot",) if hot else ())
    assert condition.judge(event) == condition.judge_with_missing(event)[0]


@given(
    st.sampled_from(["<", "<=", ">", ">=", "==", "!="]),
    st.integers(-5, 5),
    st.integers(-5, 5),
    st.sampled_from(["x", "y"]),
)
def test_a_second_implementation_agrees(sign: str, left: int, right: int, word: str) -> None:
    """On well-typed conditions two independent implementations of CEL agree.

    They differ in strictness only: the second one does not check types when it compiles.
    """
    text = f'context.n {sign} {right} && context.s in ["x", "z"] || !("y" == context.s)'
    context = {"n": left, "s": word}
    expected = second_implementation.evaluate(text, {"context": context})
    assert compile_condition(text).judge(_event(context)) is expected


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("subject.properties.level == 3", True),  # stored properties win over claimed ones
        ("subject.properties.team == 'red'", True),
        ("context.nope == 1", None),
        ("context.nope == 1 || subject.kind == 'human'", True),
        ("context.nope == 1 && subject.kind == 'agent'", False),
        ("context.n", None),
        ("labels.exists(label, label.startsWith('h'))", True),
        ("time.getHours() == 0 && now == time", True),
        ("chain == 'c1' && session == 's1'", True),
        ("chain.id == 'c1'", True),
        ("!context.flag", True),
        ("size(principals) == 1", True),
    ],
)
def test_conditions_see_the_event(text: str, answer: bool | None) -> None:
    """Variables hold what the documentation says; what cannot be answered is None."""
    assert compile_condition(text).judge(_event({"n": 1, "flag": False}, ("hot",))) is answer


def test_missing_attributes_are_named() -> None:
    """An unanswerable condition says which attribute it lacked."""
    answer, missing = compile_condition("context.ticket == 'T1'").judge_with_missing(_event({}))
    assert (answer, missing) == (None, ("ticket",))


def test_a_hostile_condition_ends() -> None:
    """A condition that would loop for long is stopped and counts as unanswerable."""
    text = "context.l.all(a, context.l.all(b, context.l.all(c, a + b + c >= 0)))"
    assert compile_condition(text).judge(_event({"l": list(range(2000))})) is None


@pytest.mark.parametrize(
    ("text", "told", "column"),
    [
        ("subjekt.id == 'a'", "did you mean `subject`?", 1),
        ("context.a == 1 &&", "it ends too early", 18),
        ("'a' == 1", "compare values of the same type", 5),
        ("size(labels)", "a condition is true or false, but this is INT", 1),
    ],
)
def test_wrong_conditions_are_refused_with_a_place(text: str, told: str, column: int) -> None:
    """A condition that cannot be true or false is refused when it is loaded."""
    with pytest.raises(ConditionError) as caught:
        compile_condition(text)
    assert told in str(caught.value)
    assert caught.value.column == column
