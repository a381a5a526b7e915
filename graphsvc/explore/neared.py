"""Without which grant, membership or trust a session would not have come near a tier, and the smallest repair."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from graphsvc.core.estate import NESTED
from graphsvc.core.policy.pattern import ReachPattern
from graphsvc.core.verdict import Completion
from graphsvc.explore.counterfactual import Counterfactual, EdgeTriple, StepRight
from graphsvc.explore.removal import Removal, SessionHeld, carried_by, earlier_of

__all__ = ["of_reach"]

_KINDS = (*NESTED, "GRANTED", "CAN_ASSUME")


class _Nearness:
    """Whether identities are as near as a pattern minds, in a graph from which edges are taken."""

    def __init__(self, removal: Removal, written: ReachPattern) -> None:
        self._removal = removal
        self._written = written

    def stands(self, held: frozenset[str], without: Iterable[EdgeTriple] = ()) -> bool:
        with self._removal.without(without):
            reach, written = self._removal.gains.reach, self._written
            return reach.distance(held, written.tier, written.nearer_than) is not None

    def carried_by(self, held: frozenset[str]) -> tuple[tuple[EdgeTriple, ...], tuple[EdgeTriple, ...]]:
        """The single edges and the fewest together on which it hangs."""
        return carried_by(lambda without: self.stands(held, without), self._candidates(held))

    def _candidates(self, held: frozenset[str]) -> tuple[EdgeTriple, ...]:
        removal = self._removal
        met = sorted(removal.gains.reach.met(held, self._written.nearer_than))
        # A rule may ask whom a role trusts.
        trusts = {start for identity in met for start in removal.estate.into("CAN_ASSUME", identity)}
        return tuple(
            dict.fromkeys(
                (*removal.removable(met, _KINDS), *removal.removable(sorted(trusts), ("CAN_ASSUME",)))
            )
        )


def of_reach(
    completion: Completion,
    written: ReachPattern,
    session: SessionHeld,
    *,
    is_over: Callable[[], bool] = lambda: False,
) -> Counterfactual:
    """single, repair: edges without which the session stays as far as the pattern wants; steps: who of it is near by itself.

    Situational grants bring nobody nearer, so there are never any. Overloaded when `is_over` says that the time is up;
    NotSupported without scipy where no single edge is a repair.
    """
    nearness = _Nearness(Removal(session, is_over), written)
    single, repair = nearness.carried_by(session.identities)
    earlier = earlier_of(completion, lambda action: not nearness.stands(session.without(action)))
    steps = tuple(_near(nearness, written, session))
    return Counterfactual(completion.pattern, steps, earlier, of_rights=(single, repair, ()))


def _near(nearness: _Nearness, written: ReachPattern, session: SessionHeld) -> Iterator[StepRight]:
    for identity, action in session.held:
        alone = frozenset((identity,))
        if nearness.stands(alone):
            name = identity.partition(":")[2]
            single, repair = nearness.carried_by(alone)
            yield StepRight(f"holds {name}", action, f"reach {written.tier}", name, single, repair)
