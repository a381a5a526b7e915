"""Without which grant a combination of rights that a session came to hold would not exist, and the smallest repair.

Memberships and grants are looked at: those of the identities held, and of those that rules give. Whether a set of
them is enough is asked of the rules themselves, over a copy of the graph; the smallest repair is an implicit hitting set
as in `cut`: each round shows one more set of edges that gives the combination by itself. Denies, caps, trusts,
credentials and conditions stay as they are; where a membership brings a denial too, a smaller repair may exist.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from graphsvc.core.estate import NESTED, Estate
from graphsvc.core.gain.closure import Firing
from graphsvc.core.gain.gains import Gains, HeldBy
from graphsvc.core.gain.holding import faces
from graphsvc.core.glob import matcher
from graphsvc.core.policy.pattern import Right
from graphsvc.core.record import Granted
from graphsvc.core.rights import Rights
from graphsvc.core.ruleset import Ruleset
from graphsvc.core.verdict import Completion
from graphsvc.errors import Overloaded
from graphsvc.explore.counterfactual import (
    Counterfactual,
    EdgeTriple,
    StepRight,
    hangs_on,
    smallest_cut,
    ways_over,
)
from graphsvc.explore.estate_view import EstateView
from graphsvc.explore.hitting import hitting_set
from graphsvc.explore.witness import is_removable
from graphsvc.explore.worth import Worth

__all__ = ["Combined", "of_combination"]

_SOLVE_S = 10.0


@dataclass(frozen=True, slots=True)
class Combined:
    """What a session held when a combination was completed. held: with the action that brought each.

    granted: situational grants that counted.
    """

    held: HeldBy
    granted: tuple[Granted, ...]
    ruleset: Ruleset
    estate: Estate


class _Trial:
    """A copy of the graph from which edges are taken to see whether the combination is still there."""

    def __init__(self, completion: Completion, combined: Combined, is_over: Callable[[], bool]) -> None:
        self.estate = Estate()
        self.estate.load("all", combined.estate.nodes(), combined.estate.edges(), replace=True)
        for key, labels in combined.estate.relabelled().items():
            self.estate.relabel(key, labels)
        self.rights = Rights(self.estate)
        self._gains = Gains(combined.ruleset, self.estate, self.rights)
        self._held_by = combined.held
        self._held = frozenset(identity for identity, _ in combined.held)
        self._granted = combined.granted
        self._is_over = is_over
        closure = self._gains.closure(self._held, combined.granted)
        self.holders = sorted(self._held | closure.gained.keys())
        self.firing = next(filter(lambda each: _is_of(each, completion), closure.firings.values()), None)
        closures = self._gains.closures
        worth = Worth(self.estate)
        self._view = EstateView(self.estate, self.rights, combined.ruleset, closures, closures, worth)

    def stands(self, without: Iterable[EdgeTriple] = (), grant: Granted | None = None) -> bool:
        """Whether it is there without some edges, and without a situational grant."""
        if self._is_over():
            raise Overloaded("what the combination hung on takes too long to say; ask `explore what-if`")
        if self.firing is None:
            return False
        gone = list(without)
        edges = [self.estate.out(kind, start)[end] for kind, start, end in gone]
        self.estate.amend("all", remove=gone)
        try:
            granted = [each for each in self._granted if each is not grant]
            return self.firing.key in self._gains.closure(self._held, granted).firings
        finally:
            self.estate.amend("all", add=edges)

    def needs(self, action: str) -> bool:
        """Whether it is not there without the identities that an action brought."""
        held = frozenset(identity for identity, by in self._held_by if by != action)
        return self.firing is None or self.firing.key not in self._gains.closure(held, self._granted).firings

    def candidates(self) -> tuple[EdgeTriple, ...]:
        """Memberships and grants of whoever it may rest on that somebody could take back."""
        return tuple(
            dict.fromkeys(
                edge
                for identity in self.holders
                for holder in self.estate.holders(identity)
                for kind in (*NESTED, "GRANTED")
                for end in self.estate.out(kind, holder)
                if is_removable(self._view, edge := (kind, holder, end))
            )
        )


def of_combination(
    completion: Completion, combined: Combined, *, is_over: Callable[[], bool] = lambda: False
) -> Counterfactual:
    """single, repair and grants are of the combination with the values of its key; steps: who held which right of it, and how.

    Overloaded when `is_over` says that the time is up; NotSupported without scipy where no single edge is a repair.
    """
    trial = _Trial(completion, combined, is_over)
    firing = trial.firing
    last = completion.path[-1].action
    path = dict.fromkeys(step.action for step in completion.path if step.action != last)
    earlier = tuple(filter(trial.needs, path))
    if firing is None:
        return Counterfactual(completion.pattern, (), earlier, of_rights=((), (), ()))
    candidates = trial.candidates()
    grants = tuple(grant.id for grant in combined.granted if not trial.stands(grant=grant))
    # An edge that is needed is in every set that gives the combination, so one such set is enough to look at.
    shown = _enough(trial, candidates, ()) if not trial.stands(candidates) else frozenset()
    single = tuple(edge for edge in candidates if edge in shown and not trial.stands((edge,)))
    repair = single[:1] or (_repair(trial, candidates, shown) if shown else ())
    steps = tuple(_held_rights(trial, firing, combined))
    return Counterfactual(completion.pattern, steps, earlier, of_rights=(single, repair, grants))


def _repair(
    trial: _Trial, candidates: tuple[EdgeTriple, ...], shown: frozenset[EdgeTriple]
) -> tuple[EdgeTriple, ...]:
    sets = [shown]
    while True:
        chosen = hitting_set(sets, candidates, seconds=_SOLVE_S).chosen
        if not trial.stands(chosen):
            return chosen
        sets.append(_enough(trial, candidates, chosen))


def _enough(
    trial: _Trial, candidates: tuple[EdgeTriple, ...], without: tuple[EdgeTriple, ...]
) -> frozenset[EdgeTriple]:
    """Edges, none of `without`, that give the combination and of which none can be left out."""
    gone = set(without)
    size = len(candidates)
    while size:
        left = [edge for edge in candidates if edge not in gone]
        for begin in range(0, len(left), size):
            fewer = gone.union(left[begin : begin + size])
            if trial.stands(fewer):
                gone = fewer
        size //= 2
    return frozenset(candidates) - gone


def _held_rights(trial: _Trial, firing: Firing, combined: Combined) -> Iterator[StepRight]:
    binding = dict(firing.binding)
    for right in firing.rule.rights.all_of:
        on = right.on
        key = None if on is None else binding[on[1:]] if on.startswith("$") else f"resource:{on}"
        for identity, action in combined.held:
            ways = ways_over(identity, _allowing(trial, identity, right, key), trial.estate)
            given = [] if ways else _given(combined, identity, right, key)
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
    places = [place for face in _faces(key) for place in trial.estate.places(face)]
    return {
        each.key
        for each in trial.rights.permissions(identity)
        if not each.deny and any(map(each.speaks_of, right.right)) and (key is None or each.covers(places))
    }


def _given(combined: Combined, identity: str, right: Right, key: str | None) -> list[str]:
    names = [face.removeprefix("resource:") for face in _faces(key)]
    return [
        grant.id
        for grant in combined.granted
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
