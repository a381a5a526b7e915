"""JSON values, identifiers and time as the core sees them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from graphsvc.errors import BadInput

__all__ = ["Json", "JsonObject", "format_time", "key_text", "parse_time"]

if TYPE_CHECKING:
    Json: TypeAlias = bool | int | float | str | list["Json"] | dict[str, "Json"] | None
else:
    Json = Any  # msgspec cannot read a recursive alias; the checker can
JsonObject: TypeAlias = Mapping[str, Json]


def parse_time(text: str, *, field: str = "at") -> int:
    """RFC 3339 text to Unix milliseconds, UTC; BadInput names `field` when it is not one."""
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise BadInput(
            f"`{text}` is not an RFC 3339 time such as 2026-11-23T10:00:00Z", field=field
        ) from None
    if moment.tzinfo is None:
        raise BadInput(f"`{text}` has no time zone; end it with Z or an offset", field=field)
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * 1000 + delta.microseconds // 1000


def format_time(at_ms: int) -> str:
    """Unix milliseconds to RFC 3339 in UTC; milliseconds appear only when they are not zero."""
    moment = datetime.fromtimestamp(at_ms // 1000, UTC).replace(microsecond=at_ms % 1000 * 1000)
    spec = "milliseconds" if at_ms % 1000 else "seconds"
    return moment.isoformat(timespec=spec).replace("+00:00", "Z")


def key_text(value: Json) -> str | None:
    """A key value as text, None when it cannot be one (null, missing, list, object): rules R18, R19."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e16 else repr(value)
    return None
