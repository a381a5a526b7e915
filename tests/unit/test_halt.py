"""What is suspended, and until when."""

from __future__ import annotations

from graphsvc.core.halt import Halts


def test_a_suspension_lasts_until_its_end_or_until_it_is_lifted() -> None:
    """One without an end lasts; lifting what was never suspended is no error."""
    halts = Halts()
    halts.remove("chain", "c")
    halts.add("chain", "c", 10)
    halts.add("chain", "d", None)
    assert halts.holds("chain", "c", 9)
    assert not halts.holds("chain", "c", 10)
    assert halts.holds("chain", "d", 10**12)
    halts.remove("chain", "d")
    halts.remove("chain", "e")
    assert not halts.holds("chain", "d", 0)
    assert halts
    halts.remove("chain", "c")
    assert not halts


def test_a_suspended_action_is_a_glob() -> None:
    """It halts every action that it matches."""
    halts = Halts()
    halts.add("action", "mail:*", None)
    assert halts.holds("action", "mail:Send", 1)
    assert not halts.holds("action", "crm:Read", 1)
