"""The marker that is kept in the place of a value that nothing reads.

A marker is `{"graphsvc:not_kept": "<keyed hash of the value>"}`: equal values have equal markers within a store, so
that two requests can still be told apart, and whoever does not know the store's key cannot guess the value. To rules
it is an attribute that was there and whose value nobody knows (see `unseen`, and `cel.condition`).
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Final

import msgspec

from graphsvc.core.value import Json

__all__ = ["NOT_KEPT", "in_words", "is_unkept", "marker", "only_kept"]

NOT_KEPT: Final = "graphsvc:not_kept"
_WORDS: Final = "not kept"


def is_unkept(value: object) -> bool:
    """True for a marker."""
    return isinstance(value, dict) and len(value) == 1 and NOT_KEPT in value


def only_kept(values: Mapping[str, Json]) -> Mapping[str, Json]:
    """The attributes without those of which only a marker is kept."""
    if not any(map(is_unkept, values.values())):
        return values
    return {name: value for name, value in values.items() if not is_unkept(value)}


def in_words(values: dict[str, Json]) -> dict[str, Json]:
    """The attributes as people are shown them: a marker as the words `not kept`."""
    if not any(map(is_unkept, values.values())):
        return values
    return {name: _WORDS if is_unkept(value) else value for name, value in values.items()}


def marker(value: Json, salt: bytes) -> dict[str, Json]:
    """What is kept in the place of a value."""
    text = msgspec.json.encode(_plain(value), order="sorted")
    return {NOT_KEPT: hmac.digest(salt, text, "sha256").hex()[:32]}


def _plain(value: Json) -> Json:
    """Numbers that are equal as the same number."""
    if isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return value
