"""Risk signals about identities: they raise the score, and decay."""

from __future__ import annotations

import math
from collections.abc import Iterable

import msgspec

__all__ = ["Signal", "Signals", "cause_of", "is_from"]


class Signal(msgspec.Struct, frozen=True, gc=False):
    """A warning: weight 0..1 at at_ms, half of it after every half_life_ms."""

    at_ms: int
    weight: float
    half_life_ms: int
    cause: str = ""

    def micros(self, at_ms: int) -> int:
        """Contribution to the score at a time, see `score`."""
        weight = min(self.weight, 0.999999) * 2.0 ** (-max(0, at_ms - self.at_ms) / self.half_life_ms)
        return round(-1_000_000 * math.log1p(-weight))


def cause_of(kind: str, sender: str, name: str) -> str:
    """The cause of a signal that an event of somebody else left. name: of the event."""
    return f"{kind} ({sender} {name})"


def is_from(cause: str, sender: str) -> bool:
    """True for the cause of a signal that an event of this sender left."""
    return cause.endswith(")") and f" ({sender} " in cause


class Signals:
    """Signals by identity; changed only by folding records."""

    def __init__(self) -> None:
        self.by_identity: dict[str, list[Signal]] = {}

    def __bool__(self) -> bool:
        return bool(self.by_identity)

    def add(self, identity: str, signal: Signal) -> None:
        """A signal begins to count; those that have faded are forgotten."""
        held = self.by_identity.get(identity, ())
        self.by_identity[identity] = [*(one for one in held if one.micros(signal.at_ms)), signal]

    def lower(self, identity: str, sender: str, before_ms: int) -> None:
        """What a sender of security events warned of before a time counts no more; its name stands in the cause."""
        held = self.by_identity.get(identity)
        if held is not None:
            left = [one for one in held if one.at_ms >= before_ms or not is_from(one.cause, sender)]
            if left:
                self.by_identity[identity] = left
            else:
                del self.by_identity[identity]

    def micros(self, identities: Iterable[str], at_ms: int) -> int:
        """Contribution of all signals about these identities; each is a risk of its own."""
        return sum(
            signal.micros(at_ms) for identity in identities for signal in self.by_identity.get(identity, ())
        )
