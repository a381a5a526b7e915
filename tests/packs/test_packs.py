"""The shipped packs load together, explain themselves and do what their own tests say."""

from __future__ import annotations

import pytest

from graphsvc.core.policy.lint import lint
from graphsvc.core.policy.load import load_policy
from graphsvc.core.policy.scenario import PolicyTest
from graphsvc.core.ruleset import compile_ruleset
from graphsvc.errors import BadInput
from graphsvc.packs import PACKS, pack_file, pack_text
from tests.packs.playing import by_engine, by_oracle, facts_of, graph_of, packs, trace_of

ALONE = {name: load_policy(pack_text(name), pack_file(name)) for name in PACKS}
SCENARIOS = [
    pytest.param(name, test, id=f"{name}: {test.name}") for name in PACKS for test in ALONE[name].tests
]
# What lint may say of a shipped pack: a standing approval is meant as one.
_MEANT = {"standing_approval"}


@pytest.mark.parametrize("name", PACKS)
def test_each_pack_loads_alone_and_runs(name: str) -> None:
    """A pack needs no other pack, and this version can run all of it."""
    assert compile_ruleset([ALONE[name]]).patterns


def test_packs_load_together_without_findings() -> None:
    """Loaded as one set the packs clash nowhere, and lint finds nothing that is not meant."""
    loaded = packs()
    compile_ruleset(loaded)
    assert [str(finding) for finding in lint(loaded) if finding.code not in _MEANT] == []


def test_cloud_names_at_least_eight_techniques_four_of_them_with_several_steps() -> None:
    """The cloud pack covers the breadth it is for, and each pattern carries its technique's number."""
    cloud = ALONE["cloud"]
    assert len(cloud.patterns) >= 8
    assert sum(len(pattern.steps) > 1 for pattern in cloud.patterns) >= 4
    assert all(pattern.references for pattern in cloud.patterns)


@pytest.mark.parametrize(("name", "test"), SCENARIOS)
def test_engine_answers_as_the_pack_expects(name: str, test: PolicyTest) -> None:
    """Every expectation in a pack's own tests holds under the engine."""
    nodes, edges = facts_of(graph_of(test))
    answers = by_engine([ALONE[name]], nodes, edges, trace_of(test), test.entitlement or "required")
    for event, answer in zip(test.trace, answers, strict=True):
        told = f"{answer.request.id}: {[reason.message for reason in answer.reasons]}"
        assert event.expect in (None, answer.verdict.value), told
        if event.completes is not None:
            assert sorted(completion.pattern for completion in answer.completions) == sorted(
                event.completes
            ), told
        assert {*(event.reasons or ())} <= {reason.code.value for reason in answer.reasons}, told


@pytest.mark.parametrize(("name", "test"), SCENARIOS)
def test_definition_answers_as_the_pack_expects(name: str, test: PolicyTest) -> None:
    """Every completion in a pack's own tests holds under the plain definition too."""
    results = by_oracle([pack_text(name)], graph_of(test), trace_of(test))
    for event, result in zip(test.trace, results, strict=True):
        assert event.expect in (None, result.verdict), result
        if event.completes is not None:
            assert result.completed == sorted(event.completes), result


def test_every_pattern_is_completed_and_avoided_by_a_test() -> None:
    """Each pattern has a test in its pack that completes it, and its actions also occur without doing so."""
    for name in PACKS:
        policy = ALONE[name]
        events = [event for test in policy.tests for event in test.trace]
        assert {pattern.id for pattern in policy.patterns} == {
            pattern for event in events for pattern in event.completes or ()
        }
        assert any(event.completes == () for event in events)


def test_unknown_pack_is_an_error_that_names_the_packs() -> None:
    """Asking for a pack that does not exist says which exist."""
    with pytest.raises(BadInput, match="no pack `clouds`; choose one of agents"):
        pack_text("clouds")
