"""The smallest set that takes something out of each of some sets, with a proven bound: a minimum hitting set.

Solved as an integer program by HiGHS (scipy), which is exact and says how far it came when time runs out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Generic, TypeVar

from graphsvc.errors import NotSupported

__all__ = ["Hitting", "hitting_set"]

T = TypeVar("T")
_SLACK = 1e-6


@dataclass(frozen=True, slots=True)
class Hitting(Generic[T]):
    """chosen: meets every set. at_least: no set with fewer elements does."""

    chosen: tuple[T, ...]
    at_least: int


def hitting_set(sets: Sequence[frozenset[T]], order: Iterable[T], *, seconds: float) -> Hitting[T]:
    """sets: none of them empty. order: all elements, the preferred ones first among equals.

    NotSupported without scipy.
    """
    try:
        import numpy as np
        from scipy.optimize import Bounds, LinearConstraint, milp
        from scipy.sparse import csr_array
    except ImportError:
        raise NotSupported("cuts need the extra `explore`: pip install 'graphsvc[explore]'") from None
    used = frozenset().union(*sets)
    elements = [each for each in order if each in used]
    place = {each: number for number, each in enumerate(elements)}
    rows = [row for row, each in enumerate(sets) for _ in each]
    columns = [place[element] for each in sets for element in each]
    matrix = csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(sets), len(elements)))
    # Among equally small ones the preferred: the whole of these shares stays below one element.
    costs = 1 + np.arange(len(elements)) / (2.0 * max(1, len(elements)) ** 2)
    found = milp(
        costs,
        constraints=LinearConstraint(matrix, lb=1),
        integrality=np.ones(len(elements)),
        bounds=Bounds(0, 1),
        options={"time_limit": max(0.1, seconds)},
    )
    if found.x is None:
        # Not even a first one within the time: everything in sight, and nothing is proven but one.
        return Hitting(_greedy(sets, elements), 1)
    chosen = tuple(each for each, value in zip(elements, found.x, strict=True) if value > 0.5)
    bound = found.mip_dual_bound if found.mip_dual_bound is not None else 1.0
    # The shares above raise the bound by less than one half.
    return Hitting(chosen, max(1, min(len(chosen), ceil(bound - 0.5 - _SLACK))))


def _greedy(sets: Sequence[frozenset[T]], elements: Sequence[T]) -> tuple[T, ...]:
    left, chosen = list(sets), []
    while left:
        best = max(elements, key=lambda each: sum(each in one for one in left))
        chosen.append(best)
        left = [each for each in left if best not in each]
    return tuple(chosen)
