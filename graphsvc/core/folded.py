"""The folded state of a world as judgements read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from graphsvc.core.state import Happened
    from graphsvc.core.world import World

__all__ = ["Folded"]


class Folded:
    """A `StateView`. Make a new one when the world takes other cells or another history.

    newest_ms: no time in any cell is later; whoever changes the cells raises it.
    """

    __slots__ = ("_world", "get", "lies", "newest_ms")

    def __init__(self, world: World, newest_ms: int = 0) -> None:
        self._world = world
        self.newest_ms = newest_ms
        self.get = world.cells.get
        self.lies = world.history.get

    def happened(self, action: str) -> Happened | None:
        """An action that has its place in the orders."""
        return self._world.happened(action)
