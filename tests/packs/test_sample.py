"""The sample company is sound, and its stories end as told."""

from __future__ import annotations

import json

import pytest

from graphsvc.core.estate import Estate
from graphsvc.core.rights import Rights
from graphsvc.core.value import format_time
from graphsvc.packs import PACKS, pack_text
from graphsvc.packs.sample import Ask, GiveRight, Party, Story, TakeRight, estate_text, stories
from tests.packs.playing import Record, by_engine, by_oracle, facts_of, packs

_START_MS = 1_764_000_000_000
STORIES = stories()
each_story = pytest.mark.parametrize("story", STORIES, ids=lambda story: story.id)


def _estate_records() -> list[Record]:
    return [json.loads(line) for line in estate_text().splitlines()]


def _trace(told: tuple[Story, ...]) -> list[Record]:
    """Stories as trace records, a second between steps."""
    steps = [step for story in told for step in story.steps]
    return [_record(step, index) for index, step in enumerate(steps)]


def _record(step: Ask | GiveRight | TakeRight, index: int) -> Record:
    at_ms = _START_MS + index * 1000
    at = format_time(at_ms)
    match step:
        case GiveRight():
            return {
                "type": "grant", "id": step.name, "identity": step.identity, "actions": list(step.actions),
                "resources": list(step.resources), "at": at, "to": format_time(at_ms + step.minutes * 60_000),
            }  # fmt: skip
        case TakeRight():
            return {"type": "revoke", "grant": step.name, "at": at}
    return {
        "type": "action", "id": f"e{index}", "at": at, "chain": step.chain, "subject": _entity(step.subject),
        "on_behalf_of": [_entity(party) for party in step.delegators],
        "action": {"name": step.action, "properties": step.properties}, "resource": _entity(step.resource),
        "labels": [], "parents": None, "context": {}, "arguments": [], "executed": True,
    }  # fmt: skip


def _entity(party: Party) -> Record:
    return {"type": party.type, "id": party.id}


def _asks(told: tuple[Story, ...]) -> list[Ask]:
    return [step for story in told for step in story.steps if isinstance(step, Ask)]


def test_estate_has_some_thirty_identities_of_every_kind_and_no_loose_ends() -> None:
    """People, services and agents exist; every edge joins nodes that exist."""
    nodes, edges = facts_of(_estate_records())
    kinds = [node.fields["kind"] for node in nodes if node.kind == "identity"]
    assert 25 <= len(kinds) <= 40
    assert {"human", "agent", "service"} <= {*kinds}
    keys = {node.key for node in nodes}
    assert len(keys) == len(nodes)
    for edge in edges:
        assert {edge.start, edge.end} <= keys, edge


def test_five_stories_are_told() -> None:
    """There are five, with ids of their own, and each contains something stopped and something permitted."""
    assert len({story.id for story in STORIES}) == 5
    for story in STORIES:
        expected = {step.expect for step in story.steps if isinstance(step, Ask)}
        assert {"PERMIT"} < expected, story.id


@each_story
def test_story_ends_as_told(story: Story) -> None:
    """Played alone, every step of a story is answered as expected, with rights required."""
    _check((story,))


def test_stories_do_not_disturb_each_other() -> None:
    """Played one after the other in the same company, all steps are answered as expected."""
    _check(STORIES)


def _check(told: tuple[Story, ...]) -> None:
    nodes, edges = facts_of(_estate_records())
    answers = by_engine(packs(), nodes, edges, _trace(told), "required")
    for ask, answer in zip(_asks(told), answers, strict=True):
        place = (
            f"{ask.action} on {ask.resource.id} ({ask.note}): {[reason.message for reason in answer.reasons]}"
        )
        assert answer.verdict == ask.expect, place
        assert sorted(completion.pattern for completion in answer.completions) == sorted(ask.completes), place
        codes = {reason.code.value for reason in answer.reasons}
        assert {*ask.reasons} <= codes, place
        # Nothing in the stories is stopped for another reason than the one told.
        assert codes <= {*ask.reasons}, place


@each_story
def test_every_right_of_a_stopped_combination_is_valid(story: Story) -> None:
    """Where a pattern stops an action, the agent and the person behind it hold the right to it."""
    nodes, edges = facts_of(_estate_records())
    estate = Estate()
    estate.load("sample", nodes, edges, replace=False)
    rights = Rights(estate)
    for ask in _asks((story,)):
        if "not_entitled" in ask.reasons or ask.action == "db:Query":
            continue
        for party in (ask.subject, *ask.delegators):
            key = f"resource:{ask.resource.type}:{ask.resource.id}"
            assert rights.check(f"identity:{party.id}", ask.action, key).allowed, (party.id, ask.action, key)


def test_definition_tells_the_same_stories() -> None:
    """Under the plain definition the same steps complete the same patterns."""
    asks = _asks(STORIES)
    trace = [record for record in _trace(STORIES) if record["type"] == "action"]
    # The definition knows no rights: what they refuse is marked as never executed.
    for ask, record in zip(asks, trace, strict=True):
        record["executed"] = "not_entitled" not in ask.reasons
    results = by_oracle([pack_text(name) for name in PACKS], _estate_records(), trace)
    assert [result.completed for result in results] == [sorted(ask.completes) for ask in asks]
