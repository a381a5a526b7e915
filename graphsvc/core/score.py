"""The risk score: how far harm has come, as exact integers.

A pattern with m of its steps missing contributes x = sigma * q^m; within one class of harm only the
largest counts, classes combine by noisy-or: risk = 1 - product(1 - x). Added up as micros of
-ln(1 - x), which are integers, the order of summing is irrelevant and replicas agree to the bit.
sigma and q are priors, not frequencies, and noisy-or assumes independence.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from graphsvc.core.value import Json

__all__ = ["Weights", "as_score", "micros_by_missing", "threshold_micros", "weights_from"]

_SIGMA = {"low": 0.1, "medium": 0.3, "high": 0.6, "critical": 0.9}


@dataclass(frozen=True, slots=True)
class Weights:
    """sigma: weight of a completed pattern by severity; q: chance that a missing step follows."""

    sigma: dict[str, float] = field(default_factory=lambda: dict(_SIGMA))
    q: float = 0.5


def weights_from(sections: Iterable[dict[str, Json]]) -> Weights:
    """Defaults overlaid by `score:` sections of packs, later ones last."""
    sigma, q = dict(_SIGMA), 0.5
    for section in sections:
        given = section.get("sigma")
        if isinstance(given, dict):
            sigma |= {
                name: float(x) for name, x in given.items() if name in sigma and isinstance(x, int | float)
            }
        if isinstance(section.get("q"), int | float):
            q = float(section["q"])  # type: ignore[arg-type]  # just checked
    return Weights(sigma, q)


def micros_by_missing(weights: Weights, severity: str) -> tuple[int, ...]:
    """Contribution of a pattern under way by the number of steps still missing, 0 (complete) to 63."""
    sigma = min(weights.sigma[severity], 0.999999)
    return tuple(round(-1_000_000 * math.log1p(-sigma * weights.q**missing)) for missing in range(64))


def as_score(micros: int) -> float:
    """Micros as a score from 0 to 1, six digits."""
    # Adding zero turns the -0.0 of no risk into 0.0.
    return round(-math.expm1(-micros / 1_000_000), 6) + 0.0


def threshold_micros(score: float) -> int:
    """The micros that reach a threshold: what a completed pattern of that weight contributes, rounded alike."""
    return round(-1_000_000 * math.log1p(-min(score, 0.999999)))
