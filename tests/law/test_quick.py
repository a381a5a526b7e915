"""What the engine says of a fixed handful of lively cases, compared in every way that takes no time.

For `make mutation`, which asks it about every small change of registers, counts and snapshots: the same cases each time, and
what the definition says of them is worked out once a process.
"""

import json
import random
from functools import cache
from typing import NamedTuple

import pytest

from graphsvc.core.evaluate import Evaluation
from graphsvc.core.snapshot import restore, snapshot
from graphsvc.core.trace import item_from_record
from tests.law.engine import replay, result_of
from tests.law.fuzz import draw_cases
from tests.law.strategy import Case
from tests.law.weighing import Weight, by_definition, by_engine, weighed
from tests.oracle.definition import ActionResult, completions

_POLICIES, _TRACES = 6, 3
# What of a pattern each brings: only patterns with it are kept, and only policies under which some of them complete.
_FEATURES = {
    "windows": "within", "counting": "count", "sanitized": "sanitized_by", "distinct": "distinct", "without": "without",
    "keys": "steps", "joins": "steps", "reports": "steps", "cancels": "steps", "unless": "unless", "data_scope": "steps",
    "reviews": "steps",
}  # fmt: skip


class _Known(NamedTuple):
    case: Case
    defined: list[ActionResult]


@cache
def _cases(feature: str) -> list[_Known]:
    rng, known = random.Random(feature), list[_Known]()
    while len(known) < _POLICIES * _TRACES:
        drawn = list(draw_cases(rng, _TRACES, frozenset({feature, "causal_relation"})))
        patterns = [each for each in drawn[0].policy["patterns"] if _FEATURES[feature] in each]
        if not patterns:
            continue
        policy = {**drawn[0].policy, "patterns": patterns}
        judged = [
            _Known(Case(policy, *case[1:]), completions([policy], case.trace, case.graph, paths=True))
            for case in drawn
        ]
        if sum(bool(each.completed) for one in judged for each in one.defined) >= _TRACES:
            known += judged
    return known


@cache
def _weights(feature: str) -> list[tuple[Case, list[Weight]]]:
    cases = [weighed(known.case) for known in _cases(feature)]
    return [(case, by_definition(case, force=False)) for case in cases]


@pytest.mark.parametrize("feature", sorted(_FEATURES))
def test_risk_and_nearness(feature: str) -> None:
    """The risk before and after each action, verdicts by thresholds and what is nearest are those of the definition."""
    for case, defined in _weights(feature):
        assert by_engine(case, force=False) == defined


@pytest.mark.parametrize("feature", sorted(_FEATURES))
def test_verdicts_paths_and_state(feature: str) -> None:
    """Verdicts are those of the definition, paths told are matches, and the state is the same restored or rebuilt."""
    for known in _cases(feature):
        case = known.case
        straight = replay(case.policy, case.graph, [])
        twin = replay(case.policy, case.graph, [])
        told: list[Evaluation] = []
        for place, record in enumerate(case.trace):
            if place == len(case.trace) // 2:
                written = snapshot(twin.world)
                twin.world = restore(written, entitlement="off")
                assert snapshot(twin.world) == written
            one, other = (replayer.step(item_from_record(record)) for replayer in (straight, twin))
            assert (one is None) == (other is None)
            if one is not None and other is not None:
                told.append(one)
                assert result_of(one) == result_of(other)
                assert (one.risk, one.reasons, one.completions) == (
                    other.risk,
                    other.reasons,
                    other.completions,
                )
        assert [result_of(one) for one in told] == [
            (each.id, each.completed, each.key_missing, each.verdict) for each in known.defined
        ]
        for one, each in zip(told, known.defined, strict=True):
            _check_paths(one, each)
        assert snapshot(twin.world) == snapshot(straight.world)
        grown = dict(straight.world.cells)
        straight.world.rebuild()
        assert straight.world.cells == grown


def _check_paths(one: Evaluation, defined: ActionResult) -> None:
    for completion in one.completions:
        path = completion.path
        assert path[-1].action == one.request.id
        assert [step.at_ms for step in path] == sorted(step.at_ms for step in path)
        if completion.pattern in defined.matches:
            named = {step.step: step.action.removeprefix("review:") for step in path}
            assert len(named) == len(path)
            assert named in defined.matches[completion.pattern], json.dumps(named)
