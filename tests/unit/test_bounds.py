"""What is remembered to be quick is bounded, and forgetting it changes no answer."""

from __future__ import annotations

import random

import pytest

from graphsvc.core import dispatch, undo
from graphsvc.core.known import Memo
from tests.law.engine import replay
from tests.law.strategy import ALL_FEATURES, random_case


@pytest.mark.parametrize("seed", range(12))
def test_answers_do_not_hang_on_what_is_remembered(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dispatch by labels, and what lets late news be cheap: with room for one of each everything is said the same."""
    case = random_case(random.Random(seed), ALL_FEATURES)
    roomy = replay(case.policy, case.graph, case.trace)
    monkeypatch.setattr(dispatch, "_MEMO_LIMIT", 1)
    monkeypatch.setattr(undo, "_MOST_SESSIONS", 1)
    tight = replay(case.policy, case.graph, case.trace)
    assert tight.results == roomy.results  # type: ignore[attr-defined]
    assert tight.world.cells == roomy.world.cells


def test_what_is_remembered_about_somebody_does_not_tell_them_apart() -> None:
    """Parties are the same people whatever was asked about them before."""
    one, other = Memo(), Memo()
    assert one == other
    assert hash(one) == hash(other)
