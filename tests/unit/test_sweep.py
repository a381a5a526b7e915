"""Cells of a scope whose window has passed are forgotten, and nothing else."""

from __future__ import annotations

from immutables import Map
from msgspec.structs import replace

from graphsvc.core.count import Counted
from graphsvc.core.state import NEW_SCOPE, Cells, Register, Slot
from graphsvc.core.sweep import swept

WINDOWS = {1: 100, 2: None, 3: 50}


def _register(start_ms: int) -> Register:
    return Register(start_ms, "e", 0)


def test_what_its_window_has_left_behind_is_forgotten() -> None:
    """At the edge of its window a cell still counts (rule R1); one without a window always does."""
    cells: dict[Slot, object] = {
        1: _register(899),
        (1, "at the edge"): _register(900),
        2: _register(0),
        (3, "guard, old"): 949,
        (3, "guard"): 950,
        9: 0,
    }
    left = swept(replace(NEW_SCOPE, cells=Map(cells), limit=3), WINDOWS, 1_000)
    assert set(left.cells) == {(1, "at the edge"), 2, (3, "guard"), 9}


def test_values_that_were_counted_are_as_old_as_the_newest_of_them() -> None:
    """While one of them lies inside the window nothing is forgotten."""
    for newest_ms, slots in ((899, {2}), (900, {1, 2})):
        counted = Counted(Map({0: ("a", 10, "e1"), 1: ("b", newest_ms, "e2")}), Map({"a": 0, "b": 1}), 0, 2)
        cells: dict[Slot, object] = {1: counted, 2: _register(0)}
        assert set(swept(replace(NEW_SCOPE, cells=Map(cells), limit=1), WINDOWS, 1_000).cells) == slots


def test_a_scope_is_looked_at_again_when_it_has_doubled() -> None:
    """So sweeping costs a constant share of what is added, however much lives."""
    alive: Cells = Map({(2, str(number)): _register(0) for number in range(100)})
    scope = replace(NEW_SCOPE, cells=alive, limit=99)
    once = swept(scope, WINDOWS, 1_000)
    assert once.limit == 200
    assert swept(once, WINDOWS, 2_000) is once
