"""Closures of rights rules against the naive fixpoint."""

from __future__ import annotations

import random

import pytest

from tests.rights.closure_fuzz import check_closures


@pytest.mark.parametrize("seed", range(40))
def test_closures_are_those_of_the_fixpoint_after_every_edit(seed: int) -> None:
    assert check_closures(random.Random(seed), edits=5) == 15


def test_rules_fire_and_give_rise_to_others() -> None:
    counts: dict[str, int] = {}
    rng = random.Random(11)
    for _ in range(60):
        check_closures(rng, edits=5, counts=counts)
    assert counts["firings"] > 400, counts
    assert counts["chained"] > 20, counts
