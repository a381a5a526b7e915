"""What is remembered is bounded, and forgetting it all takes no long pause."""

from __future__ import annotations

from graphsvc.core.memo import Memo


def test_after_a_clear_nothing_is_found_and_what_is_put_in_later_is() -> None:
    """A cleared memo answers as an empty one."""
    memo: Memo[str, int] = Memo()
    memo.put("a", 1)
    memo.clear()
    assert memo.get("a") is None
    assert memo.put("a", 2) == 2
    assert memo.get("a") == 2


def test_a_full_memo_forgets_rather_than_grows() -> None:
    """It never holds more than its limit."""
    memo: Memo[int, int] = Memo(limit=3)
    for number in range(10):
        memo.put(number, number)
        assert len(memo) <= 3
    assert memo.get(9) == 9


def test_what_was_cleared_is_freed_little_by_little() -> None:
    """A clear keeps the values until later puts have freed them, a few each."""
    memo: Memo[int, Token] = Memo()
    for number in range(100):
        memo.put(number, Token())
    before = Token.alive
    memo.clear()
    assert Token.alive == before
    memo.put(0, Token())
    assert before - 32 < Token.alive < before
    for number in range(20):
        memo.put(number, Token())
    assert Token.alive <= 21


class Token:
    """Counts how many of it are there."""

    alive = 0

    def __init__(self) -> None:
        Token.alive += 1

    def __del__(self) -> None:
        Token.alive -= 1
