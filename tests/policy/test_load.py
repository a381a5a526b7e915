"""Loading a policy file: what it becomes, and how mistakes are told."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from graphsvc.core.policy.document import Policy
from graphsvc.core.policy.load import load_policies, load_policy, problems
from graphsvc.core.policy.pattern import Pattern
from graphsvc.errors import PolicyError
from tests.policy.example import FULL, with_pattern


def test_a_full_file_loads() -> None:
    """Every form of pattern, guards, settings and tests load into values in their normal form."""
    policy = load_policy(FULL, "full.yaml")
    assert policy.pack.version == "2026.11.1"
    assert policy.settings.enforce == "on"
    assert [pattern.kind for pattern in policy.patterns] == ["steps", "steps", "count", "rights", "reach"]
    vendor, trifecta, mass, rights, reach = policy.patterns
    assert vendor.within_ms == 86_400_000
    assert vendor.tops == ("create", "pay")
    assert vendor.unless[0].within_ms == 3_600_000
    assert trifecta.steps["out"].destination == ("unknown",)
    assert trifecta.without[0].between == ("untrusted", "out")
    assert mass.count is not None
    assert mass.count.more_than == 50
    assert rights.rights is not None
    assert rights.rights.gives is not None
    assert rights.rights.gives.assume == "$role"
    assert reach.reach is not None
    assert reach.reach.nearer_than == 2
    assert policy.tests[0].graph.grants == (("alice", "erp:*", "*"),)
    assert policy.tests[0].trace[1].completes == ("vendor-then-payment",)


def test_folded_text_is_plain_text() -> None:
    """A condition may be written over several lines with `>`; a literal block keeps its line ends."""
    steps = """
      a:
        when: >-
          context.amount > 5.0 &&
          context.kind == "x"
      b:
        when: |-
          context.amount > 6.0 ||
          context.kind == "y"
"""
    text = f"""graphsvc: 1
