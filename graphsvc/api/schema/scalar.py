"""Scalars of our own: times as RFC 3339 text, JSON values; and ids that may carry their type."""

from __future__ import annotations

from typing import NewType, cast

import strawberry
from graphql import GraphQLError

from graphsvc.core.value import Json, format_time, parse_time
from graphsvc.errors import BadInput

__all__ = ["JSON", "SCALARS", "DateTime", "as_json", "as_object", "prefixed", "raw_id"]

DateTime = NewType("DateTime", int)
"""Unix milliseconds UTC inside, RFC 3339 outside."""

JSON = NewType("JSON", object)
"""Any JSON value."""


def _parse_time(value: object) -> int:
    if not isinstance(value, str):
        raise GraphQLError("a time is RFC 3339 text such as 2026-11-23T10:00:00Z")
    try:
        return parse_time(value)
    except BadInput as error:
        raise GraphQLError(str(error)) from None


SCALARS: dict[object, strawberry.types.scalar.ScalarDefinition] = {
    DateTime: strawberry.scalar(
        name="DateTime", description="RFC 3339 time.", serialize=format_time, parse_value=_parse_time
    ),
    JSON: strawberry.scalar(
        name="JSON",
        description="Any JSON value.",
        serialize=lambda value: value,
        parse_value=lambda value: value,
    ),
}


def as_json(value: object) -> JSON:
    """A value for output."""
    return JSON(value)


def as_object(value: JSON | None, field: str) -> dict[str, Json]:
    """A JSON object from input, empty when left out; BadInput names `field` when it is none."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadInput(f"{field}: must be a JSON object", field=field)
    return cast(dict[str, Json], value)


def raw_id(kind: str, value: str, field: str) -> str:
    """An id without its `kind:` prefix, however it was given; BadInput when it is empty."""
    bare = value.removeprefix(f"{kind}:") if ":" in value else value
    if not bare:
        raise BadInput(f"{field}: must not be empty", field=field)
    return bare


def prefixed(kind: str, value: str) -> strawberry.ID:
    """The public id, `kind:value`."""
    return strawberry.ID(f"{kind}:{value.removeprefix(kind + ':')}")
