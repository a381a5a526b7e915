"""A chain that was only mentioned may begin in another session: it belongs to that one alone, however a world came to be."""

from __future__ import annotations

import json
from typing import Any

import pytest

from graphsvc.cli.replayer import Replayer
from graphsvc.core.forgotten import GONE, Forgotten
from graphsvc.core.policy.load import load_policy
from graphsvc.core.snapshot import restore, snapshot
from graphsvc.core.trace import item_from_record
from graphsvc.core.verdict import ReasonCode
from tests.unit.lived import Record, act, policy

# `a` is spawned by `p`, which nobody has heard of and which begins later, spawned by `q`.
MENTIONED = [act("e1", chain="a", parent_chain="p"), act("e2", second=1, chain="q")]
BEGUN = act("e3", second=2, chain="p", parent_chain="q")


def _close(chain: str, second: int = 5) -> Record:
    return {"type": "close", "chain": chain, "at": f"2026-11-23T10:00:{second:02}Z"}


def _at(time: str, name: str, action: str = "m:Read", **fields: Any) -> Record:
    return {**act(name, action, **fields), "at": f"2026-11-{time}:00:00Z"}


def _lived(*trace: Record, restored_after: int | None = None) -> Replayer:
    replayer = Replayer([load_policy(json.dumps(policy()), "t.yaml")])
    for place, record in enumerate(trace, 1):
        replayer.step(item_from_record(record))
        if place == restored_after:
            replayer.world = restore(snapshot(replayer.world))
    return replayer


@pytest.mark.parametrize(
    "order", [(BEGUN, _close("a")), (_close("a", 1), {**BEGUN, "at": "2026-11-23T10:00:07Z"})]
)
def test_it_does_not_hold_up_the_session_that_mentioned_it(order: tuple[Record, Record]) -> None:
    """All that is left of that one is closed, so it ends and is forgotten; a world that was restored says the same."""
    trace = (*MENTIONED, *order, _at("25T10", "e4", chain="z"))
    lived = _lived(*trace).world
    assert sorted(lived.sessions.chains) == ["q", "z"]
    assert sorted(lived.sessions.chains["q"]) == ["p", "q"]
    assert "e1" not in lived.history
    for place in range(1, len(trace)):
        restored = _lived(*trace, restored_after=place).world
        assert restored.cells == lived.cells, place
        assert snapshot(restored) == snapshot(lived), place


def test_building_the_state_again_ends_and_begins_no_session() -> None:
    """Chains that were opened without an action are opened again in the state alone: what is over stays so."""
    opened = {"type": "open", "chain": "p", "parent_chain": "q", "at": "2026-11-23T10:00:02Z"}
    later = act("e4", second=6, chain="b", session="p")
    replayer = _lived(*MENTIONED, opened, _close("a"), later, _close("b", 7), _close("p", 7), _close("q", 7))
    before = snapshot(replayer.world)
    assert sorted(replayer.world.sessions.over) == ["p", "q"]
    replayer.world.rebuild()
    assert snapshot(replayer.world) == before


def test_it_is_known_as_long_as_the_session_in_which_it_began() -> None:
    """What it declared holds for those it spawned, when the session that mentioned it has long been forgotten."""
    begun = {**BEGUN, "intent": {"actions": ["m:Read"]}}
    spawned = act("e4", second=3, chain="c", parent_chain="p")
    replayer = _lived(*MENTIONED, begun, spawned, _close("a"), _close("p"), _at("23T20", "e5", chain="z"))
    child = replayer.step(item_from_record(_at("23T20", "e6", "m:Send", chain="c")))
    assert child is not None
    assert [each.code for each in child.reasons] == [ReasonCode.outside_intent]


def test_the_last_chain_to_leave_takes_its_session_along() -> None:
    """A session of nothing but a mention is none any more."""
    mention = act("e1", chain="p", parent_chain="p2")
    world = _lived(
        act("e0", chain="q"), mention, _close("p"), act("e2", second=6, chain="p2", parent_chain="q")
    ).world
    assert sorted(world.sessions.chains) == ["p2", "q"]
    assert world.sessions.over.keys() == {"p2"}


def test_a_mention_that_is_refused_later_is_forgotten_once() -> None:
    """The chain that a closed one named as its parent cannot begin when their session is over, however often it is tried."""
    replayer = _lived(act("e1", chain="a", parent_chain="p"), _close("a"), _at("23T12", "e2", chain="z"))
    sessions = replayer.world.sessions
    assert sessions.ended == {"p": ["p", "a"]}
    refused = replayer.step(item_from_record(_at("23T13", "e3", chain="p")))
    assert refused is not None
    assert [each.code for each in refused.reasons] == [ReasonCode.chain_closed]
    replayer.step(item_from_record(_at("23T20", "e4", chain="z")))
    assert sessions.ended == {"p": ["p", "a"]}
    assert sorted(sessions.chains) == ["z"]
    replayer.step(item_from_record(_at("25T10", "e5", chain="z")))
    assert replayer.world.cells[GONE] == Forgotten().also(["c:p", "c:a", "x:p"])


def test_a_chain_that_begins_when_its_mention_is_over_stays_alive() -> None:
    """It was mentioned in a session that has ended since; as a part of a living one it is not forgotten with that."""
    mentioned = (act("e1", chain="a", parent_chain="p"), _close("a"), _at("23T12", "e2", chain="q"))
    replayer = _lived(
        *mentioned, _at("23T13", "e3", chain="p", parent_chain="q"), _at("25T10", "e4", chain="q")
    )
    assert replayer.world.cells[GONE] == Forgotten().also(["c:a", "x:p"])
    answer = replayer.step(item_from_record(_at("25T11", "e5", chain="p")))
    assert answer is not None
    assert answer.reasons == ()


def test_it_may_begin_where_it_was_mentioned() -> None:
    """Then it is still one chain of that session."""
    begun = _lived(act("e1", chain="a", parent_chain="p"), act("e2", second=1, chain="p"))
    assert begun.world.sessions.chains == {"p": ["p", "a"]}
