"""Risk signals about identities: they raise the score, and decay."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from graphsvc.core.estate import Estate
    from graphsvc.core.known import Parties

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

    def micros(self, who: Parties, estate: Estate, at_ms: int) -> int:
        """Contribution of all signals about these parties, linked accounts too; each is a risk of its own."""
        told = who.memo.told_of
        if told is None or told[0] != estate.parties.turn:
            told = who.memo.told_of = (estate.parties.turn, _names(who, estate))
        get = self.by_identity.get
        return sum([signal.micros(at_ms) for name in told[1] for signal in get(name, ())])


def _names(who: Parties, estate: Estate) -> tuple[str, ...]:
    """Names under which signals may have been told of the parties: by now they mean one of them."""
    accounts = [key for person in who.principals for key in estate.accounts(f"identity:{person}")]
    # A name that nobody had when its signal came may be somebody's alias today.
    names = [name for key in accounts for name in (key[9:], *estate.aliases(key))]
    return tuple([name for name in dict.fromkeys(names) if estate.resolve(name)[1] in who.principals])
