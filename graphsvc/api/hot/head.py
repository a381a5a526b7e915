"""Heads of requests, read once: a client sends the same one all day, and what differs between requests is the body.

Only heads that are plainly in order are known here, and only of requests that the hot path may answer. All others are read
by the server, which also says what is wrong with them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

import httptools

from graphsvc.api.hot.owner import FORWARDED
from graphsvc.api.limit import MAX_BODY_BYTES
from graphsvc.api.media import GRAPHQL_RESPONSE, media_type

__all__ = ["EVALUATION", "GRAPHQL", "Head", "Heads", "Read", "read_headers"]

Header: TypeAlias = tuple[bytes, bytes]

GRAPHQL = "/graphql"
EVALUATION = "/access/v1/evaluation"
_STARTS = tuple(f"POST {path} HTTP/1.1\r\n".encode() for path in (GRAPHQL, EVALUATION))
_END = b"\r\n\r\n"
_MAX_HEADS = 1_024
_MAX_HEAD_BYTES = 8_192

_JSON = frozenset(
    (b"application/json", b"application/json; charset=utf-8", b"application/json;charset=utf-8")
)
_EVENT_STREAM = b"text/event-stream"
_CONTENT_TYPE = (b"content-type", b"application/json")
_NEWER_TYPE = (b"content-type", f"{GRAPHQL_RESPONSE}; charset=utf-8".encode())
# What would have the server do more than read a body of known length and answer.
_MORE = frozenset((b"transfer-encoding", b"expect", b"upgrade"))


class Read(NamedTuple):
    """What headers say. answered: headers of the answer beside its length."""

    path: str
    authorization: str | None
    host: bytes | None
    answered: tuple[Header, ...]
    is_forwarded: bool


class Head(NamedTuple):
    """A head that was in order. size: of the body, in bytes. rest: of the answer's head, behind its length."""

    read: Read
    size: int
    rest: bytes


def read_headers(path: str, headers: Iterable[Header]) -> Read | None:
    """What they say, names in lower case; None when something is unusual."""
    authorization = request_id = kind = host = None
    is_newer = is_forwarded = False
    for name, value in headers:
        if name == b"authorization":
            if authorization is not None:
                return None
            authorization = value.decode("latin-1")
        elif name == b"content-type":
            if kind is not None or value not in _JSON:
                return None
            kind = value
        elif name == b"host":
            if host is not None:
                return None
            host = value
        elif name == b"accept":
            if _EVENT_STREAM in value.lower():
                return None
            is_newer = is_newer or _is_newer(value)
        elif name == b"x-request-id":
            request_id = (name, value)
        elif name == FORWARDED:
            is_forwarded = True
        elif name == b"content-length" and (len(value) > 7 or int(value) > MAX_BODY_BYTES):
            return None
    if kind is None:
        return None
    content_type = _NEWER_TYPE if is_newer and path == GRAPHQL else _CONTENT_TYPE
    answered = (content_type,) if request_id is None else (content_type, request_id)
    return Read(path, authorization, host, answered, is_forwarded)


def _is_newer(accepted: bytes) -> bool:
    return b"graphql-response" in accepted and media_type(accepted.decode("latin-1")) == GRAPHQL_RESPONSE


class Heads:
    """Heads by their bytes; a few hundred are all that a service is sent."""

    def __init__(self) -> None:
        self._known: dict[bytes, Head | None] = {}

    def find(self, data: bytes) -> tuple[Head, bytes] | None:
        """The head and the body of data that is one whole request of the hot path, else None."""
        end = data.find(_END) + len(_END)
        text = data[:end]
        head = self._known.get(text)
        if head is None and (head := self._learn(text)) is None:
            return None
        body = data[end:]
        return (head, body) if len(body) == head.size else None

    def is_head(self, data: bytes) -> bool:
        """Whether it is such a head and its body is still to come."""
        return data.endswith(_END) and self._known.get(data) is not None

    def _learn(self, text: bytes) -> Head | None:
        if not text.startswith(_STARTS) or len(text) > _MAX_HEAD_BYTES or text in self._known:
            return None
        if len(self._known) >= _MAX_HEADS:
            self._known.clear()
        head = self._known[text] = _read_head(text)
        return head


class _Heard:
    """What the parser calls."""

    def __init__(self) -> None:
        self.url = b""
        self.headers: list[Header] = []

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))


def _read_head(text: bytes) -> Head | None:
    """None when the server has to read it. By the server's own parser, so that both take the same."""
    heard = _Heard()
    parser = httptools.HttpRequestParser(heard)
    try:
        parser.feed_data(text)
    except (httptools.HttpParserError, httptools.HttpParserUpgrade):
        return None
    lengths = [value for name, value in heard.headers if name == b"content-length"]
    is_plain = parser.should_keep_alive() and _MORE.isdisjoint(name for name, _ in heard.headers)
    if not is_plain or len(lengths) != 1:
        return None
    read = read_headers(heard.url.decode("ascii"), heard.headers)
    if read is None or not all(value.decode("latin-1").isprintable() for _, value in read.answered):
        return None
    rest = b"".join(b"\r\n%b: %b" % header for header in read.answered)
    return Head(read, int(lengths[0]), rest + _END)
