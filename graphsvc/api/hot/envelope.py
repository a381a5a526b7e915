"""The body of a GraphQL request as the hot path reads it: once, typed, what is free JSON apart from it.

What is not surely a body that `graphsvc.api.body` would take is left to the general executor, so that errors are told
in one way only.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Generic, TypeVar

import msgspec
import orjson
from msgspec import Raw, Struct

from graphsvc.api.body import MAX_DEPTH, count_names, read_json, stands_once

__all__ = ["NULL", "Envelope", "Frames", "check_names", "free_json", "read_envelope"]

_MAX_FRAMES = 512
_MAX_LENGTHS = 8

T = TypeVar("T")
NULL = Raw(b"null")


class Envelope(Struct, forbid_unknown_fields=True, gc=False, rename="camel"):
    """What is posted. document_id: names a persisted document, in place of its text."""

    variables: Raw
    query: str | None = None
    operation_name: str | None = None
    document_id: str | None = None


_decoder = msgspec.json.Decoder(Envelope)


def read_envelope(body: bytes) -> Envelope:
    """The envelope; msgspec.MsgspecError or UnicodeDecodeError when it is none."""
    return _decoder.decode(body)


class Frames(Generic[T]):
    """What stands around the variables of bodies that were in order, and what is known of it.

    Clients send the same document all day and only the variables differ, so all around them is looked at once. A body
    that starts and ends like a known one and has one JSON value between is that envelope with these variables.
    """

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[bytes, T]] = {}
        # How long known beginnings are; each is tried, so they are few.
        self._lengths: deque[int] = deque(maxlen=_MAX_LENGTHS)

    def find(self, body: bytes) -> tuple[bytes, T] | None:
        """The variables of a body, and what is known of what is around them."""
        for length in self._lengths:
            found = self._known.get(body[:length])
            if found is not None and body.endswith(found[0]) and length + len(found[0]) < len(body):
                return body[length : len(body) - len(found[0])], found[1]
        return None

    def learn(self, body: bytes, raw: bytes, known: T) -> None:
        """Remember what is around the variables of a body that was in order."""
        start = body.find(raw)
        if body.find(raw, start + 1) >= 0:
            # Which of them are the variables is unclear.
            return
        if len(self._known) >= _MAX_FRAMES:
            self._known.clear()
        self._known[body[:start]] = (body[start + len(raw) :], known)
        if start not in self._lengths:
            self._lengths.appendleft(start)


def check_names(text: bytes, names: int) -> None:
    """BadInput when a name stands twice in one object. names: how many were seen; too few cost time, no more."""
    if not stands_once(text, names):
        read_json(text)


def free_json(given: Raw, level: int) -> tuple[Any, int]:
    """A JSON value that no type describes, and how many names are in it. level: how deep it lies in the body.

    orjson.JSONDecodeError when it is none, BadInput when it is too deep.
    """
    raw = bytes(given)
    if raw == b"null":
        return None, 0
    value = orjson.loads(raw)
    return value, count_names(value, MAX_DEPTH - level)
