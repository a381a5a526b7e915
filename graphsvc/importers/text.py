"""Bytes of a file to text and JSON, with errors that name the file and the place in it."""

from __future__ import annotations

import gzip
import zlib

import msgspec

from graphsvc.core.value import Json
from graphsvc.errors import BadInput

__all__ = ["decode_json", "decode_text", "parse_json"]


def decode_text(data: bytes | str, file: str) -> str:
    """The text of a file that may be gzip-compressed (known by its first bytes, not by its name)."""
    if isinstance(data, str):
        return data.removeprefix("\ufeff")
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (EOFError, OSError, zlib.error) as error:
            raise BadInput(f"`{file}` is not a complete gzip file: fetch it again", field=file) from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(
            f"`{file}` is not UTF-8 text at byte {error.start}: save it as UTF-8", field=file
        ) from error


def decode_json(data: bytes | str, file: str) -> Json:
    """The one JSON value that a file holds."""
    return parse_json(decode_text(data, file), file)


def parse_json(text: str, place: str, *, fix: str = "export it again") -> Json:
    """The JSON value of a text; BadInput names `place`, the byte and the fix."""
    raw = text.encode("utf-8", "surrogatepass")
    if not raw.strip():
        raise BadInput(f"`{place}` is empty: {fix}", field=place)
    try:
        value: Json = msgspec.json.decode(raw)
    except msgspec.DecodeError as error:
        if "truncated" in str(error):
            message = f"`{place}` is not complete JSON: it ends at byte {len(raw)} inside a value; {fix}"
        else:
            detail = str(error).removeprefix("JSON is malformed: ")
            message = f"`{place}` is not JSON: {detail}; {fix}"
        raise BadInput(message, field=place) from error
    except RecursionError as error:
        raise BadInput(f"`{place}` nests JSON values too deeply; {fix}", field=place) from error
    return value
