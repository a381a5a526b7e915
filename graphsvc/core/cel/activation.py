"""What a CEL condition sees of an event: its variables, their types, and where each value comes from."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

from cel_expr_python import cel

from graphsvc.core.event import Event
from graphsvc.core.marker import is_unkept, only_kept
from graphsvc.core.value import Json

__all__ = ["MISSING", "VARIABLES", "activation", "declarations", "reader", "unkept"]

_FACTS: Final = cel.Type.Map(cel.Type.STRING, cel.Type.DYN)
_TEXTS: Final = cel.Type.List(cel.Type.STRING)

_TYPES: Final[dict[str, cel.Type]] = {
    "subject": _FACTS,
    "resource": _FACTS,
    "action": _FACTS,
    "context": _FACTS,
    "labels": _TEXTS,
    "principals": _TEXTS,
    "chain": cel.Type.STRING,
    "session": cel.Type.STRING,
    "time": cel.Type.TIMESTAMP,
    "now": cel.Type.TIMESTAMP,
}
VARIABLES: Final = tuple(_TYPES)


def declarations(text: str) -> dict[str, cel.Type]:
    """The variables with their types; `chain.id` and `session.id` are as good as `chain` and `session`."""
    return {name: _FACTS if _as_facts(name, text) else type_ for name, type_ in _TYPES.items()}


def _as_facts(name: str, text: str) -> bool:
    return name in {"chain", "session"} and re.search(rf"\b{name}\s*\.\s*id\b", text) is not None


def activation(event: Event, text: str) -> dict[str, object]:
    """The values of all variables for an event."""
    moment = datetime.fromtimestamp(event.at_ms // 1000, UTC).replace(microsecond=event.at_ms % 1000 * 1000)
    values: dict[str, object] = {
        "subject": _subject(event),
        "resource": _resource(event),
        "action": _action(event),
        "context": only_kept(event.request.context),
        "labels": sorted(event.labels),
        "principals": list(event.principals),
        "time": moment,
        "now": moment,
    }
    for name, value in (("chain", event.chain), ("session", event.session)):
        values[name] = {"id": value} if _as_facts(name, text) else value
    return values


def _subject(event: Event) -> dict[str, object]:
    claimed = event.request.subject
    return {
        "id": event.subject,
        "type": claimed.type,
        "kind": event.subject_kind,
        # Stored properties win over those sent: a caller may add, never contradict.
        "properties": {**only_kept(claimed.properties), **event.who.properties},
    }


def _resource(event: Event) -> dict[str, object]:
    what = event.what
    facts: dict[str, object] = {
        "id": what.id,
        "type": what.type,
        "labels": list(what.labels),
        "properties": {**only_kept(event.request.resource.properties), **what.properties},
    }
    if what.tier is not None:
        facts["tier"] = what.tier
    return facts


def _action(event: Event) -> dict[str, object]:
    request = event.request
    return {
        "name": request.action,
        "effects": sorted(event.effects),
        "properties": only_kept(request.action_properties),
    }


def unkept(event: Event) -> Iterator[tuple[str, str]]:
    """Attributes of an event of whose value only a marker is there: what they are of, as in `mention.ROOTS`, and the name."""
    request = event.request
    for root, claimed, stored in (
        ("context", request.context, None),
        ("action.properties", request.action_properties, None),
        ("resource.properties", request.resource.properties, event.what.properties),
        ("subject.properties", request.subject.properties, event.who.properties),
    ):
        for name, value in claimed.items():
            if is_unkept(value) and (stored is None or name not in stored):
                yield root, name


class _Missing:
    """The value of a field that is not there: an error in CEL."""


MISSING: Final = _Missing()


def reader(path: tuple[str, ...]) -> Callable[[Event], object] | None:  # noqa: C901  one line a variable
    """A direct way to one value, without building the others; None where there is none.

    The value is MISSING where CEL would say that there is no such key.
    """
    match path:
        case ("labels",):
            return lambda event: event.labels
        case ("principals",):
            return lambda event: event.principals
        case ("subject", "id"):
            return lambda event: event.who.ids[0]
        case ("subject", "type"):
            return lambda event: event.request.subject.type
        case ("subject", "kind"):
            return lambda event: event.subject_kind
        case ("resource", "id"):
            return lambda event: event.what.id
        case ("resource", "type"):
            return lambda event: event.what.type
        case ("resource", "labels"):
            return lambda event: event.what.labels
        case ("resource", "tier"):
            return lambda event: event.what.tier if event.what.tier is not None else MISSING
        case ("action", "name"):
            return lambda event: event.request.action
        case ("action", "effects"):
            return lambda event: event.declaration.effects
        case ("chain",) | ("chain", "id"):
            return lambda event: event.request.chain
        case ("session",) | ("session", "id"):
            return lambda event: event.session
        case ("context", name, *rest):
            return lambda event: _dig(event.request.context, (name, *rest))
        case ("action", "properties", name, *rest):
            return lambda event: _dig(event.request.action_properties, (name, *rest))
        case ("subject", "properties", name, *rest):
            return lambda event: _stored(
                event.who.properties, event.request.subject.properties, (name, *rest)
            )
        case ("resource", "properties", name, *rest):
            return lambda event: _stored(
                event.what.properties, event.request.resource.properties, (name, *rest)
            )
    return None


def _stored(stored: Mapping[str, Json], claimed: Mapping[str, Json], path: tuple[str, ...]) -> object:
    return _dig(stored if path[0] in stored else claimed, path)


def _dig(value: object, path: tuple[str, ...]) -> object:
    for name in path:
        if not isinstance(value, Mapping) or name not in value:
            return MISSING
        value = value[name]
        if is_unkept(value):
            return MISSING
    return value
