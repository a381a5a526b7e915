"""Each rule for which a well-formed policy is refused, by its code."""

from __future__ import annotations

import pytest

from graphsvc.core.policy.load import problems
from tests.policy.example import with_pattern

TWO = "steps: {a: {action: x, then: b}, b: {action: y}}"
KEYED = "{key: {v: resource.id}, action: x"

REFUSED = [
    # rule, column, message part, body (the mistake is in the last line)
    ("C1", 34, "`then` names `c`, which is no step", "steps: {a: {action: x, then: c}, b: {action: y}}"),
    ("C1", 34, "`a` -> `b` -> `a`", "steps: {a: {action: x, then: b}, b: {action: y, then: a}}"),
    ("C1", 34, "`a` -> `a`", "steps: {a: {action: x, then: a}}"),
    (
        "C1",
        34,
        "names several steps",
        "steps: {a: {action: x, then: [b, c]}, b: {action: y}, c: {action: z}}",
    ),
    (
        "C2",
        107,
        "`v` binds `a` and `c`, but not `b` between",
        "steps: {a: {action: x, key: {v: resource.id}, then: b}, b: {action: y, then: c}, c: {action: z, key: {v: resource.id}}}",
    ),
    (
        "C3",
        52,
        "the tops `a` and `b` must bind the same key variables; one lacks `v`",
        "steps: {a: {action: x, key: {v: resource.id}}, b: {action: y}}",
    ),
    ("C4", 5, "add `within`", TWO + "\nscope: principal"),
    (
        "C5",
        28,
        "a window for one edge",
        "within: 1h\nsteps: {a: {action: x, within: 3m, then: b}, b: {action: y}}",
    ),
    (
        "C6",
        53,
        "only equality",
        "steps: {a: {action: x, then: b}, b: {action: y, when: 'context.amount > a.context.amount'}}",
    ),
    (
        "C7",
        53,
        "looks at the step `a`",
        "steps: {a: {action: x, then: b}, b: {action: y, when: 'a.subject.id == subject.id'}}",
    ),
    ("C7", 62, "a value of the step `a`", "steps: {a: {action: x, then: b}, b: {action: y, key: {v: a.id}}}"),
    ("C8", 5, "17 steps", "steps: {" + ", ".join(f"s{n}: {{action: x}}" for n in range(17)) + "}"),
    ("C9", 23, "did you mean `review:Approve`?", TWO + "\nunless: [{action: 'review:Aprove'}]"),
    ("C9", 29, "nothing ever emits `grant:Delete*`", TWO + "\nsanitized_by: {action: ['grant:Delete*']}"),
    (
        "C9",
        23,
        "nothing ever emits `signal:Send`",
        TWO + "\nwithout: {action: 'signal:Send', between: [a, b]}",
    ),
    ("R13", 16, "did you mean", "steps: {one: {action: x}, two: {action: y}}\ndistinct: [tow, two]"),
    ("R13", 5, "at least two", TWO + "\ndistinct: [a]"),
    ("R15", 5, "needs relation `flow` or `causal`", TWO + "\nrelation: log\nsanitized_by: {action: z}"),
    ("R16", 26, "turn it round: [a, b]", TWO + "\nwithout: {action: z, between: [b, a]}"),
    ("R16", 26, "`c`, which is no step", TWO + "\nwithout: {action: z, between: [a, c]}"),
    (
        "R16",
        32,
        "do not both bind `v`",
        TWO + "\nwithout: {action: z, key: {v: resource.id}, between: [a, b]}",
    ),
    ("R17", 5, "add `within`", "count: {step: {action: x}, more_than: 3}\nscope: principal"),
    ("R23", 5, "add `within`", TWO + "\nscope: data"),
    ("R23", 5, "single top", "within: 1h\nsteps: {a: {action: x}, b: {action: y}}\nscope: data"),
    (
        "R23",
        5,
        "a count has no data flow",
        "within: 1h\ncount: {step: {action: x}, more_than: 3}\nscope: data",
    ),
    ("R25", 5, "use `log` or remove it", TWO + "\nwithin: 1h\nscope: principal\nrelation: causal"),
    ("R25", 5, "use `flow` or `causal`", TWO + "\nwithin: 1h\nscope: data\nrelation: log"),
    ("guard_key", 31, "none is bound", TWO + "\nunless: {action: z, key: {v: resource.id}}"),
    (
        "guard_key",
        31,
        "bound are `v`",
        "count: {step: {action: x, key: {v: resource.id}}, more_than: 3}\nunless: {action: z, key: {w: resource.id}}",
    ),
    ("kind", 5, "it has `steps` and `count`", TWO + "\ncount: {step: {action: x}, more_than: 3}"),
    ("kind", 5, "no steps", "steps: {}"),
    ("kind", 5, "no meaning beside `reach`", "reach: {tier: gold, nearer_than: 2}\nrelation: log"),
]


