"""Without which grant a combination of rights that a session came to hold would not exist, and the smallest repair.

Memberships and grants are looked at: those of the identities held, and of those that rules give. Trusts stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from graphsvc.core.estate import NESTED
from graphsvc.core.gain.closure import Firing
from graphsvc.core.gain.holding import faces
from graphsvc.core.glob import matcher
from graphsvc.core.policy.pattern import Right
from graphsvc.core.record import Granted
from graphsvc.core.verdict import Completion
from graphsvc.explore.counterfactual import (
    Counterfactual,
    EdgeTriple,
    StepRight,
    hangs_on,
    smallest_cut,
    ways_over,
)
from graphsvc.explore.removal import Removal, SessionHeld, carried_by, earlier_of

__all__ = ["of_combination"]


class _Trial:
    """Whether the combination is still there in a graph from which edges are taken."""

    def __init__(self, completion: Completion, session: SessionHeld, is_over: Callable[[], bool]) -> None:
        self.removal = Removal(session, is_over)
        self._session = session
        closure = self.removal.gains.closure(session.identities, session.granted)
        self._holders = sorted(session.identities | closure.gained.keys())
        self.firing = next(filter(lambda each: _is_of(each, completion), closure.firings.values()), None)

    def stands(self, without: Iterable[EdgeTriple] = (), grant: Granted | None = None) -> bool:
        """Whether it is there without some edges, and without a situational grant."""
        if self.firing is None:
            return False
        with self.removal.without(without):
            granted = [each for each in self._session.granted if each is not grant]
            return self.firing.key in self.removal.gains.closure(self._session.identities, granted).firings

    def needs(self, action: str) -> bool:
        """Whether it is not there without the identities that an action brought."""
        closure = self.removal.gains.closure(self._session.without(action), self._session.granted)
        return self.firing is None or self.firing.key not in closure.firings

    def candidates(self) -> tuple[EdgeTriple, ...]:
        """Memberships and grants of whoever it may rest on that somebody could take back."""
        return self.removal.removable(self._holders, (*NESTED, "GRANTED"))


def of_combination(
    completion: Completion, session: SessionHeld, *, is_over: Callable[[], bool] = lambda: False
) -> Counterfactual:
    """single, repair and grants are of the combination with the values of its key; steps: who held which right of it, and how.

    Overloaded when `is_over` says that the time is up; NotSupported without scipy where no single edge is a repair.
    """
    trial = _Trial(completion, session, is_over)
    firing = trial.firing
    earlier = earlier_of(completion, trial.needs)
    if firing is None:
        return Counterfactual(completion.pattern, (), earlier, of_rights=((), (), ()))
    grants = tuple(grant.id for grant in session.granted if not trial.stands(grant=grant))
    single, repair = carried_by(trial.stands, trial.candidates())
    steps = tuple(_held_rights(trial, firing, session))
    return Counterfactual(completion.pattern, steps, earlier, of_rights=(single, repair, grants))


def _held_rights(trial: _Trial, firing: Firing, session: SessionHeld) -> Iterator[StepRight]:
    binding = dict(firing.binding)
    for right in firing.rule.rights.all_of:
        on = right.on
        key = None if on is None else binding[on[1:]] if on.startswith("$") else f"resource:{on}"
        for identity, action in session.held:
            ways = ways_over(identity, _allowing(trial, identity, right, key), trial.removal.estate)
            given = [] if ways else _given(session, identity, right, key)
            if ways or given:
                yield StepRight(
                    f"holds {identity.partition(':')[2]}",
                    action,
                    " or ".join(right.right),
                    identity.partition(":")[2],
                    hangs_on(ways, identity),
                    smallest_cut(ways, identity),
                    given[0] if len(given) == 1 else None,
                )


def _allowing(trial: _Trial, identity: str, right: Right, key: str | None) -> set[str]:
    """Permissions of an identity that say it holds the right; all there are where it is held on anything."""
    places = [place for face in _faces(key) for place in trial.removal.estate.places(face)]
    return {
        each.key
        for each in trial.removal.rights.permissions(identity)
        if not each.deny and any(map(each.speaks_of, right.right)) and (key is None or each.covers(places))
    }


def _given(session: SessionHeld, identity: str, right: Right, key: str | None) -> list[str]:
    names = [face.removeprefix("resource:") for face in _faces(key)]
    return [
        grant.id
        for grant in session.granted
        if f"identity:{grant.identity}" == identity
        and any(map(matcher(grant.actions), right.right))
        and (key is None or any(map(matcher(grant.resources), names)))
    ]


def _faces(key: str | None) -> tuple[str, ...]:
    return () if key is None else faces(key) if key.startswith("identity:") else (key,)


def _is_of(firing: Firing, completion: Completion) -> bool:
    # Of variables that do not tell firings apart another witness may have been found.
    told = ((name, value.partition(":")[2]) for name, value in firing.key[1])
    return firing.rule.pattern.id == completion.pattern and all(
        completion.key[name] == value for name, value in told
    )
