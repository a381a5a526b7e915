"""One action judged against every pattern that can concern it: what it completes and what it would change.

INVARIANT: everything is read as it was before the action; nothing here writes into the state. What would
change is collected in an `Advance`, scope by scope, and becomes state only if the action is history.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec
from immutables import Map

from graphsvc.core.event import Event
from graphsvc.core.part import Guard, Lookup, Places, Reset, Values, slot_at
from graphsvc.core.pattern import CompiledGuard, CompiledPattern
from graphsvc.core.state import (
    DATA_SCOPE,
    Cells,
    Front,
    Levels,
    Register,
    Registers,
    Scope,
    Slot,
    StateView,
)

__all__ = ["Advance", "Match", "advance_guard", "advance_reset", "is_guarded", "scopes_of"]

_NO_CELLS: Cells = Map()
# Cannot be written to: changes go through the methods of `Advance`.
_UNCHANGED: Any = MappingProxyType({})


class Match(msgspec.Struct, frozen=True, gc=False):
    """A completed pattern: the scope instance, the key, and one witness of every top.

    counted: for counting patterns the actions counted, oldest first, this one last.
    """

    pattern: CompiledPattern
    scope: str
    key: dict[str, str]
    tops: tuple[Register, ...] = ()
    counted: tuple[str, ...] = ()


class Advance(msgspec.Struct, gc=False, eq=False):
    """What is known of the action being judged, and what it would change and complete.

    front: what lies before it; before: its registers by track, see `dispatch`; reached: bits of plain patterns. scopes: those it lies
    in as they are; held: its session's. cells, levels: changes by scope. own: registers that it reaches itself, by
    track; bits, best: the same of plain patterns, and how near its session comes by them. cut: slots of
    registers that it cuts (rule R15), by track. foreign: changes of everybody's guards. unseen: patterns that it may complete
    with an earlier action whose key was not kept.
    """

    event: Event
    live: Event
    values: Values
    front: Front
    before: tuple[Registers, ...]
    reached: int
    scopes: dict[str, Scope | None]
    session: str
    held: Scope
    view: StateView
    bits: int = 0
    matches: list[Match] | tuple[()] = ()
    # Most actions change next to nothing, and seven empty values would be a quarter of a microsecond.
    cells: dict[str, dict[Slot, Any]] = _UNCHANGED
    levels: dict[str, dict[int, Levels]] = _UNCHANGED
    own: dict[int, dict[Slot, Register]] = _UNCHANGED
    best: dict[int, int] = _UNCHANGED
    cut: dict[int, list[Slot]] = _UNCHANGED
    foreign: dict[str, Any] = _UNCHANGED
    unseen: list[CompiledPattern] | tuple[()] = ()

    def scope(self, name: str) -> Scope | None:
        """A scope before the action."""
        if name in self.scopes:
            return self.scopes[name]
        found: Scope | None = self.view.get(name)
        self.scopes[name] = found
        return found

    def cells_of(self, scope: str) -> Cells:
        """The cells of a scope before the action."""
        held = self.scopes.get(scope) or self.scope(scope)
        return held.cells if held is not None else _NO_CELLS

    def complete(self, match: Match) -> None:
        """The action completes a pattern."""
        if not self.matches:
            self.matches = []
        self.matches.append(match)

    def may_complete(self, pattern: CompiledPattern) -> None:
        """The action completes a pattern if an earlier one, whose key was not kept, has the key for it."""
        if not self.unseen:
            self.unseen = []
        self.unseen.append(pattern)

    def set_cell(self, scope: str, slot: Slot, value: object) -> None:
        """Change a cell."""
        if not self.cells:
            self.cells = {}
        self.cells.setdefault(scope, {})[slot] = value

    def set_levels(self, scope: str, pattern: int, levels: Levels) -> None:
        """Change how far a pattern of a scope has come."""
        if not self.levels:
            self.levels = {}
        self.levels.setdefault(scope, {})[pattern] = levels

    def set_best(self, pattern: int, bits: int) -> None:
        """Change how far a plain pattern of the session has come."""
        if not self.best:
            self.best = {}
        self.best[pattern] = bits

    def set_own(self, track: int, slot: Slot, register: Register) -> None:
        """The action reaches a register."""
        if not self.own:
            self.own = {}
        self.own.setdefault(track, {})[slot] = register

    def add_cut(self, track: int, slots: Iterable[Slot]) -> None:
        """The action cuts registers."""
        if not self.cut:
            self.cut = {}
        self.cut.setdefault(track, []).extend(slots)

    def set_foreign(self, cell: str, value: object) -> None:
        """Change everybody's guards of a pattern."""
        if not self.foreign:
            self.foreign = {}
        self.foreign[cell] = value

    def epoch(self, scope: str, resets: tuple[Lookup, ...], *, after: bool) -> int:
        """How many resets an edge has seen. after: the action's own among them (rule R16)."""
        cells = self.cells_of(scope)
        changed = self.cells.get(scope) if after else None
        total = 0
        for reset in resets:
            slot = slot_at(reset, self.values)
            own = changed.get(slot) if changed is not None else None
            total += cells.get(slot, 0) if own is None else own
        return total

    def levels_of(self, scope: str) -> Mapping[int, Levels]:
        """How far the patterns of a scope had come."""
        held = self.scopes.get(scope) or self.scope(scope)
        return held.levels if held is not None else {}


