"""From a stored record to its leaf: the seal over everything that is stored, the line, the hash."""

from __future__ import annotations

from hashlib import sha256

from graphsvc.core.audit.shape import canonical_line
from graphsvc.core.record import Record

__all__ = ["HASH_SIZE", "SALT_SIZE", "leaf_hash", "leaf_of", "line_of", "seal_of"]

HASH_SIZE = 32
SALT_SIZE = 16


def seal_of(salt: bytes, place: int, stored: bytes) -> str:
    """A commitment to the stored bytes of the record at this place of its entry, as hex.

    The salt stays in the store, so nobody can try guesses at argument values on an exported line. Each place has
    a salt of its own made from it: showing one record to be genuine gives no other away.
    """
    own = sha256(salt + place.to_bytes(4, "big")).digest()
    return sha256(own + stored).hexdigest()


def line_of(record: Record, salt: bytes, place: int, stored: bytes) -> bytes:
    """The record's line in the audit log."""
    return canonical_line(record, seal_of(salt, place, stored))


def leaf_hash(line: bytes) -> bytes:
    """RFC 9162, 2.1.1: a leaf's hash begins with 0x00, an inner node's with 0x01."""
    return sha256(b"\x00" + line).digest()


def leaf_of(record: Record, salt: bytes, place: int, stored: bytes) -> bytes:
    """The leaf hash of a record."""
    return leaf_hash(line_of(record, salt, place, stored))
