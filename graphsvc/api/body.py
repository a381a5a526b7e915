"""The body of a request as JSON values: I-JSON (RFC 7493) only, and not nested without end."""

from __future__ import annotations

import json
import re
from typing import Any, TypeVar

import msgspec
import orjson

from graphsvc.errors import BadInput

__all__ = ["MAX_DEPTH", "as_shape", "count_names", "read_json", "read_object", "stands_once"]

T = TypeVar("T")

# Far more than any request needs, and far less than what recursive code can follow.
MAX_DEPTH = 64
_HIDDEN = (b" :", b"\t:", b"\n:", b"\r:")
_PLACE = re.compile(r" - at `(?:key in )?\$\.?(?P<path>[^`]*)`$")


def read_json(raw: bytes | str) -> Any:
    """The value of a JSON text; BadInput when it is none, is no Unicode, repeats a name or is too deep."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise BadInput(f"the body is not JSON: {error}") from None
    names = count_names(value)
    text = raw.encode() if isinstance(raw, str) else raw
    if not stands_once(text, names):
        _refuse_repeated(text)
    return value


def read_object(raw: bytes, content_type: str | None) -> dict[str, Any]:
    """The object that the body of a POST holds; BadInput when it is another type or no object."""
    media_type = (content_type or "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise BadInput(f"the Content-Type must be application/json, not `{media_type}`", field="Content-Type")
    value = read_json(raw)
    if not isinstance(value, dict):
        raise BadInput("the body must be a JSON object")
    return value


def as_shape(value: object, shape: type[T], *, within: str = "") -> T:
    """The value as a msgspec struct; BadInput names the place, under `within` when it is not the body itself."""
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        raise _refusal(str(error), within) from None


def _refusal(text: str, within: str) -> BadInput:
    found = _PLACE.search(text)
    path = found["path"] if found is not None else ""
    told = text[: found.start()] if found is not None else text
    if told.startswith("Object missing required field `"):
        path = ".".join(filter(None, (path, told.split("`")[1])))
        told = "is missing"
    place = ".".join(filter(None, (within, re.sub(r"\[(\d+|\.\.\.)\]", r".\1", path))))
    told = told[:1].lower() + told[1:]
    return BadInput(f"{place}: {told}" if place else told, field=place or None)


def count_names(value: object, max_depth: int = MAX_DEPTH) -> int:
    """How many names all objects in a value have; BadInput when it is deeper than `max_depth`.

    Walked level by level, so that no depth can hurt.
    """
    names = 0
    level: list[object] = [value]
    for _ in range(max_depth + 1):
        below: list[object] = []
        for item in level:
            if isinstance(item, dict):
                names += len(item)
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
        if not below:
            return names
        level = below
    raise BadInput(f"the body is nested deeper than {MAX_DEPTH} levels")


def stands_once(text: bytes, names: int) -> bool:
    """True when surely no name was dropped because it was repeated; False when one has to look closer.

    A colon after a quote follows a name: within a text a quote is escaped. That counts names exactly, as long as no
    blank stands before a colon and nothing is escaped.
    """
    # Splitting once at the first blank is the quickest way to see that there is none.
    if len(text.split(None, 1)) > 1 and any(mark in text for mark in _HIDDEN):
        return False
    return b"\\" not in text and text.count(b'":') == names


def _refuse_repeated(text: bytes) -> None:
    def once(pairs: list[tuple[str, object]]) -> None:
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise BadInput(f"the name `{name}` stands twice in one object; which is meant is unclear")
            seen.add(name)

    json.loads(text, object_pairs_hook=once)