def scopes_of(pattern: CompiledPattern, event: Event, session: str) -> tuple[str, ...]:
    """Names of the scope instances that the action belongs to for a pattern (rule R22)."""
    if pattern.scope == "session":
        return (session,)
    if pattern.scope == "data":
        return (DATA_SCOPE,)
    if pattern.principal == "root":
        return (event.who.root_cell,)
    return event.who.cells if pattern.principal == "any" else (event.who.actor_cell,)


def advance_reset(offer: Reset, advance: Advance) -> None:
    """The action cuts an edge of its scope: counted, so that older registers can be told (rule R16)."""
    if offer.matches(advance.event, advance.live, advance.values):
        slot = slot_at(offer.cell, advance.values)
        for scope in scopes_of(offer.pattern, advance.event, advance.session):
            held = advance.cells_of(scope).get(slot, 0)
            advance.set_cell(scope, slot, held + 1)


def advance_guard(offer: Guard, advance: Advance) -> None:
    """The action may stand as a guard from now on (rule R14)."""
    event, guard = advance.event, offer.guard
    for slot in _guard_slots(offer, advance):
        if guard.by == "same":
            for scope in scopes_of(offer.pattern, event, advance.session):
                advance.set_cell(scope, slot, event.at_ms)
            continue
        # Whose it was decides later whether it counts, so the newest time of each root is kept.
        cell = f"u:{offer.pattern.id}"
        held: Map[Slot, Map[str, int]] = advance.foreign.get(cell) or advance.view.get(cell) or Map()
        times = held.get(slot) or Map()
        advance.set_foreign(cell, held.set(slot, times.set(event.who.root, event.at_ms)))


def _guard_slots(offer: Guard, advance: Advance) -> list[Slot]:
    event, guard = advance.event, offer.guard
    variables = guard.matcher.variables
    found: list[Slot] = []
    if event.reviewed is None or not variables:
        if event.reviewed is not None and not _tests_hold(offer, event):
            return []
        if event.reviewed is None and not offer.matches(event, advance.live, advance.values):
            return []
        return [slot_at((guard.slot, offer.key), advance.values)]
    if not _tests_hold(offer, event):
        return []
    # An approval takes the values of the request it approved, by every step that request fits.
    reviewed, pattern = event.reviewed, offer.pattern
    matchers = [step.matcher for step in pattern.steps]
    if pattern.count is not None:
        matchers.append(pattern.count.matcher)
    for matcher in matchers:
        values = matcher.key_values(reviewed)
        if values is not None and values.keys() >= set(variables) and matcher.holds(reviewed):
            found.append((guard.slot, *[values[name] for name in variables]))
    return list(dict.fromkeys(found))


def _tests_hold(offer: Guard, event: Event) -> bool:
    return all(test(event) for test in offer.matcher.tests)


def is_guarded(
    pattern: CompiledPattern,
    guards: tuple[tuple[CompiledGuard, Places], ...],
    scope: str,
    advance: Advance,
) -> bool:
    """True when a guard stands at the action for these key values (rule R14)."""
    at_ms, values = advance.event.at_ms, advance.values
    for guard, places in guards:
        slot = slot_at((guard.slot, places), values)
        oldest_ms = at_ms - guard.within_ms if guard.within_ms is not None else None
        if guard.by == "same":
            at = advance.cells_of(scope).get(slot)
            if at is not None and (oldest_ms is None or at >= oldest_ms):
                return True
            continue
        everybody: Map[Slot, Map[str, int]] | None = advance.view.get(f"u:{pattern.id}")
        times = everybody.get(slot) if everybody is not None else None
        for root, at in times.items() if times is not None else ():
            counts = guard.by == "anyone" or root not in advance.event.principals
            if counts and (oldest_ms is None or at >= oldest_ms):
                return True
    return False
