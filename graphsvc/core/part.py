"""The parts of patterns that an action may be: steps, counters, guards, resets, sanitizers, as dispatch finds them.

A part knows what is left to ask of an event before it matches, and where the values of its key come from.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from graphsvc.core.event import Event
from graphsvc.core.pattern import (
    CompiledCount,
    CompiledCut,
    CompiledGuard,
    CompiledPattern,
    CompiledStep,
    Matcher,
)
from graphsvc.core.state import Slot

__all__ = [
    "CAUSAL",
    "CAUSAL_DATA",
    "FLOW",
    "FLOW_DATA",
    "LOG",
    "Concerned",
    "Counter",
    "Cut",
    "Guard",
    "Lookup",
    "Offer",
    "Part",
    "Places",
    "Plain",
    "Reset",
    "Tree",
    "Values",
    "slot_at",
]

# Where a pattern's registers are: in the scope, or in one of the four parts of a front.
LOG, CAUSAL, FLOW, CAUSAL_DATA, FLOW_DATA = range(5)

# Values of all key expressions of an action's parts for one event; None = missing.
Values: TypeAlias = list[str | None]
# Which of the values make up a key.
Places: TypeAlias = tuple[int, ...]
# A slot with the places of its key.
Lookup: TypeAlias = tuple[int, Places]


def slot_at(lookup: Lookup, values: Values) -> Slot:
    """The slot of these key values."""
    slot, places = lookup
    return (slot, *[values[place] for place in places]) if places else slot


@dataclass(frozen=True, slots=True)
class Part:
    """What is left to ask of an event before a part of a pattern matches it."""

    matcher: Matcher
    key: Places
    is_free: bool = field(init=False)

    def __post_init__(self) -> None:
        # Nothing is left to ask: most steps, so it is worth knowing.
        object.__setattr__(self, "is_free", not (self.matcher.tests or self.matcher.live or self.key))

    def matches(self, event: Event, live: Event, values: Values) -> bool:
        """True when every test holds and no key value is missing (rule R18)."""
        judged = event
        if self.matcher.live:
            judged = live
            if self.matcher.labels is not None and not self.matcher.labels(live.labels):
                return False
        for test in self.matcher.tests:
            if not test(judged):
                return False
        for place in self.key:  # noqa: SIM110  a loop costs half of a generator
            if values[place] is None:
                return False
        return True


@dataclass(frozen=True, slots=True)
class Offer(Part):
    """A step that the action may be. named: variables and places of its key.

    own: its register; top: its register as a top beside others. children: what must have come before, with the
    resets of the edge. resets: of its own edge. guards: of the pattern, by their keys.
    """

    step: CompiledStep
    named: tuple[tuple[str, int], ...]
    own: Lookup
    top: Lookup
    children: tuple[tuple[Lookup, tuple[Lookup, ...]], ...]
    resets: tuple[Lookup, ...]
    guards: tuple[tuple[CompiledGuard, Places], ...]


@dataclass(frozen=True, slots=True)
class Tree:
    """A pattern of steps with those of its steps that the action may be. track: where its registers are."""

    pattern: CompiledPattern
    offers: tuple[Offer, ...]
    track: int


@dataclass(frozen=True, slots=True)
class Plain:
    """A step of a plain pattern (see `mark`) that the action may be. bit: its own; need: of the steps before it; is_free: see `Part`."""

    pattern: CompiledPattern
    offer: Offer
    bit: int
    need: int
    is_free: bool


@dataclass(frozen=True, slots=True)
class Counter(Part):
    """A counting pattern that may count the action."""

    pattern: CompiledPattern
    count: CompiledCount
    named: tuple[tuple[str, int], ...]
    cell: Lookup
    guards: tuple[tuple[CompiledGuard, Places], ...]


@dataclass(frozen=True, slots=True)
class Guard(Part):
    """A guard of a pattern that the action may be."""

    pattern: CompiledPattern
    guard: CompiledGuard


@dataclass(frozen=True, slots=True)
class Reset(Part):
    """A reset that the action may be."""

    pattern: CompiledPattern
    cell: Lookup


@dataclass(frozen=True, slots=True)
class Cut(Part):
    """A sanitizer that the action may be. named: variables and places of its key."""

    pattern: CompiledPattern
    cut: CompiledCut
    named: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Concerned:
    """The parts that an action with certain labels may concern.

    trees: all of them. plain, finishing: steps of plain patterns, and those of them that are tops; bits: of all of
    `plain`, so that when they are reached nothing but finishing is left to ask; near: of all steps of their patterns, of those
    that count for the risk. rich: the other trees.
    moves: there is anything but plain patterns.
    """

    trees: tuple[Tree, ...] = ()
    counters: tuple[Counter, ...] = ()
    guards: tuple[Guard, ...] = ()
    resets: tuple[Reset, ...] = ()
    cuts: tuple[Cut, ...] = ()
    rich: tuple[Tree, ...] = field(init=False)
    plain: tuple[Plain, ...] = field(init=False)
    finishing: tuple[Plain, ...] = field(init=False)
    bits: int = field(init=False)
    near: int = field(init=False)
    moves: bool = field(init=False)

    def __post_init__(self) -> None:
        every = [
            _plain(tree.pattern, offer) for tree in self.trees if tree.pattern.bits for offer in tree.offers
        ]
        plain = tuple(each for each in every if each.offer.step.successor >= 0)
        bits = near = 0
        for each in plain:
            bits |= each.bit
            if each.pattern.counts_for_risk:
                near |= each.pattern.bits
        rich = tuple(tree for tree in self.trees if not tree.pattern.bits)
        moves = bool(rich or self.counters or self.guards or self.resets or self.cuts)
        finishing = tuple(each for each in every if each.offer.step.successor < 0)
        for name, value in (
            ("rich", rich), ("plain", plain), ("finishing", finishing), ("bits", bits), ("near", near), ("moves", moves)
        ):  # fmt: skip
            object.__setattr__(self, name, value)


def _plain(pattern: CompiledPattern, offer: Offer) -> Plain:
    step = offer.step
    need = sum(pattern.steps[child].bit for child, _ in step.children)
    return Plain(pattern, offer, step.bit, need, offer.is_free)
