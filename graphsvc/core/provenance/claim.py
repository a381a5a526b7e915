"""What a caller says beside the facts, in `context.provenance`: claims, checked for their form alone.

    {"requested": "requested", "arguments": {"to": [{"mentioned": 2, "described": true}]}, "amount": 1.09}

requested: how far the request asked for the effect. arguments: by name one entry a value, in the order of the
values. mentioned: the lowest designation of the foreign records whose text speaks of the value; absent = none does.
described: the request says what kind of value it means where it points at the place. host_named: of a link that
was put together, the request names its host, and it carries no query. amount: the amount as a multiple of the
largest known of the same order or payee.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from graphsvc.core.provenance.fact import FACTS
from graphsvc.core.request import AccessRequest
from graphsvc.core.value import Json
from graphsvc.errors import BadInput

__all__ = ["WHEN", "Claims", "Detail", "check_claims", "claims_of"]

WHEN: Final = ("requested", "delegated", "unrequested")
MAX_VALUES: Final = 1_000
_KNOWN: Final = ("requested", "arguments", "amount")
_PLACE: Final = "context.provenance"


class Detail(NamedTuple):
    """What is said of one value beside its fact; the defaults are the safe side."""

    mentioned: int | None = None
    described: bool = False
    host_named: bool = False
    is_said: bool = True


class Claims(NamedTuple):
    """What is said of an action. amount: None when nothing is known to compare it with."""

    requested: str = "unrequested"
    arguments: Mapping[str, tuple[Detail, ...]] = {}
    amount: float | None = None

    def detail(self, name: str, place: int) -> Detail:
        """Of value number `place` (from 0) of an argument."""
        details = self.arguments.get(name, ())
        return details[place] if place < len(details) else Detail(is_said=False)


def claims_of(request: AccessRequest) -> Claims | None:
    """The claims of a request; None when it makes none. What has not the right form says nothing."""
    given = request.context.get("provenance")
    if not isinstance(given, dict):
        return None
    asked, ratio, parts = given.get("requested"), given.get("amount"), given.get("arguments")
    arguments: dict[str, tuple[Detail, ...]] = {}
    if isinstance(parts, dict):
        for name, values in parts.items():
            if isinstance(values, list):
                arguments[name] = tuple([_detail(value) for value in values])
    return Claims(
        requested=asked if isinstance(asked, str) and asked in WHEN else "unrequested",
        arguments=arguments,
        amount=float(ratio) if isinstance(ratio, int | float) and not isinstance(ratio, bool) else None,
    )


def _detail(value: Json) -> Detail:
    if not isinstance(value, dict):
        return Detail(mentioned=0)
    mentioned = value.get("mentioned")
    if mentioned is not None and (not isinstance(mentioned, int) or isinstance(mentioned, bool)):
        mentioned = 0
    return Detail(mentioned, value.get("described") is True, value.get("host_named") is True)


def check_claims(request: AccessRequest) -> None:
    """BadInput naming the field when facts or claims have a form that cannot be judged."""
    for place, argument in enumerate(request.arguments):
        if argument.fact is not None and argument.fact not in FACTS:
            field = f"arguments.{place}.fact"
            raise BadInput(f"{field}: `{argument.fact}` is no fact; use {', '.join(FACTS)}", field=field)
        if argument.designation is not None and not 0 <= argument.designation <= 3:
            field = f"arguments.{place}.designation"
            raise BadInput(f"{field}: is {argument.designation}, must be 0 to 3", field=field)
    given = request.context.get("provenance")
    if given is None:
        return
    if not isinstance(given, dict):
        raise BadInput(f"{_PLACE}: must be an object", field=_PLACE)
    for name, value in given.items():
        if name not in _KNOWN:
            place_of = f"{_PLACE}.{name}"
            raise BadInput(f"{place_of}: is unknown; use {', '.join(_KNOWN)}", field=place_of)
        _CHECKS[name](value, f"{_PLACE}.{name}")


def _check_requested(value: Json, field: str) -> None:
    if value not in WHEN:
        raise BadInput(f"{field}: must be one of {', '.join(WHEN)}", field=field)


def _check_amount(value: Json, field: str) -> None:
    if value is not None and (not isinstance(value, int | float) or isinstance(value, bool) or value < 0):
        raise BadInput(f"{field}: must be a number of 0 or more", field=field)


def _check_arguments(value: Json, field: str) -> None:
    if not isinstance(value, dict):
        raise BadInput(f"{field}: must be an object of lists by argument name", field=field)
    for name, values in value.items():
        inner = f"{field}.{name}"
        if not isinstance(values, list) or not all(isinstance(each, dict) for each in values):
            raise BadInput(f"{inner}: must be a list of objects", field=inner)
        if len(values) > MAX_VALUES:
            raise BadInput(f"{inner}: at most {MAX_VALUES} values", field=inner)


_CHECKS: Final = {
    "requested": _check_requested,
    "amount": _check_amount,
    "arguments": _check_arguments,
}
