"""A short stretch of the long run, every mismatch ever found, and a handful of seeded faults."""

import json

import pytest

from tests.law.fuzz import MISMATCHES, differs, judge
from tests.law.strategy import Case
from tests.mutant.__main__ import hunt
from tests.mutant.fault import FAULTS, Fault
from tests.support.requirement import REPOSITORY

# Noticed soon, and from different corners.
_SOON = ("denied actions count", "one parent only", "a count completes at its limit", "min dropped")


@pytest.mark.parametrize("seed", range(12))
def test_the_engine_agrees_with_the_definition(seed: int) -> None:
    """Thousands of verdicts over random features are those of the definition, and some complete."""
    tally = judge(seed, 5)
    assert tally.mismatches == []
    assert tally.completions > tally.verdicts // 100


def test_what_once_differed_agrees() -> None:
    """Cases in which engine and definition once disagreed stay judged alike."""
    for path in sorted(MISMATCHES.glob("*.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        case = Case(record["policy"], record["graph"], record["trace"])
        assert not differs(case, force=record["force"]), path


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_seeded_fault_stands_in_the_engine(fault: Fault) -> None:
    """The text that a fault replaces is there exactly once: whoever changes the engine changes its faults."""
    module = REPOSITORY / "graphsvc" / "core" / f"{fault.module}.py"
    assert module.read_text(encoding="utf-8").count(fault.old) == 1


@pytest.mark.parametrize(
    "fault", [fault for fault in FAULTS if fault.name in _SOON], ids=lambda fault: fault.name
)
def test_seeded_faults_are_noticed(fault: Fault) -> None:
    """An engine with one rule broken disagrees with the definition."""
    assert hunt(fault, policies=300) is not None


@pytest.mark.slow
@pytest.mark.parametrize(
    "fault", [fault for fault in FAULTS if fault.name not in _SOON], ids=lambda fault: fault.name
)
def test_every_seeded_fault_is_noticed(fault: Fault) -> None:
    """One fault a rule at least, each noticed by random cases."""
    assert hunt(fault) is not None
