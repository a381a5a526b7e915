"""Records to bytes and back: the body of a log entry, versioned and not executable.

A body holds the records as they were judged and, beside them, their leaves in the audit log and the salt of their
seals. The leaves are written with the records, in the same entry, so that neither exists without the other; they are
not trusted, for whoever can change a record can change a leaf: `graphsvc.decide.audit` computes them again.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence

import msgspec

from graphsvc.core.audit.leaf import HASH_SIZE, leaf_hash, leaf_of, line_of
from graphsvc.core.record import Record
from graphsvc.errors import StoreError, StoreTooNew

__all__ = [
    "Audited",
    "audit_lines",
    "audited",
    "decode_records",
    "encode_json",
    "encode_records",
    "erase_records",
]

# Formats 1 and 2 are bodies without leaves, as versions before the audit log wrote them.
# Formats 5 and 6 hold, of records whose content was erased, the line as it was and the note that says so.
_PLAIN, _PACKED, _SEALED, _SEALED_PACKED, _ERASED, _ERASED_PACKED = 1, 2, 3, 4, 5, 6
_NEWEST = _ERASED_PACKED
# Small bodies are not worth the time; imports shrink to a tenth.
_PACK_FROM_BYTES = 16_384


class _Body(msgspec.Struct, array_like=True, frozen=True):
    salt: bytes
    leaves: bytes
    records: list[Record]
    erased: dict[int, tuple[bytes, str]] = {}


class _RawBody(msgspec.Struct, array_like=True, frozen=True):
    salt: bytes
    leaves: bytes
    records: list[msgspec.Raw]


class _ErasedBody(msgspec.Struct, array_like=True, frozen=True):
    salt: bytes
    leaves: bytes
    records: list[msgspec.Raw]
    erased: dict[int, tuple[bytes, str]] = {}


class Audited(msgspec.Struct, frozen=True):
    """What an entry says of its audit leaves. leaves: as stored, 32 bytes each, None in old entries.

    salt: of the seals. stored: the bytes of each record. erased: by place, the line and the signed note of records whose
    stored content was changed since (`core.erasure`).
    """

    salt: bytes
    leaves: bytes | None
    stored: list[bytes]
    erased: dict[int, tuple[bytes, str]] = {}


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Record])
_body_decoder = msgspec.msgpack.Decoder(_Body)
_raw_decoder = msgspec.msgpack.Decoder(list[msgspec.Raw])
_raw_body_decoder = msgspec.msgpack.Decoder(_ErasedBody)
_record_decoder: msgspec.msgpack.Decoder[Record] = msgspec.msgpack.Decoder(Record)


def encode_records(records: Sequence[Record], salt: bytes) -> bytes:
    """One format byte, then MessagePack of salt, leaves and records, compressed when it is large.

    salt: 16 random bytes, never used for another entry.
    """
    stored = [_encoder.encode(record) for record in records]
    leaves = b"".join(
        leaf_of(record, salt, place, each)
        for place, (record, each) in enumerate(zip(records, stored, strict=True))
    )
    body = _encoder.encode(_RawBody(salt, leaves, list(map(msgspec.Raw, stored))))
    if len(body) < _PACK_FROM_BYTES:
        return bytes((_SEALED,)) + body
    return bytes((_SEALED_PACKED,)) + zlib.compress(body, 1)


def decode_records(body: bytes) -> list[Record]:
    """The records of a body; StoreTooNew for a format of a newer version."""
    sealed, rest = _opened(body)
    try:
        return _body_decoder.decode(rest).records if sealed else _decoder.decode(rest)
    except msgspec.MsgspecError as error:
        raise _damaged(error) from error


def audited(body: bytes) -> Audited:
    """What an entry says of its audit leaves; StoreError when it cannot be read."""
    sealed, rest = _opened(body)
    try:
        if not sealed:
            return Audited(b"", None, [bytes(each) for each in _raw_decoder.decode(rest)])
        read = _raw_body_decoder.decode(rest)
    except msgspec.MsgspecError as error:
        raise _damaged(error) from error
    if len(read.leaves) != len(read.records) * HASH_SIZE:
        raise StoreError("a log entry cannot be read: it does not hold one audit leaf a record")
    return Audited(read.salt, read.leaves, [bytes(each) for each in read.records], read.erased)


def erase_records(
    body: bytes, entry_id: str, change: Callable[[Record], Record], sign: Callable[[int, bytes], str]
) -> bytes:
    """A body in which records are changed and keep their lines and leaves. sign: the note for a place and its new bytes."""
    held = audited(body)
    lines = audit_lines(held, entry_id)
    stored, erased = list(held.stored), dict(held.erased)
    for place, each in enumerate(held.stored):
        record = _record_decoder.decode(each)
        changed = change(record)
        if changed != record:
            stored[place] = _encoder.encode(changed)
            erased[place] = lines[place], sign(place, stored[place])
    salt = held.salt if held.leaves is not None else entry_id.encode()
    leaves = b"".join(map(leaf_hash, lines))
    written = _encoder.encode(_ErasedBody(salt, leaves, list(map(msgspec.Raw, stored)), erased))
    if len(written) < _PACK_FROM_BYTES:
        return bytes((_ERASED,)) + written
    return bytes((_ERASED_PACKED,)) + zlib.compress(written, 1)


def audit_lines(held: Audited, entry_id: str) -> list[bytes]:
    """The audit lines of an entry, computed from what is stored. entry_id: the salt of old entries, which have none."""
    salt = held.salt if held.leaves is not None else entry_id.encode()
    try:
        return [
            held.erased[place][0]
            if place in held.erased
            else line_of(_record_decoder.decode(each), salt, place, each)
            for place, each in enumerate(held.stored)
        ]
    except msgspec.MsgspecError as error:
        raise _damaged(error) from error


def encode_json(record: Record) -> bytes:
    """A record as JSON, for the drawing and for export."""
    return msgspec.json.encode(record)


def _opened(body: bytes) -> tuple[bool, bytes]:
    """Whether there are leaves, and the MessagePack."""
    version, rest = body[0] if body else 0, body[1:]
    if version > _NEWEST:
        raise StoreTooNew(
            f"a log entry has format {version}, this version reads up to {_NEWEST}: upgrade graphsvc"
        )
    try:
        packed = version in {_PACKED, _SEALED_PACKED, _ERASED_PACKED}
        return version >= _SEALED, zlib.decompress(rest) if packed else rest
    except zlib.error as error:
        raise _damaged(error) from error


def _damaged(error: Exception) -> StoreError:
    return StoreError(f"a log entry cannot be read: {error}")
