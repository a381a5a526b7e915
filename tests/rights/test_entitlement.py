"""Permissions, grants, suspensions and delegation together, against the definition."""

from __future__ import annotations

import random

import pytest

from tests.rights.entitlement_fuzz import check_entitlements


@pytest.mark.parametrize("seed", range(20))
def test_decisions_are_those_of_the_definition(seed: int) -> None:
    """Starts, ends, uses, chains and sessions of grants; denies, caps, conditions; and delegation never widens."""
    assert check_entitlements(random.Random(seed), steps=10) == 80


def test_all_answers_occur() -> None:
    """Enough is permitted, by permissions and by grants, for the comparison to mean something."""
    counts: dict[str, int] = {}
    for seed in range(4):
        check_entitlements(random.Random(seed), steps=40, counts=counts)
    assert min(counts.get(each, 0) for each in ("permit", "grant", "deny")) > 10, counts
