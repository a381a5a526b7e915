"""The engine against the plain definition: same completions, same missing keys, same verdicts."""

import random

import pytest
from hypothesis import given

from tests.law.engine import replay, results
from tests.law.strategy import FIRST_FEATURES, Case, cases, random_case
from tests.oracle.definition import completions

_CASES_A_RUN = 40


def _defined(case: Case, *, force: bool = False) -> list[tuple[str, list[str], list[str], str]]:
    found = completions([case.policy], case.trace, case.graph, force=force)
    return [(result.id, result.completed, result.key_missing, result.verdict) for result in found]


@given(cases())
def test_engine_agrees_with_definition(case: Case) -> None:
    """Registers complete a pattern exactly when a match exists by definition."""
    assert results(*case) == _defined(case)


@given(cases())
def test_engine_agrees_with_definition_whatever_happened(case: Case) -> None:
    """The same holds when the trace, not the verdict, says what was executed."""
    engine = [(action, completed) for action, completed, _, _ in results(*case, force=True)]
    assert engine == [(action, completed) for action, completed, _, _ in _defined(case, force=True)]


@pytest.mark.parametrize("seed", range(10))
def test_random_cases_agree_and_complete_something(seed: int) -> None:
    """A few hundred fixed cases agree, and a fair share of their actions completes a pattern."""
    rng = random.Random(seed)
    judged = completing = 0
    for _ in range(_CASES_A_RUN):
        case = random_case(rng, FIRST_FEATURES)
        defined = _defined(case)
        assert results(*case) == defined
        judged += len(defined)
        completing += sum(bool(completed) for _, completed, _, _ in defined)
    assert completing > judged // 100


@given(cases())
def test_rebuild_changes_nothing(case: Case) -> None:
    """Registers rebuilt from history are those that grew with it."""
    replayer = replay(*case)
    grown = dict(replayer.world.cells)
    replayer.world.rebuild()
    assert replayer.world.cells == grown
