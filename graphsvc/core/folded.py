"""The folded state of a world as judgements read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from graphsvc.core.state import Happened
    from graphsvc.core.world import World

__all__ = ["Folded"]


class Folded:
    """A `StateView`. Make a new one when the world takes other cells or another history."""

    __slots__ = ("_world", "get", "lies")

    def __init__(self, world: World) -> None:
        self._world = world
        self.get = world.cells.get
        self.lies = world.history.get

    @property
    def newest_ms(self) -> int:
        """No time in any cell is later."""
        return self._world.newest_ms

    def happened(self, action: str) -> Happened | None:
        """An action that has its place in the orders."""
        return self._world.happened(action)