@pytest.mark.parametrize(("rule", "column", "part", "body"), REFUSED)
def test_a_broken_rule_is_refused_by_its_code(rule: str, column: int, part: str, body: str) -> None:
    """R27: what C1, C2, C3, C4, C5, C6, C7, C8 and C9 and the limits of other rules refuse is told with its code, place and fix."""
    found = problems(with_pattern(body))
    assert [(problem.rule, problem.column) for problem in found] == [(rule, column)], [str(p) for p in found]
    assert found[0].line == 4 + len(body.splitlines())
    assert part in found[0].reason


A_TO_B_KEYED = "steps: {a: {action: x, key: {v: resource.id}, then: b}, b: {action: y, key: {v: context.v}}"

ACCEPTED = [
    "steps: {a: {action: x}}",
    # Different variables on one way, each without a gap.
    """
    steps:
      a: {action: x, key: {v: resource.id}, then: b}
      b: {action: y, key: {v: context.v, w: subject.id}, then: c}
      c: {action: z, key: {w: subject.id}}
    """,
    # Several tops that bind the same variable.
    A_TO_B_KEYED
    + ", c: {action: z, key: {v: context.v}}}\nunless: {action: 'review:*', key: {v: resource.id}}",
    A_TO_B_KEYED + "}\nwithout: {action: z, key: {v: resource.id}, between: [a, b]}",
    # A name bound by a CEL macro, or in a string, is no step; nor is one that hides behind a known root.
    """steps: {a: {action: x, then: b}, b: {action: y, when: 'context.l.exists(a, a.id == "a.b") && "a.b" != "c"'}}""",
    "steps: {resource: {action: x, then: b}, b: {action: y, when: 'resource.id == subject.id'}}",
    """
    scope: data
    within: 1h
    relation: flow
    steps: {a: {action: x, then: b}, b: {action: y}}
    sanitized_by: {action: z}
    """,
    "count: {step: {action: x}, more_than: 0}",
    "steps: {" + ", ".join(f"s{n}: {{action: x}}" for n in range(16)) + "}",
    "steps: {a: {action: x}}\nunless: [{action: [other:Thing, 'rev*', '*', 'grant:?evoke', 'signal:Receive']}]",
]


@pytest.mark.parametrize("body", ACCEPTED)
def test_what_keeps_the_rules_loads(body: str) -> None:
    """Patterns at the edge of the rules are accepted."""
    assert [str(problem) for problem in problems(with_pattern(body))] == []


def test_no_form_at_all_is_refused() -> None:
    """A pattern without steps, count, rights or reach is told at its id."""
    found = problems(with_pattern("title: nothing"))
    assert [(problem.rule, problem.line, problem.column) for problem in found] == [("kind", 4, 9)]


def test_a_pattern_id_is_used_once() -> None:
    """The second use of an id in a file is refused and names the first."""
    text = with_pattern("steps: {a: {action: x}}") + "  - {id: p, steps: {a: {action: x}}}\n"
    found = problems(text)
    assert [(problem.rule, problem.line, problem.column) for problem in found] == [("duplicate_id", 6, 10)]
    assert "line 4" in found[0].reason