pack: {{id: p, version: "1"}}
patterns:
  - id: folded
    severity: low
    on_match: deny
    scope: principal
    within: 1h
    steps:{steps}"""
    (pattern,) = load_policy(text).patterns
    assert pattern.steps["a"].when == 'context.amount > 5.0 && context.kind == "x"'
    assert pattern.steps["b"].when == 'context.amount > 6.0 ||\ncontext.kind == "y"'


def test_a_policy_knows_where_it_came_from() -> None:
    """File, SHA-256 of the bytes, and the line and column of each part are kept."""
    policy = load_policy(FULL, "full.yaml")
    assert policy.source.file == "full.yaml"
    assert policy.source.sha256 == hashlib.sha256(FULL.encode()).hexdigest()
    assert policy.where("lethal-trifecta", "steps", "out", "destination") == (29, 41)
    assert policy.source.value_at("patterns", 0, "id") == (9, 9)
    assert policy.where("no-such-pattern") == (1, 1)


def test_defaults_follow_the_scope() -> None:
    """Relation and whose guard counts depend on the scope (rules R14 and R25)."""
    step = {"a": {"action": "x"}}
    guard = {"action": "y"}
    shapes = {
        scope: Pattern.model_validate({"id": "p", "scope": scope, "steps": step, "unless": guard})
        for scope in ("session", "principal", "data")
    }
    assert {s: p.effective_relation for s, p in shapes.items()} == {
        "session": "causal",
        "principal": "log",
        "data": "causal",
    }
    assert {s: p.guard_by(p.unless[0]) for s, p in shapes.items()} == {
        "session": "same",
        "principal": "other",
        "data": "other",
    }
    plain = shapes["session"]
    assert (plain.severity, plain.on_match, plain.principal) == ("medium", "escalate", "root")
    assert (plain.effective_title, plain.effective_harm) == ("p", "p")


def test_short_forms_mean_the_long_ones() -> None:
    """A single value is a list of one, a plain list of labels is `any`, `from` stands for facts."""
    policy = load_policy(
        with_pattern(
            "steps: {a: {action: x, effects: read, labels: secret, at: completion, "
            "resource: {labels: [pii, pci]}, argument: {role: destination, from: untrusted}}}"
        )
    )
    step = policy.patterns[0].steps["a"]
    assert step.action == ("x",)
    assert step.effects == ("read",)
    assert step.labels is not None
    assert step.labels.any == ("secret",)
    assert step.resource is not None
    assert step.resource.labels is not None
    assert step.resource.labels.any == ("pii", "pci")
    assert step.at == "completion"
    assert step.argument is not None
    assert step.argument.facts[0] == "from_untrusted"
    assert len(step.argument.facts) == 6


def test_a_policy_cannot_be_changed() -> None:
    """Models are immutable."""
    policy = load_policy(FULL)
    with pytest.raises(ValidationError):
        policy.pack.id = "other"  # type: ignore[misc]


MISTAKES = [
    # text, line, column, rule, part of the message
    ("", 1, 1, "yaml", "the file is empty"),
    ("[]", 1, 1, "schema", "a policy file is a mapping"),
    ("graphsvc: 1\npack: {id: a\n", 3, 1, "yaml", "not YAML: expected `,` or `}`"),
    ("\tgraphsvc: 1", 1, 1, "yaml", "indent with blanks, not tabs"),
    ("graphsvc: 1\npack: *a\n", 2, 7, "yaml", "undefined alias `a`"),
    ("a: 1\n---\nb: 2\n", 2, 1, "yaml", "a second document"),
    ("[" * 1000, 1, 41, "yaml", "nested more than 40 levels"),
    ("a" * (1 << 20) + "b", 1, 1, "too_large", "larger than 1 MiB"),
    ("a: &x [*x]\n", 1, 4, "alias", "aliases repeat"),
    ("a: \x00\n", 1, 1, "yaml", "not YAML"),
    (
        "graphsvc: 1\npack: {id: a}\npack: {id: b}\n",
        3,
        1,
        "duplicate_key",
        "`pack` is given twice, first in line 2",
    ),
    ("graphsvc: 2\npack: {id: a}\n", 1, 11, "schema", "`graphsvc` must be `1`, not `2`"),
    ("pack: {id: a}\n", 1, 1, "schema", "a policy file has no `graphsvc`; add it"),
    ("graphsvc: 1\npack: {version: a}\n", 2, 1, "schema", "`pack` has no `id`; add it"),
    ("graphsvc: 1\npack:\n", 2, 1, "schema", "`pack` is empty"),
    (
        "graphsvc: 1\npack: {id: a}\nsetings: {}\n",
        3,
        1,
        "schema",
        "`setings` in a policy file; did you mean `settings`?",
    ),
    (
        "graphsvc: 1\npack: {id: a, version: 1.0}\n",
        2,
        24,
        "schema",
        '`version` must be text, not `1.0`; quote it: "1.0"',
    ),
    ("graphsvc: 1\npack: {id: 'a b'}\n", 2, 12, "schema", "`a b` is not an identifier"),
    ("graphsvc: 1\npack: {id: !foo b}\n", 2, 12, "schema", "not a value that a policy may hold"),
    ("graphsvc: 1\npack: {<<: {id: a}}\n", 2, 1, "schema", "`pack` has no `id`"),
    (
        "graphsvc: 1\npack: {id: a}\nsettings: {enforce: no}\n",
        3,
        21,
        "schema",
        "`enforce` is `no`; use one of `on`, `observe`",
    ),
    (
        "graphsvc: 1\npack: {id: a}\nsettings: {deny_at: 1.5}\n",
        3,
        21,
        "schema",
        "`deny_at` must be at most 1.0",
    ),
    ("graphsvc: 1\npack: {id: a}\nsettings: {deny_at: .nan}\n", 3, 21, "schema", "`.nan` is not a value"),
    (
        'graphsvc: 1\npack: {id: a}\nactions: {"m:*": {effects: [raed]}}\n',
        3,
        29,
        "schema",
        "did you mean `read`?",
    ),
    (with_pattern("steps: {a: {action: x}}\nseverity: hihg"), 6, 15, "schema", "did you mean `high`?"),
    (
        with_pattern("steps: {a: {action: x}}\nwihtin: 1h"),
        6,
        5,
        "schema",
        "unknown key `wihtin` in a pattern; did you mean `within`?",
    ),
    (with_pattern("steps: {a: {action: x}}\nwithin: 10"), 6, 13, "schema", "`10` is not a duration"),
    (with_pattern("steps: {a: {action: x}}\nwithin: 0m"), 6, 13, "schema", "`0m` is no time at all"),
    (
        with_pattern("steps: {a: {action: x, thn: b}}"),
        5,
        28,
        "schema",
        "unknown key `thn` in a step; did you mean `then`?",
    ),
    (with_pattern("steps: {a: {action: []}}"), 5, 25, "schema", "`action` is empty"),
    (with_pattern("steps: {1: {action: x}}"), 5, 13, "schema", "`1` is not a name"),
    (with_pattern("steps: {a: {key: {v: resource.ident}}}"), 5, 35, "schema", "`resource` has no `ident`"),
    (with_pattern("steps: {a: {key: {v: 'resource.ident'}}}"), 5, 36, "schema", "`resource` has no `ident`"),
    (
        with_pattern("steps: {a: {subject: {knd: human}}}"),
        5,
        27,
        "schema",
        "unknown key `knd` in `subject`; did you mean `kind`?",
    ),
    (
        with_pattern("steps: {a: {action: x}}\nunless: [{within: 1h, bye: same}]"),
        6,
        27,
        "schema",
        "did you mean `by`?",
    ),
    (
        with_pattern("steps: {a: {action: x}}\nwithout: [{action: x, between: [a]}]"),
        6,
        36,
        "schema",
        "two steps",
    ),
    (
        with_pattern("rights: {all_of: [{right: a}], gives: {admin: true, assume: x}}"),
        5,
        43,
        "schema",
        "exactly one of",
    ),
    (
        with_pattern("steps: {a: {action: x}}", after="tests: [{name: n, trace: [{expct: DENY}]}]"),
        6,
        28,
        "schema",
        "`expect`?",
    ),
]


@pytest.mark.parametrize(("text", "line", "column", "rule", "part"), MISTAKES)
def test_a_mistake_is_told_with_its_place(text: str, line: int, column: int, rule: str, part: str) -> None:
    """The first error names file, line, column, rule, the field and the fix, in one line."""
    with pytest.raises(PolicyError) as caught:
        load_policy(text, "my.yaml")
    error = caught.value
    assert part in error.reason
    assert (error.file, error.line, error.column, error.rule) == ("my.yaml", line, column, rule)
    assert "\n" not in str(error)
    assert str(error).startswith(f"my.yaml:{line}:{column}: ")


def test_aliases_cannot_blow_up() -> None:
    """Ten levels of nine aliases each are refused instead of being expanded."""
    lines = ["a0: &a0 [1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 11)]
    assert [problem.rule for problem in problems("\n".join(lines))] == ["alias"]


def test_an_alias_is_a_copy() -> None:
    """Anchors and aliases serve for what is written twice."""
    policy = load_policy(with_pattern("steps: {a: &s {action: x}, b: *s}"))
    assert policy.patterns[0].steps["a"] == policy.patterns[0].steps["b"]


def test_all_mistakes_are_found_at_once() -> None:
    """`problems` lists every mistake in file order; an empty value is told once."""
    text = with_pattern("severity: hihg\nunless:\nscpe: session\nsteps: {a: {action: 3}}")
    found = problems(text)
    assert [(problem.line, problem.rule) for problem in found] == [(n, "schema") for n in (5, 6, 7, 8)]


def test_packs_are_ordered_by_order_and_id() -> None:
    """Packs act in the order of `pack.order`, then id, whatever the order of the files."""
    files = [
        ("graphsvc: 1\npack: {id: b}\n", "b"),
        ("graphsvc: 1\npack: {id: site, order: 200}\n", "site"),
        ("graphsvc: 1\npack: {id: a}\n", "a"),
    ]
    assert [policy.pack.id for policy in load_policies(files)] == ["a", "b", "site"]


def test_pattern_and_pack_ids_are_unique_over_packs() -> None:
    """A second pack of the same id, or a second pattern of the same id, names where the first is."""
    one = with_pattern("steps: {a: {action: x}}")
    with pytest.raises(PolicyError) as pack:
        load_policies([(one, "one.yaml"), (one, "two.yaml")])
    assert (pack.value.rule, pack.value.file, pack.value.line) == ("duplicate_pack", "two.yaml", 2)
    with pytest.raises(PolicyError) as pattern:
        load_policies([(one, "one.yaml"), (one.replace("id: test", "id: other"), "two.yaml")])
    assert pattern.value.rule == "duplicate_id"
    assert "one.yaml:4" in pattern.value.reason


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_damage_is_a_policy_error(data: st.DataObject) -> None:
    """However a file is damaged, it loads or is refused by PolicyErrors inside the text; nothing else escapes."""
    start = data.draw(st.integers(0, len(FULL)))
    length = data.draw(st.integers(0, 40))
    text = FULL[:start] + data.draw(st.text(max_size=6)) + FULL[start + length :]
    found = problems(text)
    lines = len(text.splitlines()) + 1
    assert all(1 <= problem.line <= lines and problem.column >= 1 for problem in found)
    assert all("\n" not in str(problem) for problem in found)


def test_a_policy_built_in_memory_has_an_empty_source() -> None:
    """Models validated from plain values work without a text."""
    policy = Policy.model_validate({"graphsvc": 1, "pack": {"id": "a"}})
    assert policy.source.sha256 == ""
    assert policy.source.at("pack") == (1, 1)
