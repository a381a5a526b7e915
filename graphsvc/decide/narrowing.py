"""An approval with a narrower scope: properties of the action that the approver sets lower or fewer."""

from __future__ import annotations

from collections.abc import Mapping

from graphsvc.core.marker import is_unkept
from graphsvc.core.request import AccessRequest
from graphsvc.core.value import Json
from graphsvc.errors import BadInput

__all__ = ["check_narrower"]

_FIELD = "scope.properties"


def check_narrower(request: AccessRequest, narrowed: Mapping[str, Json]) -> dict[str, Json]:
    """The properties, each within what was asked for; BadInput (field `scope.properties`) names one that is not.

    A number may be lower, but not below zero where it was not; a list may lose entries; anything else must stay.
    """
    found: dict[str, Json] = {}
    for name, value in narrowed.items():
        if name not in request.action_properties:
            known = ", ".join(f"`{each}`" for each in sorted(request.action_properties)) or "none"
            raise BadInput(f"the action has no property `{name}`; it has {known}", field=_FIELD)
        asked = request.action_properties[name]
        if is_unkept(asked):
            raise BadInput(
                f"`{name}` cannot be narrowed: no rule reads it, so its value is not kept; name it under `shown` of "
                "the action in a pack",
                field=_FIELD,
            )
        if not _is_within(value, asked):
            raise BadInput(
                f"`{name}` is not narrower than what was asked; lower a number, or leave entries of a list out",
                field=_FIELD,
            )
        if value != asked:
            found[name] = value
    return found


def _is_within(value: Json, asked: Json) -> bool:
    if isinstance(value, bool) or isinstance(asked, bool):
        return value is asked
    if isinstance(value, int | float) and isinstance(asked, int | float):
        return min(0, asked) <= value <= asked
    if isinstance(value, list) and isinstance(asked, list):
        return bool(value) and all(each in asked for each in value)
    return value == asked
