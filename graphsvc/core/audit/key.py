"""The keys that sign a log's checkpoints, one after another, each vouched for by its neighbours.

A new key comes with a note signed by the key before it and by itself, which says from which size of the log on it
signs. Whoever trusts any one key of the row can so check every other, and a key that was retired cannot sign
anything later. A verifier that trusts none of them learns only that the row fits together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import msgspec

from graphsvc.core.audit.note import Note, SigningKey, VerifierKey, open_note
from graphsvc.errors import BadInput

__all__ = ["KeyHistory", "KeyRow", "Signed", "endorse"]

_TITLE = "graphsvc audit key"


class Signed(Protocol):
    """What a log's key signs. size: of the log at that moment."""

    @property
    def origin(self) -> str:
        """The log."""

    @property
    def size(self) -> int:
        """How many records it had."""

    @property
    def note(self) -> Note:
        """As signed."""


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key and the size of the log from which on it signs. endorsement: the note, None of the first key."""

    key: VerifierKey
    since: int = 0
    endorsement: str | None = None


class _Written(msgspec.Struct, frozen=True):
    key: str
    since: int = 0
    endorsement: str | None = None


class _File(msgspec.Struct, frozen=True):
    keys: list[_Written]


@dataclass(frozen=True, slots=True)
class KeyHistory:
    """All keys of one log, oldest first; made by `first`, `endorse` and `parse` only, so the row fits together."""

    rows: tuple[KeyRow, ...]

    @staticmethod
    def first(key: VerifierKey) -> KeyHistory:
        """The history of a log whose first key this is."""
        return KeyHistory((KeyRow(key),))

    @staticmethod
    def parse(text: str | bytes) -> KeyHistory:
        """The history of a JSON document; BadInput (field `keys`) when a key is not vouched for."""
        try:
            written = msgspec.json.decode(text, type=_File).keys
        except msgspec.MsgspecError as error:
            raise _refused(f"is no list of keys: {error}") from None
        rows: list[KeyRow] = []
        for each in written:
            try:
                row = KeyRow(VerifierKey.parse(each.key), each.since, each.endorsement)
            except BadInput as error:
                raise _refused(f"`{each.key[:60]}` {error}") from None
            _check(rows[-1] if rows else None, row)
            rows.append(row)
        if not rows:
            raise _refused("holds no key")
        return KeyHistory(tuple(rows))

    def to_json(self) -> bytes:
        """The document that `parse` reads."""
        return msgspec.json.format(
            msgspec.json.encode(
                _File([_Written(str(row.key), row.since, row.endorsement) for row in self.rows])
            )
        )

    @property
    def newest(self) -> VerifierKey:
        """The key that signs now."""
        return self.rows[-1].key

    def holds(self, key: VerifierKey) -> bool:
        """True when this key is one of the row."""
        return any(row.key == key for row in self.rows)

    def signer_of(self, signed: Signed) -> VerifierKey | None:
        """The key that signed it while it was in use; None when no such signature is genuine."""
        for place, row in enumerate(self.rows):
            end = self.rows[place + 1].since if place + 1 < len(self.rows) else None
            in_use = row.since <= signed.size and (end is None or signed.size <= end)
            if in_use and row.key.name == signed.origin and signed.note.signed_by(row.key):
                return row.key
        return None


def endorse(history: KeyHistory, old: SigningKey, new: SigningKey, size: int) -> KeyHistory:
    """The history with one more key, which signs from a log of `size` records on."""
    text = _text(new.verifier, size)
    note = old.sign(text) + new.line(text)
    row = KeyRow(new.verifier, size, note)
    _check(history.rows[-1], row)
    return KeyHistory((*history.rows, row))


def _text(key: VerifierKey, since: int) -> str:
    return f"{_TITLE}\n{key.name}\n{since}\n{key}\n"


def _check(before: KeyRow | None, row: KeyRow) -> None:
    if before is None:
        if row.endorsement is not None or row.since:
            raise _refused(f"begins with `{row.key}`, which is not the log's first key")
        return
    if row.endorsement is None or row.since < before.since or row.key.name != before.key.name:
        raise _refused(f"holds `{row.key}`, which the key before it does not vouch for")
    note = open_note(row.endorsement)
    genuine = note.signed_by(before.key) and note.signed_by(row.key)
    if not genuine or note.text != _text(row.key, row.since):
        raise _refused(f"holds `{row.key}`, which the key before it does not vouch for")


def _refused(why: str) -> BadInput:
    return BadInput(f"the key file {why}", field="keys")
