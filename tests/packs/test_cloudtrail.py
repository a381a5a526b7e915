"""Recorded attack techniques are stopped at the decisive action by a named pattern, their benign twins never."""

from __future__ import annotations

from pathlib import Path

import pytest

from graphsvc.core.evaluate import Evaluation
from graphsvc.core.graph import to_record
from graphsvc.importers.cloudtrail import read_events, to_estate, to_trace
from graphsvc.packs import PACKS, pack_text
from tests.oracle.definition import ActionResult
from tests.packs.cloudtrail_cases import CASES, Case, Events, Record
from tests.packs.playing import by_engine, by_oracle, facts_of, packs

each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.file)


def _events(case: Case, real_data: Path) -> Events:
    path = real_data / "cloudtrail" / case.file
    return [dict(event) for event in read_events(path.read_bytes(), case.file)]


def _engine(events: Events, facts: list[Record]) -> list[Evaluation]:
    imported, (nodes, edges) = to_estate(events), facts_of(facts)
    # Added facts of a resource that the import has too win here; over the API they are a second source.
    held = {node.key: node for node in (*imported.nodes, *nodes)}
    trace = [dict(record) for record in to_trace(events)]
    return by_engine(packs(), held.values(), (*imported.edges, *edges), trace, "required")


def _oracle(events: Events, facts: list[Record]) -> list[ActionResult]:
    imported = to_estate(events)
    graph = [dict(to_record(fact)) for fact in (*imported.nodes, *imported.edges)]
    return by_oracle([pack_text(name) for name in PACKS], [*graph, *facts], [dict(r) for r in to_trace(events)])


def test_every_recorded_technique_has_a_case(real_data: Path) -> None:
    """No file of the recorded techniques is left out."""
    assert {case.file for case in CASES} == {path.name for path in (real_data / "cloudtrail").glob("*.json")}


@each_case
def test_attack_is_stopped_at_its_decisive_action(case: Case, real_data: Path) -> None:
    """All before the decisive action is permitted, with valid rights; that action completes the named pattern."""
    events = _events(case, real_data)
    answers = _engine(events, case.facts(events))
    for before in answers[: case.decisive]:
        assert before.verdict == "PERMIT", (before.request.action, before.reasons)
    decisive = answers[case.decisive]
    assert decisive.request.action == case.action
    assert decisive.verdict == case.verdict
    assert [completion.pattern for completion in decisive.completions] == [case.pattern]
    assert {reason.code for reason in decisive.reasons} == {"pattern_completed"}
    assert decisive.completions[0].explanation
    for index, pattern in case.also:
        assert [completion.pattern for completion in answers[index].completions] == [pattern]


@each_case
def test_benign_twin_passes_entirely(case: Case, real_data: Path) -> None:
    """The same chain, ordinary by a fact of the graph or about ordinary things, is never stopped."""
    events = _events(case, real_data)
    answers = _engine(case.twin_events(events), case.twin_facts(events))
    for answer in answers:
        assert answer.verdict == "PERMIT", (answer.request.action, answer.reasons)
        assert answer.completions == ()


@each_case
def test_definition_says_the_same(case: Case, real_data: Path) -> None:
    """Under the plain definition the same actions complete the same patterns."""
    events = _events(case, real_data)
    results = _oracle(events, case.facts(events))
    answers = _engine(events, case.facts(events))
    assert [result.completed for result in results] == [
        sorted(completion.pattern for completion in answer.completions) for answer in answers
    ]
    twins = _oracle(case.twin_events(events), case.twin_facts(events))
    assert all(result.completed == [] for result in twins)
