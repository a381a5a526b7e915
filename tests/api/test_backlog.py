"""What waits for one subscriber: bounded, the newest of each chain kept, nothing left out untold."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from graphsvc.api.live.backlog import Backlog, Item, Missed


def _item(seq: int, topic: str | None = None) -> Item:
    return Item(seq, f"x.{seq}", "{}", topic)


def _all(backlog: Backlog) -> list[Item | Missed]:
    return list(iter(backlog.take, None))


def test_what_is_overtaken_goes_first() -> None:
    """A chain's older events make room for its newest; the gap stands where the first of them was."""
    backlog = Backlog(4)
    for seq, topic in enumerate(["a", "b", "a", "a", "c"], 1):
        backlog.put(_item(seq, topic))
    assert _all(backlog) == [Missed(1, 2), _item(2, "b"), _item(4, "a"), _item(5, "c")]


def test_the_oldest_go_when_nothing_is_overtaken() -> None:
    """Half of what waits is left out at once, so that a slow reader does not cost every time."""
    backlog = Backlog(4)
    for seq in range(1, 6):
        backlog.put(_item(seq, f"chain {seq}"))
    assert _all(backlog) == [Missed(1, 2), *(_item(seq, f"chain {seq}") for seq in (3, 4, 5))]


@given(st.lists(st.one_of(st.none(), st.sampled_from("abc")), max_size=200), st.integers(2, 12), st.data())
def test_nothing_is_left_out_untold(topics: list[str | None], bound: int, data: st.DataObject) -> None:
    """However reading and writing interleave: in order, bounded, all sent or counted, and told before what follows."""
    backlog = Backlog(bound)
    taken: list[Item | Missed] = []
    left_out = 0
    for seq, topic in enumerate(topics, 1):
        left_out += backlog.put(_item(seq, topic))
        assert len(backlog) <= bound
        taken += [one for _ in range(data.draw(st.integers(0, 2))) if (one := backlog.take()) is not None]
    taken += _all(backlog)
    sent = [one.seq for one in taken if isinstance(one, Item)]
    assert sent == sorted(sent)
    assert sum(one.number for one in taken if isinstance(one, Missed)) == left_out == len(topics) - len(sent)
    # At any place in what was taken: whatever is missing before the newest item so far has been told of.
    told = 0
    for place, one in enumerate(taken):
        if isinstance(one, Missed):
            told += one.number
        else:
            before = [each.seq for each in taken[: place + 1] if isinstance(each, Item)]
            assert told >= one.seq - len(before)
