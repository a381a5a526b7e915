"""What got worse between two states of an estate, and what got better."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from graphsvc.explore.combination import Combination, combinations
from graphsvc.explore.estate_view import EstateView

__all__ = ["Comparison", "compare"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """appears, vanishes: combinations that are new or give more, that are gone or give less.

    joined, left: identities that were not there before, that are no more. raised, lowered: whoever holds every right
    now and did not, and the other way round.
    """

    appears: tuple[Combination, ...]
    vanishes: tuple[Combination, ...]
    joined: tuple[str, ...]
    left: tuple[str, ...]
    raised: tuple[str, ...]
    lowered: tuple[str, ...]

    @property
    def is_worse(self) -> bool:
        """True when something appeared or somebody came to hold every right."""
        return bool(self.appears or self.raised)


def compare(before: EstateView, after: EstateView) -> Comparison:
    """Both with the same packs; combinations of those who hold everything count as that alone."""
    was, now = _found(before), _found(after)
    had, have = _everything(before), _everything(after)
    people, them = set(before.identities()), set(after.identities())
    return Comparison(
        appears=tuple(each for key, each in now.items() if gives_more(was.get(key), each) and f"identity:{key[0]}" not in had),
        vanishes=tuple(each for key, each in was.items() if gives_more(now.get(key), each) and f"identity:{key[0]}" not in have),
        joined=_names(them - people),
        left=_names(people - them),
        raised=_names(have - had),
        lowered=_names(had - have),
    )  # fmt: skip


def gives_more(other: Combination | None, one: Combination) -> bool:
    """True when one is there and the other is not, or gives less, or was less sure."""
    if other is None:
        return True
    return not set(one.values) <= set(other.values) or (one.certainty == "yes" != other.certainty)


def _found(view: EstateView) -> dict[tuple[str, str], Combination]:
    return {(each.identity, each.pattern): each for each in combinations(view, view.identities())}


def _everything(view: EstateView) -> set[str]:
    return {identity for identity in view.identities() if view.has_everything(identity)}


def _names(keys: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(key.removeprefix("identity:") for key in keys))
