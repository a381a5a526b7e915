"""What one intent says of one action: the first thing that the action goes beyond.

What an intent says nothing of is free. What cannot be told of an action (what it does, where something goes, how much
it is) lies outside an intent that limits it. What was stored by other means than the interfaces may hold
anything: what cannot be read allows nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import cast

from graphsvc.core.duration import parse_duration
from graphsvc.core.estate import Estate
from graphsvc.core.event import Event
from graphsvc.core.glob import matcher
from graphsvc.core.intent_amount import beyond_amount, beyond_total
from graphsvc.core.value import Json, parse_time
from graphsvc.errors import BadInput

__all__ = ["beyond"]

_NOTHING = matcher(())
# Effects that take something somewhere.
_CARRIES = frozenset({"send", "message", "fetch", "pay"})
_UNDECLARED = "what the action `{}` does is not declared, and the intent limits {}"


def beyond(
    event: Event, intent: Mapping[str, Json], estate: Estate, opened_ms: int, spent: int
) -> str | None:
    """What of an action lies outside an intent; None when it lies within.

    opened_ms: when its chain began. spent: by its chain and those spawned from it so far, in millionths.
    """
    action = event.request.action
    if not _within(intent, "actions")(action):
        return f"it does not name the action `{action}`"
    if intent.get("resources") is not None:
        test = _within(intent, "resources")
        if not any(test(key.partition(":")[2]) for key in estate.ancestors(event.what.key)):
            return f"it does not name the resource `{event.resource}`"
    if intent.get("effects") is not None:
        test, effects = _within(intent, "effects"), event.declaration.effects
        # Of an action that no pack declares nobody knows what it does.
        if not effects:
            return _UNDECLARED.format(action, "effects")
        outside = sorted(effect for effect in effects if not test(effect))
        if outside:
            return f"it does not name the effect `{outside[0]}`"
    if intent.get("destinations") is not None:
        told = _beyond_destinations(event, _within(intent, "destinations"))
        if told is not None:
            return told
    if intent.get("amount") is not None:
        told = beyond_amount(event, intent["amount"])
        if told is not None:
            return told
    if intent.get("total") is not None:
        told = beyond_total(event, intent["total"], spent)
        if told is not None:
            return told
    return _beyond_time(event.at_ms, intent, opened_ms)


def _beyond_destinations(event: Event, test: Callable[[str], bool]) -> str | None:
    action, declaration = event.request.action, event.declaration
    if not declaration.effects:
        return _UNDECLARED.format(action, "destinations")
    carries = not _CARRIES.isdisjoint(declaration.effects)
    values = list(_destinations(event))
    if not values:
        # A list said to be empty goes nowhere.
        given = any(event.request.action_properties.get(name) == [] for name in declaration.destinations)
        return (
            f"where `{action}` goes is not told, and the intent limits destinations"
            if carries and not given
            else None
        )
    for value in values:
        if not isinstance(value, str | int | float) or not test(str(value)):
            return f"it does not name the destination `{value}`"
    return None


def _destinations(event: Event) -> Iterator[Json]:
    for name in event.declaration.destinations:
        value = event.request.action_properties.get(name)
        if value is not None:
            yield from value if isinstance(value, list) else [value]


def _beyond_time(at_ms: int, intent: Mapping[str, Json], opened_ms: int) -> str | None:
    begins, ends, lasts = intent.get("begins"), intent.get("ends"), intent.get("lasts")
    if begins is not None and not (_time(begins) or at_ms + 1) <= at_ms:
        return f"it begins at {begins}"
    if ends is not None and not at_ms < (_time(ends) or 0):
        return f"it ended at {ends}"
    if lasts is not None and not at_ms < opened_ms + _duration(lasts):
        return f"it lasts {lasts} from the beginning of the chain"
    return None


@lru_cache(maxsize=4_096)
def _read_time(text: str) -> int | None:
    try:
        return parse_time(text)
    except BadInput:
        return None


def _time(value: Json) -> int | None:
    return _read_time(value) if isinstance(value, str) else None


def _duration(value: Json) -> int:
    try:
        return parse_duration(value) if isinstance(value, str) else 0
    except ValueError:
        return 0


def _within(intent: Mapping[str, Json], part: str) -> Callable[[str], bool]:
    globs = intent.get(part)
    if globs is None:
        return _anything
    if not isinstance(globs, list) or not all(isinstance(each, str) for each in globs):
        return _NOTHING
    return _test(tuple(cast("list[str]", globs)))


def _anything(_name: str) -> bool:
    return True


@lru_cache(maxsize=4_096)
def _test(globs: tuple[str, ...]) -> Callable[[str], bool]:
    return matcher(globs)
