"""Reading times, durations, wildcards and attribute paths for the oracle, by plain string work."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

Json = Any
Record = dict[str, Json]

_UNIT_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def time_ms(text: str) -> int:
    """An RFC 3339 time as Unix milliseconds."""
    return (datetime.fromisoformat(text) - _EPOCH) // timedelta(milliseconds=1)


def duration_ms(text: str) -> int:
    """A duration such as `24h` in milliseconds (rule R25)."""
    return int(text[:-1]) * _UNIT_MS[text[-1]]


def listed(value: Json) -> list[Json]:
    """A list as it is, one value as a list of one, nothing as the empty list (rule R21)."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


@lru_cache(maxsize=4096)
def glob_matches(pattern: str, text: str) -> bool:
    """Whether `text` fits `pattern`, where only `*` and `?` are wildcards (rule R20)."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return glob_matches(pattern[1:], text) or (bool(text) and glob_matches(pattern, text[1:]))
    return bool(text) and pattern[0] in ("?", text[0]) and glob_matches(pattern[1:], text[1:])


def any_glob(patterns: Json, text: str) -> bool:
    """Whether `text` fits one of the patterns."""
    return any(glob_matches(pattern, text) for pattern in listed(patterns))


def key_text(value: Json) -> str | None:
    """A key value as text, numbers and booleans in JSON spelling; None when missing (rules R18, R19)."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def attribute(record: Mapping[str, Json], path: str) -> Json:
    """The value at a dotted path such as `context.vendor_id`, or None."""
    value: Json = record
    for name in path.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value
