"""Operators of AWS policy conditions on one value of a request and one of a policy.

Source: "IAM JSON policy elements: Condition operators" of the AWS IAM user guide. A value that is not of the operator's
kind (a number that is none) matches nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Final

__all__ = ["NEGATED", "OPERATORS", "pattern", "plain", "time_of"]

Compare = Callable[[str, str], bool]
# Stands for a wildcard in text that came out of a variable, where it is no wildcard.
_PLAIN: Final = {"*": "\ue000", "?": "\ue001", "$": "\ue002"}


def plain(text: str) -> str:
    """Text that means itself inside a pattern."""
    return "".join(_PLAIN.get(char, char) for char in text)


def spelled(text: str) -> str:
    """Text with what `plain` protected as it was."""
    for char, other in _PLAIN.items():
        text = text.replace(other, char)
    return text


@lru_cache(maxsize=8192)
def pattern(text: str) -> re.Pattern[str]:
    """A pattern with `*` and `?` as a regular expression for `fullmatch`."""
    parts = re.split(r"(\*+|\?)", text)
    made = (".*" if part[:1] == "*" else "." if part == "?" else re.escape(spelled(part)) for part in parts)
    return re.compile("".join(made), re.DOTALL)


def _like(value: str, wanted: str) -> bool:
    return pattern(wanted).fullmatch(value) is not None


def _arn_like(value: str, wanted: str) -> bool:
    """Each of the six parts by itself; a wildcard stays within its part."""
    mine, theirs = value.split(":", 5), wanted.split(":", 5)
    return len(mine) == len(theirs) == 6 and all(map(_like, mine, theirs))


def _numeric(compare: Callable[[float, float], bool]) -> Compare:
    def judge(value: str, wanted: str) -> bool:
        try:
            return compare(float(value), float(spelled(wanted)))
        except ValueError:
            return False

    return judge


def _date(compare: Callable[[datetime, datetime], bool]) -> Compare:
    def judge(value: str, wanted: str) -> bool:
        try:
            return compare(time_of(value), time_of(spelled(wanted)))
        except (ValueError, OverflowError, OSError):
            return False

    return judge


def time_of(text: str) -> datetime:
    """A date of a policy: ISO 8601, UTC where it says nothing, or seconds since 1970; ValueError for anything else."""
    try:
        return datetime.fromtimestamp(float(text), UTC)
    except ValueError:
        found = datetime.fromisoformat(text)
        return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _inside(value: str, wanted: str) -> bool:
    try:
        return ip_address(value) in ip_network(spelled(wanted), strict=False)
    except ValueError:
        return False


def _equal(value: str, wanted: str) -> bool:
    return value == spelled(wanted)


def _equal_folded(value: str, wanted: str) -> bool:
    return value.casefold() == spelled(wanted).casefold()


OPERATORS: Final[Mapping[str, Compare]] = {
    "stringequals": _equal,
    "stringequalsignorecase": _equal_folded,
    "stringlike": _like,
    "numericequals": _numeric(lambda one, other: one == other),
    "numericlessthan": _numeric(lambda one, other: one < other),
    "numericlessthanequals": _numeric(lambda one, other: one <= other),
    "numericgreaterthan": _numeric(lambda one, other: one > other),
    "numericgreaterthanequals": _numeric(lambda one, other: one >= other),
    "dateequals": _date(lambda one, other: one == other),
    "datelessthan": _date(lambda one, other: one < other),
    "datelessthanequals": _date(lambda one, other: one <= other),
    "dategreaterthan": _date(lambda one, other: one > other),
    "dategreaterthanequals": _date(lambda one, other: one >= other),
    "bool": _equal_folded,
    "binaryequals": _equal,
    "ipaddress": _inside,
    "arnequals": _arn_like,
    "arnlike": _arn_like,
}
# By the negated form the operator that it negates: true when no value matches.
NEGATED: Final[Mapping[str, str]] = {
    "stringnotequals": "stringequals",
    "stringnotequalsignorecase": "stringequalsignorecase",
    "stringnotlike": "stringlike",
    "numericnotequals": "numericequals",
    "datenotequals": "dateequals",
    "notipaddress": "ipaddress",
    "arnnotequals": "arnequals",
    "arnnotlike": "arnlike",
}
