"""Taking edges out of a copy of a graph to see what hangs on them: single ones, and the fewest together.

Whether a set of edges is enough is asked of the rules themselves. The smallest repair is an implicit hitting set as in `cut`:
each round shows one more set of edges that gives the thing by itself. Denies, caps, credentials and conditions stay as they
are; where a membership brings a denial too, a smaller repair may exist.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from graphsvc.core.estate import Estate
from graphsvc.core.gain.gains import Gains, HeldBy
from graphsvc.core.record import Granted
from graphsvc.core.rights import Rights
from graphsvc.core.ruleset import Ruleset
from graphsvc.core.verdict import Completion
from graphsvc.errors import Overloaded
from graphsvc.explore.counterfactual import EdgeTriple
from graphsvc.explore.hitting import hitting_set
from graphsvc.explore.witness import is_removable

__all__ = ["Removal", "SessionHeld", "carried_by", "earlier_of"]

_SOLVE_S = 10.0
Stands = Callable[[Iterable[EdgeTriple]], bool]


@dataclass(frozen=True, slots=True)
class SessionHeld:
    """What a session held when something was completed. held: with the action that brought each.

    granted: situational grants that counted.
    """

    held: HeldBy
    granted: tuple[Granted, ...]
    ruleset: Ruleset
    estate: Estate

    @property
    def identities(self) -> frozenset[str]:
        """Keys of those held."""
        return frozenset(identity for identity, _ in self.held)

    def without(self, action: str) -> frozenset[str]:
        """Those that an action did not bring."""
        return frozenset(identity for identity, by in self.held if by != action)


class Removal:
    """A copy of a graph from which edges are taken. is_over: Overloaded when it says that the time is up."""

    def __init__(self, session: SessionHeld, is_over: Callable[[], bool]) -> None:
        self.estate = Estate()
        self.estate.load("all", session.estate.nodes(), session.estate.edges(), replace=True)
        for key, labels in session.estate.relabelled().items():
            self.estate.relabel(key, labels)
        self.rights = Rights(self.estate)
        self.gains = Gains(session.ruleset, self.estate, self.rights)
        self._is_over = is_over

    @contextmanager
    def without(self, edges: Iterable[EdgeTriple]) -> Iterator[None]:
        """The graph without some edges, for a while."""
        if self._is_over():
            raise Overloaded("what the completion hung on takes too long to say; ask `explore what-if`")
        gone = list(edges)
        held = [self.estate.out(kind, start)[end] for kind, start, end in gone]
        self.estate.amend("all", remove=gone)
        try:
            yield
        finally:
            self.estate.amend("all", add=held)

    def removable(self, identities: Iterable[str], kinds: Sequence[str]) -> tuple[EdgeTriple, ...]:
        """Edges of some kinds that lead on from identities and what they belong to, and that somebody could take back."""
        return tuple(
            dict.fromkeys(
                edge
                for identity in identities
                for holder in self.estate.holders(identity)
                for kind in kinds
                for end in self.estate.out(kind, holder)
                if is_removable(self.estate, edge := (kind, holder, end))
            )
        )


def carried_by(
    stands: Stands, candidates: tuple[EdgeTriple, ...]
) -> tuple[tuple[EdgeTriple, ...], tuple[EdgeTriple, ...]]:
    """Edges each of which it does not stand without, and the fewest that it does not stand without; () where there are none.

    NotSupported without scipy where no single edge is a repair.
    """
    if stands(candidates):
        return (), ()
    # An edge that is needed is in every set that is enough, so one such set is enough to look at.
    shown = _enough(stands, candidates, ())
    single = tuple(edge for edge in candidates if edge in shown and not stands((edge,)))
    return single, single[:1] or (_repair(stands, candidates, shown) if shown else ())


def earlier_of(completion: Completion, is_needed: Callable[[str], bool]) -> tuple[str, ...]:
    """The earlier actions of a path that were needed."""
    last = completion.path[-1].action
    path = dict.fromkeys(step.action for step in completion.path if step.action != last)
    return tuple(filter(is_needed, path))


def _repair(
    stands: Stands, candidates: tuple[EdgeTriple, ...], shown: frozenset[EdgeTriple]
) -> tuple[EdgeTriple, ...]:
    sets = [shown]
    while True:
        chosen = hitting_set(sets, candidates, seconds=_SOLVE_S).chosen
        if not stands(chosen):
            return chosen
        sets.append(_enough(stands, candidates, chosen))


def _enough(
    stands: Stands, candidates: tuple[EdgeTriple, ...], without: tuple[EdgeTriple, ...]
) -> frozenset[EdgeTriple]:
    """Edges, none of `without`, that are enough and of which none can be left out."""
    gone = set(without)
    size = len(candidates)
    while size:
        left = [edge for edge in candidates if edge not in gone]
        for begin in range(0, len(left), size):
            fewer = gone.union(left[begin : begin + size])
            if stands(fewer):
                gone = fewer
        size //= 2
    return frozenset(candidates) - gone
