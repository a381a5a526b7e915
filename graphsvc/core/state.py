"""Where every chain and every pattern instance stands: one flat mapping of immutable values.

Theory of operation. Everything the engine remembers of history lives in one dict. A judgement reads
it through `get` and returns what it would write as a delta; whoever owns the dict merges the delta
once the decision is durable. A batch is judged on an `Overlay`, which collects deltas above the dict
and is thrown away when the commit fails. Nothing is ever changed in place.

Keys begin with a letter that says what they hold:
  ("c", chain) -> ChainState                  ("e", action) -> Happened
  ("m", cell) -> newest time, ms              ("v", scope) -> Progress
  ("l", pattern, step, scope, key) -> Register   registers of log-ordered patterns
  ("t", pattern, step, scope, key) -> Register   newest start of each top of an AND root
  ("n", pattern, scope, key) -> counted values   ("g", pattern, guard, scope, key) -> guard times
Values are msgspec structs: a frozen dataclass of ten fields takes three microseconds to build, which is
most of what a decision may cost. Registers of happened-before patterns belong to a place, not a scope: they are `ChainState.head`.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Protocol

import msgspec

from graphsvc.core.value import Json

__all__ = ["ChainState", "Delta", "Happened", "Head", "Overlay", "Progress", "Register", "StateView"]


class Register(msgspec.Struct, frozen=True, gc=False):
    """The best match of a step's subtree: the one whose earliest event is latest.

    start_ms: time of its earliest event. action: the event of the step itself. children: the
    registers its earlier steps were taken from, so the whole match can be told without a search.
    """

    start_ms: int
    action: str
    step: int
    children: tuple[Register, ...] = ()


# Registers at a place of happened-before order, by (pattern, step, key values).
Head = Mapping[tuple[str, int, tuple[str, ...]], Register]


class ChainState(msgspec.Struct, frozen=True, gc=False):
    """A chain: its session, how many actions it has seen, and what lies before its next action."""

    session: str
    index: int = 0
    head: Head | None = None
    last_action: str | None = None
    parent: str | None = None
    spawned_from: str | None = None  # the parent's last action when this chain began
    closed: bool = False
    owner: str = ""
    shared_with: tuple[str, ...] = ()
    opened_ms: int = 0
    intent: Mapping[str, Json] | None = None
    used: bool = False  # an action or opening named it; False: only mentioned as a parent


class Happened(msgspec.Struct, frozen=True, gc=False):
    """An action that has its place in the orders. in_history: permitted and not taken back."""

    id: str
    seq: int
    chain: str
    session: str
    index: int
    at_ms: int
    subject: str
    action: str
    resource: str
    labels: frozenset[str]
    effects: frozenset[str]
    in_history: bool
    head: Head


class Progress(msgspec.Struct, frozen=True, gc=False):
    """How far the patterns of one scope have come: pattern -> newest start by steps reached (1..n).

    micros: contribution by class of harm as of the last change; due_ms: when a window ends next.
    """

    levels: Mapping[str, tuple[int | None, ...]]
    micros: Mapping[str, int]
    due_ms: int | None


Delta = dict[Hashable, object]


class StateView(Protocol):
    """Reading the state; a dict is one."""

    def get(self, key: Hashable, /) -> object | None:
        """The value, None when there is none."""


class Overlay:
    """Deltas on top of a state that stays as it is."""

    __slots__ = ("_base", "_own")

    def __init__(self, base: StateView) -> None:
        self._base = base
        self._own: Delta = {}

    def get(self, key: Hashable, /) -> object | None:
        """The newest value."""
        found = self._own.get(key)
        return found if found is not None else self._base.get(key)

    def merge(self, delta: Delta) -> None:
        """Put a delta on top."""
        self._own |= delta
