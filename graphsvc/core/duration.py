"""Spans of time as text: `90s`, `10m`, `24h`, `7d` and, where it must be exact, `1500ms`."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["format_duration", "parse_duration"]

_UNIT_MS: Final = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
_DURATION: Final = re.compile(r"([1-9][0-9]{0,14})(ms|s|m|h|d)")


def parse_duration(text: str) -> int:
    """Milliseconds; ValueError when the text is no duration above zero."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError(f"`{text}` is not a duration above zero such as 90s, 10m, 24h or 7d")
    return int(found[1]) * _UNIT_MS[found[2]]


def format_duration(duration_ms: int) -> str:
    """The shortest text that reads as exactly this many milliseconds, above zero."""
    unit = next(unit for unit, size_ms in _UNIT_MS.items() if duration_ms % size_ms == 0)
    return f"{duration_ms // _UNIT_MS[unit]}{unit}"
