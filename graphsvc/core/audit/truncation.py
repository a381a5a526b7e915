"""The statement by which the oldest records of a log may be gone: a note signed with the log's key.

It says how many were cut off, the root over them, and the hashes of the largest complete subtrees that they make up. From
those the root of every later size follows, so what is left of the log stays provable; and a log or an export that begins
later than with its first record is genuine only with such a statement. It also binds the state that was folded of the records
that are gone (`state`) and the file they were written to before (`archive`), each by its SHA-256 in hex.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

from graphsvc.core.audit.merkle import frontier_heights, frontier_root
from graphsvc.core.audit.note import Note, SigningKey, open_note
from graphsvc.errors import BadInput

__all__ = ["Statement", "open_statement", "sign_statement"]

_TITLE = "graphsvc audit truncation"
_NUMBER = re.compile("[1-9][0-9]{0,18}")
_DIGEST = re.compile("[0-9a-f]{64}")
_HEAD = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """removed: records 1 to this one are gone. size: of the log when this was signed. root: over the removed ones.

    at: when, RFC 3339. frontier: hashes of the largest complete subtrees of the removed leaves, left to right.
    """

    origin: str
    removed: int
    size: int
    root: bytes
    at: str
    state: str
    archive: str
    frontier: tuple[bytes, ...]
    note: Note
    text: str


def sign_statement(
    key: SigningKey,
    *,
    removed: int,
    size: int,
    at: str,
    state: str,
    archive: str,
    frontier: tuple[bytes, ...],
) -> Statement:
    """A statement of the log whose key this is."""
    lines = [_TITLE, key.name, str(removed), str(size), _encoded(frontier_root(frontier)), at, state, archive]
    return open_statement(key.sign("\n".join([*lines, *map(_encoded, frontier)]) + "\n"))


def open_statement(given: str | bytes) -> Statement:
    """Read a statement; BadInput (field `statement`) when it is none or does not fit itself. No signature is verified."""
    try:
        note = open_note(given)
    except BadInput as error:
        raise _malformed(str(error)) from None
    title, *lines = note.text.removesuffix("\n").split("\n")
    if (
        title != _TITLE
        or len(lines) < _HEAD
        or not (_NUMBER.fullmatch(lines[1]) and _NUMBER.fullmatch(lines[2]))
    ):
        raise _malformed("it does not begin with its title, a log, what was removed and a size")
    origin, removed, size = lines[0], int(lines[1]), int(lines[2])
    root, frontier = _hash(lines[3]), tuple(map(_hash, lines[_HEAD:]))
    if not (_DIGEST.fullmatch(lines[5]) and _DIGEST.fullmatch(lines[6])):
        raise _malformed("it does not name the state and the archive")
    if removed > size or len(frontier) != len(frontier_heights(removed)):
        raise _malformed(f"its hashes are not those of {removed} records")
    if frontier_root(frontier) != root:
        raise _malformed("its hashes do not lead to its root")
    return Statement(
        origin=origin, removed=removed, size=size, root=root, at=lines[4], state=lines[5], archive=lines[6],
        frontier=frontier, note=note, text=given.decode() if isinstance(given, bytes) else given,
    )  # fmt: skip


def _hash(text: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raw = b""
    if len(raw) != 32 or _encoded(raw) != text:
        raise _malformed("a hash is not 32 bytes of base64")
    return raw


def _encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _malformed(why: str) -> BadInput:
    return BadInput(
        f"is no statement of truncation: {why.removeprefix('is no signed note: ')}", field="statement"
    )
