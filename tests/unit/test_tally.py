"""What is counted of decisions: the newest of them, and none that made room."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from graphsvc.core.tally import Tallies, Tally
from graphsvc.core.verdict import Verdict

_COUNTED = st.builds(
    Tally,
    st.integers(-(2**62), 2**62),
    st.sampled_from(list(Verdict)),
    st.frozensets(st.sampled_from("pqr"), max_size=2),
)


@given(st.lists(_COUNTED, max_size=30), st.integers(1, 10))
def test_the_newest_come_back_as_they_were_counted(counted: list[Tally], limit: int) -> None:
    """At most `limit` are told, the newest first, each with its own time, answer and patterns."""
    tallies = Tallies(limit)
    made_room = [tallies.add(*each) for each in counted]
    assert list(tallies.newest_first()) == counted[::-1][:limit]
    assert len(tallies) == min(len(counted), limit)
    assert made_room == [place >= limit for place in range(len(counted))]


def test_what_made_room_meanwhile_is_not_told() -> None:
    """Somebody who reads slowly while others are counted gets no decision in place of another."""
    tallies = Tallies(3)
    for at_ms in (1, 2, 3):
        tallies.add(at_ms, Verdict.PERMIT)
    told = tallies.newest_first()
    assert next(told).at_ms == 3
    tallies.add(4, Verdict.DENY)
    assert [each.at_ms for each in told] == [2]
