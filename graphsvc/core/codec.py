"""Records to bytes and back: the body of a log entry, versioned and not executable."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import msgspec

from graphsvc.core.record import Record
from graphsvc.errors import StoreError, StoreTooNew

__all__ = ["decode_records", "encode_json", "encode_records"]

_PLAIN, _PACKED = 1, 2
_NEWEST = _PACKED
# Small bodies are not worth the time; imports shrink to a tenth.
_PACK_FROM_BYTES = 16_384

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Record])


def encode_records(records: Sequence[Record]) -> bytes:
    """One format byte, then MessagePack of the list, compressed when it is large."""
    body = _encoder.encode(list(records))
    if len(body) < _PACK_FROM_BYTES:
        return bytes((_PLAIN,)) + body
    return bytes((_PACKED,)) + zlib.compress(body, 1)


def decode_records(body: bytes) -> list[Record]:
    """Inverse of `encode_records`; StoreTooNew for a format of a newer version."""
    version, rest = body[0] if body else 0, body[1:]
    if version > _NEWEST:
        raise StoreTooNew(
            f"a log entry has format {version}, this version reads up to {_NEWEST}: upgrade graphsvc"
        )
    try:
        return _decoder.decode(zlib.decompress(rest) if version == _PACKED else rest)
    except (msgspec.MsgspecError, zlib.error) as error:
        raise StoreError(f"a log entry cannot be read: {error}") from error


def encode_json(record: Record) -> bytes:
    """A record as JSON, for the drawing and for export."""
    return msgspec.json.encode(record)
