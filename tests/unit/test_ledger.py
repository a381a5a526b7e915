"""The newest decisions, those somebody may look into, and those that are answered later."""

from __future__ import annotations

import pytest

from graphsvc.core import forgotten, ledger
from graphsvc.core.evaluate import decided
from graphsvc.core.forgotten import Forgotten
from graphsvc.core.ledger import Ledger
from graphsvc.core.record import Decided
from tests.unit.lived import act, evaluations, policy

SENDS = {"id": "sends", "on_match": "deny", "steps": {"s": {"action": "m:Send"}}}
ASKS = {"id": "asks", "on_match": "escalate", "steps": {"s": {"action": "m:Ask"}}}


def _records(*actions: str) -> list[Decided]:
    trace = [act(f"e{number}", action, number) for number, action in enumerate(actions)]
    return [decided(each, policy="v") for each in evaluations(policy(SENDS, ASKS), *trace)]


def test_refused_ones_are_kept_longer_than_permitted_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of those that somebody may look into the newest too; what is under review is kept whatever comes after it."""
    monkeypatch.setattr(ledger, "_NOTED", 2)
    kept = Ledger(2)
    records = _records("m:Ask", "m:Send", "m:Read", "m:Send", "m:Read", "m:Read")
    for record in records:
        kept.add(record)
    assert list(kept) == ["e0", "e1", "e3", "e4", "e5"]
    assert [name for name, _ in kept.newest_first()] == ["e5", "e4", "e3", "e1"]
    assert kept["e0"] is records[0]
    assert "e2" not in kept
    assert len(kept) == 5


def test_it_says_when_decisions_are_no_longer_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """While all were counted figures are whole; from then on they are of the newest alone."""
    monkeypatch.setattr(ledger, "_COUNTED", 2)
    kept, missing = Ledger(None), []
    for record in _records("m:Read", "m:Read", "m:Read"):
        kept.add(record)
        missing.append(kept.missing)
    assert missing == [False, False, True]
    assert len(list(kept.tallies.newest_first())) == 2


def test_what_is_asked_for_later_is_kept() -> None:
    """A permitted one as well, where it is said so."""
    kept = Ledger(1)
    first, second = _records("m:Read", "m:Read")
    kept.add(first, pin=True)
    kept.add(second)
    assert (list(kept), kept["e0"]) == (["e0", "e1"], first)


def test_forgotten_names_are_a_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """However they came: equal sets are equal, hash alike and have the same bytes; nothing else is in them."""
    monkeypatch.setattr(forgotten, "_LONGEST", 4)
    names = [f"c{number}" for number in range(9)]
    one = Forgotten().also(names)
    other = Forgotten()
    for name in reversed(names):
        other = other.also([name])
    assert one == other == Forgotten.from_bytes(one.to_bytes())
    assert hash(one) == hash(other)
    assert (len(other), other.also(names[:3]) is other) == (9, True)
    assert all(name in other for name in names)
    assert "c9" not in other
    assert 9 not in other
    assert one != names
