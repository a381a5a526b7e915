"""The rights index against the definition, after every edit of the graph."""

from __future__ import annotations

import random

import pytest

from graphsvc.core import permission_index
from tests.rights.fuzz import check_rights


@pytest.mark.parametrize("seed", range(60))
def test_the_index_answers_as_the_definition_after_every_edit(seed: int) -> None:
    assert check_rights(random.Random(seed), edits=12) > 0


def test_all_answers_occur() -> None:
    counts: dict[str, int] = {}
    rng = random.Random(5)
    for _ in range(30):
        check_rights(rng, edits=6, counts=counts)
    assert min(counts.get(answer, 0) for answer in ("yes", "no", "denied", "unknown")) > 50, counts


@pytest.mark.parametrize("seed", range(6))
def test_nothing_hangs_on_how_numbers_are_kept(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Holders of many permissions, and permissions whose numbers are no characters, are answered alike."""
    monkeypatch.setattr(permission_index, "_FEW", seed % 3)
    monkeypatch.setattr(permission_index, "_CHARACTERS", 2 * seed)
    assert check_rights(random.Random(1_000 + seed), edits=12) > 0
