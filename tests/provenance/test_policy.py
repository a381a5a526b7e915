"""Provenance tables in policy files: refused with a position, doubted by lint."""

from __future__ import annotations

from typing import get_args

import pytest

from graphsvc.core.policy.lint import lint
from graphsvc.core.policy.load import load_policies, load_policy, problems
from graphsvc.core.policy.scalar import Fact
from graphsvc.core.provenance.fact import FACTS, TOLD
from graphsvc.errors import PolicyError

ROW = (
    "named_by_intent: permit, clean: permit, contested: escalate, designated_unique: permit_if_described, "
    "designated: escalate, designated_many: escalate, party: escalate, unprovenanced: escalate, "
    "from_untrusted: deny, none: permit"
)


def written(*rows: str, after: str = "") -> str:
    """A pack with a table of these rows."""
    lines = "\n".join(f"    - {{{row}}}" for row in rows)
    return f"graphsvc: 1\npack: {{id: p}}\nprovenance:\n{after}  levels: {{send: 2}}\n  table:\n{lines}\n"


def test_facts_are_the_same_in_policies_and_clients() -> None:
    """One vocabulary, though the client reads it without the policy loader."""
    assert get_args(Fact) == FACTS
    assert set(TOLD) == set(FACTS)


def test_a_table_loads() -> None:
    """A row may stand for several levels and ways of asking."""
    policy = load_policy(written(f"when: [requested, delegated], level: [1, 2], {ROW}"))
    assert policy.provenance is not None
    assert policy.provenance.table[0].level == (1, 2)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (
            f"when: requested, level: 2, {ROW.replace('party: escalate, ', '')}",
            "a row of `table` has no `party`; add it",
        ),
        (f"when: asked, level: 2, {ROW}", "`when` is `asked`; use one of"),
        (f"when: requested, level: 4, {ROW}", "`level` must be at most 3, not `4`"),
        (
            f"when: requested, level: 2, {ROW.replace('clean: permit', 'clean: allow')}",
            "`clean` is `allow`; use one of",
        ),
        (f"when: requested, level: 2, {ROW}, known: permit", "unknown key `known` in a row of `table`"),
    ],
)
def test_a_bad_row_is_refused_where_it_stands(row: str, told: str) -> None:
    """The error names line and column, what is wrong and what to write."""
    [problem] = problems(written(row), "p.yaml")
    assert told in str(problem)
    assert problem.line == 6


def test_two_rows_for_the_same_cell_are_refused() -> None:
    """One level and way of asking has one row."""
    rows = (f"when: requested, level: [1, 2], {ROW}", f"when: requested, level: 2, {ROW}")
    [problem] = problems(written(*rows), "p.yaml")
    assert (problem.rule, problem.line) == ("provenance_row", 7)
    assert "in line 6" in str(problem)


def test_a_table_after_a_pattern_that_no_pack_has_is_refused() -> None:
    """A name that means nothing would switch the table off."""
    text = written(f"when: requested, level: 2, {ROW}", after="  after: acts-after-foreign\n")
    with pytest.raises(PolicyError, match="no loaded pack has a pattern `acts-after-foreign`"):
        load_policies([(text, "p.yaml")])


def test_lint_finds_gaps_and_cells_that_reward_a_worse_fact() -> None:
    """A missing row denies, and a table should never pay an attacker."""
    row = f"when: requested, level: 2, {ROW.replace('from_untrusted: deny', 'from_untrusted: permit')}"
    found = lint([load_policy(written(row))])
    assert {finding.code for finding in found} == {"provenance_gap", "provenance_milder"}
