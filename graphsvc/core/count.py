"""Counting distinct values in a window (rules R17, R18): the newest of them decide exactly.

More than N distinct values lie in a window iff the N+1 values seen last do. So N+1 entries are kept, in the order
in which each value was seen last: `order` from the oldest number to the newest, `places` the number of each value.
A value seen again gets a new number; the gap it leaves is stepped over when the front moves on, so an action costs
a few look-ups however large N is.
"""

from __future__ import annotations

from typing import cast

import msgspec
from immutables import Map

from graphsvc.core.advance import Advance, Match, is_guarded, scopes_of
from graphsvc.core.event import Event
from graphsvc.core.part import Counter, slot_at
from graphsvc.core.pattern import CompiledCount, CompiledPattern
from graphsvc.core.progress import raised
from graphsvc.core.value import key_text

__all__ = ["Counted", "advance_count", "counting"]


class Counted(msgspec.Struct, frozen=True, gc=False):
    """The values seen last. first: no number below it is in use; end: the next number."""

    order: Map[int, tuple[str, int, str]] = Map()  # number -> value, time, action
    places: Map[str, int] = Map()
    first: int = 0
    end: int = 0

    @property
    def newest_ms(self) -> int:
        """When a value was seen last."""
        return self.order[self.end - 1][1]


def advance_count(offer: Counter, advance: Advance) -> None:
    """Judge the action against one counting pattern."""
    event, values = advance.event, advance.values
    if not offer.matches(event, advance.live, values):
        return
    pattern, count = offer.pattern, offer.count
    oldest_ms = event.at_ms - pattern.within_ms if pattern.within_ms is not None else None
    slot = slot_at(offer.cell, values)
    for scope in scopes_of(pattern, event, advance.session):
        cells = advance.cells_of(scope)
        held = cast("Counted | None", cells.get(slot)) or Counted()
        counted = counting(held, count, event, pattern.within_ms)
        advance.set_cell(scope, slot, counted)
        number = len(counted.places)
        if number > count.more_than and not is_guarded(pattern, offer.guards, scope, advance):
            actions = tuple(entry[2] for _, entry in sorted(counted.order.items()))
            bound = {name: cast("str", values[place]) for name, place in offer.named}
            advance.complete(Match(pattern, scope, bound, counted=actions))
        if pattern.unseen is not None and (unseen := cells.get(pattern.unseen)) is not None:
            # Those whose key nobody can tell may be of this one (see `unseen`).
            more = _values(cast("Counted", unseen), oldest_ms).difference(counted.places)
            if number + len(more) > count.more_than and not is_guarded(pattern, offer.guards, scope, advance):
                advance.may_complete(pattern)
        if pattern.counts_for_risk and count.more_than + 1 - number < pattern.levels:
            levels = advance.levels_of(scope).get(pattern.number, ())
            now = raised(levels, _levels(counted, pattern, count))
            if now != levels:
                advance.set_levels(scope, pattern.number, now)


def _levels(counted: Counted, pattern: CompiledPattern, count: CompiledCount) -> list[tuple[int, int] | None]:
    """Since when so many values have been seen: of each number of them the time of the oldest that it takes."""
    found: list[tuple[int, int] | None] = [None] * pattern.levels
    place = pattern.levels - 1 - (count.more_than + 1 - len(counted.places))
    number = counted.first
    # A level that adds nothing to the risk, since too many are missing, need not be known.
    while place >= 0 and pattern.micros[pattern.levels - 1 - place]:
        entry = counted.order.get(number)
        number += 1
        if entry is not None:
            found[place] = (entry[1], 0)
            place -= 1
            if pattern.within_ms is None:
                break  # no value grows too old, so nobody asks
    return found


def counting(held: Counted, count: CompiledCount, event: Event, within_ms: int | None) -> Counted:
    """The values with an action's, as many as decide."""
    value = None if count.distinct is None else key_text(event.value(count.distinct))
    # A value that is missing counts as a new one (R18); NUL keeps it apart from any real value.
    entry = f"\0{event.id}" if value is None else value, event.at_ms, event.id
    oldest_ms = event.at_ms - within_ms if within_ms is not None else None
    return _counting(held, entry, count.more_than + 1, oldest_ms)


def _values(counted: Counted, oldest_ms: int | None) -> set[str]:
    return {value for value, at_ms, _ in counted.order.values() if oldest_ms is None or at_ms >= oldest_ms}


def _counting(held: Counted, entry: tuple[str, int, str], most: int, oldest_ms: int | None) -> Counted:
    order, places, first = held.order, held.places, held.first
    place = places.get(entry[0])
    if place is not None:
        order = order.delete(place)
    order = order.set(held.end, entry)
    places = places.set(entry[0], held.end)
    while True:
        oldest = order.get(first)
        if oldest is None:
            first += 1
        elif len(places) > most or (oldest_ms is not None and oldest[1] < oldest_ms):
            order, places, first = order.delete(first), places.delete(oldest[0]), first + 1
        else:
            return Counted(order, places, first, held.end + 1)
