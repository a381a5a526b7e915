"""Levels: what becomes of a completion by some actions, compiled to tests of the completing event."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from graphsvc.core.condition import compile_action_test, compile_event_tests, compile_when
from graphsvc.core.event import Event
from graphsvc.core.policy.condition import EventCondition
from graphsvc.core.policy.protection import Level, Which

__all__ = ["Levels", "Test", "compile_levels", "compile_which", "level_of"]

Test: TypeAlias = Callable[[Event], bool]
Levels: TypeAlias = tuple[tuple[Test, str], ...]


def compile_levels(written: Sequence[Level]) -> Levels:
    """In the order written."""
    return tuple((compile_which(level), level.on_match) for level in written)


def level_of(levels: Levels, on_match: str, event: Event) -> str:
    """The first that fits, else `on_match`."""
    for fits, level in levels:
        if fits(event):
            return level
    return on_match


def compile_which(which: Which) -> Test:
    """Whether an event is one of those asked for."""
    # An empty list would be refused: as a condition it could never hold.
    given = {name: getattr(which, name) for name in Which.model_fields if getattr(which, name)}
    condition = EventCondition(**given)
    fits_action = compile_action_test(condition)
    # Nothing here can fail to be answered.
    tests = compile_event_tests(condition, compile_when(condition), on_error=False)

    def test(event: Event) -> bool:
        return fits_action(event.request.action, event.declaration) and all(each(event) for each in tests)

    return test
