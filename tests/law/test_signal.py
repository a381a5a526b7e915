"""Signals about somebody are found by the names they were told of, whatever became of these names since."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from graphsvc.core.estate import Estate
from graphsvc.core.event import identity_id
from graphsvc.core.graph import Edge, Node
from graphsvc.core.known import Parties, parties_of
from graphsvc.core.request import AccessRequest, Entity
from graphsvc.core.signal import Signal, Signals

_NAMES = st.sampled_from(["a", "b", "x"])
_LINK = st.tuples(st.just("link"), _NAMES, _NAMES)
_ALIAS = st.tuples(st.just("alias"), _NAMES, _NAMES)
_WARN = st.tuples(st.just("warn"), _NAMES, st.sampled_from([0.1, 0.4]))
_ASK = st.tuples(st.just("ask"), _NAMES, _NAMES)


@settings(max_examples=80, deadline=None)
@example([("warn", "x", 0.4), ("alias", "a", "x"), ("ask", "a", "b")])
@example([("ask", "a", "a"), ("warn", "b", 0.4), ("link", "a", "b"), ("ask", "b", "b")])
@given(st.lists(st.one_of(_LINK, _ALIAS, _WARN, _ASK), max_size=20))
def test_parties_carry_every_signal_whose_name_means_one_of_them_now(
    steps: list[tuple[str, str, object]],
) -> None:
    """What is looked up by name is what going through all signals finds, for parties of today and of earlier."""
    estate, signals = Estate(), Signals()
    estate.load("s", [Node(key=f"identity:{name}") for name in "ab"], [], replace=False)
    asked: list[Parties] = []
    for number, (kind, one, other) in enumerate(steps):
        if kind == "link":
            edge = Edge(type="LINKED_TO", start=f"identity:{one}", end=f"identity:{other}")
            estate.load(f"l{number}", [], [edge], replace=False)
        elif kind == "alias":
            node = Node(key=f"identity:{one}", fields={"aliases": [str(other)]})
            estate.load("s", [node], [], replace=False)
        elif kind == "warn":
            signals.add(identity_id(estate, one), Signal(number, float(str(other)), 10))
        else:
            asked.append(parties_of(_request(one, str(other)), estate))
        for who in asked:
            assert signals.micros(who, estate, number) == _gone_through(signals, who, estate, number)


def _gone_through(signals: Signals, who: Parties, estate: Estate, at_ms: int) -> int:
    about = [name for name in signals.by_identity if estate.resolve(name)[1] in who.principals]
    return sum(signal.micros(at_ms) for name in about for signal in signals.by_identity[name])


def _request(subject: str, behind: str) -> AccessRequest:
    return AccessRequest(
        id="e",
        chain="c",
        subject=Entity("human", subject),
        on_behalf_of=(Entity("human", behind),),
        action="app:Do",
        resource=Entity("record", "r"),
    )
