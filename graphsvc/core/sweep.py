"""Forgetting what can never count again: cells of a scope whose window has passed."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from graphsvc.core.count import Counted
from graphsvc.core.state import Register, Scope

__all__ = ["swept"]

_SMALLEST = 64


def swept(scope: Scope, windows: Mapping[int, int | None], at_ms: int) -> Scope:
    """The scope without dead cells, once it holds twice as many as were alive last time.

    windows: how long a cell can count, by slot. Times never run backwards within a scope (rule R2), so what lies
    before `at_ms` less its window will not be found again. Numbers of resets stay: registers refer to them.
    """
    if len(scope.cells) <= scope.limit:
        return scope
    dead = []
    for slot, value in scope.cells.items():
        within_ms = windows.get(slot if isinstance(slot, int) else slot[0])  # type: ignore[arg-type]  # numbers lead
        if within_ms is not None and _newest_ms(value) < at_ms - within_ms:
            dead.append(slot)
    cells = scope.cells
    with cells.mutate() as left:
        for slot in dead:
            del left[slot]
        cells = left.finish()
    return replace(scope, cells=cells, limit=max(_SMALLEST, 2 * len(cells)))


def _newest_ms(value: object) -> int:
    if isinstance(value, Register):
        return value.start_ms
    return value.newest_ms if isinstance(value, Counted) else int(value)  # type: ignore[call-overload]
