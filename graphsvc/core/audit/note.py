"""Signed notes and checkpoints, as written down at c2sp.org/signed-note and c2sp.org/tlog-checkpoint.

A note is text ending in a line end, an empty line, and signature lines: an em dash, the key's name, and base64 of a
4-byte hint at the key and the signature. A checkpoint is a note of three lines: the log's origin, the tree's size in
decimal, base64 of its root. Ed25519 (algorithm 0x01) is the only kind of key used here.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from graphsvc.errors import BadInput

__all__ = [
    "Checkpoint",
    "Note",
    "SigningKey",
    "VerifierKey",
    "checkpoint_text",
    "open_checkpoint",
    "open_note",
]

_ED25519 = b"\x01"
_HINT_SIZE, _KEY_SIZE = 4, 32
_DASH = "\u2014 "
_NAME = re.compile(r"[^\s+]+")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_MAX_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key with its name. As text: `<name>+<hint, hex>+<base64 of algorithm and key>`."""

    name: str
    public: bytes

    @staticmethod
    def parse(text: str) -> VerifierKey:
        """The key of a text; BadInput (field `key`) when it is none."""
        name, _, rest = text.strip().partition("+")
        hint, _, encoded = rest.partition("+")
        raw = _decoded(encoded)
        if raw is None or len(raw) != 1 + _KEY_SIZE or raw[:1] != _ED25519 or not _NAME.fullmatch(name):
            raise BadInput("is no Ed25519 verifier key `<name>+<hint>+<base64>`", field="key")
        key = VerifierKey(name, raw[1:])
        if hint != key.hint.hex():
            raise BadInput(f"the hint `{hint[:16]}` is not the one of this key; was it cut?", field="key")
        return key

    @property
    def hint(self) -> bytes:
        """The first 4 bytes of the hash of name and key."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:_HINT_SIZE]

    def __str__(self) -> str:
        return f"{self.name}+{self.hint.hex()}+{base64.b64encode(_ED25519 + self.public).decode()}"

    def is_by(self, signature: bytes, text: bytes) -> bool:
        """Whether the signature is one of this key over the text."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key with its name."""

    name: str
    private: Ed25519PrivateKey

    @property
    def verifier(self) -> VerifierKey:
        """The public half."""
        return VerifierKey(self.name, self.private.public_key().public_bytes_raw())

    def line(self, text: str) -> str:
        """The signature line over a text that ends in a line end."""
        signed = self.verifier.hint + self.private.sign(text.encode())
        return f"{_DASH}{self.name} {base64.b64encode(signed).decode()}\n"

    def sign(self, text: str) -> str:
        """The text as a note signed by this key."""
        assert text.endswith("\n"), "a note's text ends in a line end"
        return f"{text}\n{self.line(text)}"


@dataclass(frozen=True, slots=True)
class Note:
    """A note as it was read. signatures: (name, hint, signature) of each line, not verified yet."""

    text: str
    signatures: tuple[tuple[str, bytes, bytes], ...]

    def signed_by(self, key: VerifierKey) -> bool:
        """True when a line is by this key and every line that claims to be is genuine."""
        claimed = [
            signature for name, hint, signature in self.signatures if (name, hint) == (key.name, key.hint)
        ]
        return bool(claimed) and all(key.is_by(each, self.text.encode()) for each in claimed)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log's size and root at one moment. note: as signed."""

    origin: str
    size: int
    root: bytes
    note: Note


def open_note(given: str | bytes) -> Note:
    """Read a note; BadInput (field `note`) tells what is malformed. Nothing is verified."""
    try:
        whole = given.decode() if isinstance(given, bytes) else given
    except UnicodeDecodeError:
        raise _malformed("it is not UTF-8") from None
    if len(whole) > _MAX_BYTES:
        raise _malformed(f"it is longer than {_MAX_BYTES:,} characters")
    if any(ord(character) < 32 and character != "\n" for character in whole):
        raise _malformed("it holds control characters")
    text, blank, lines = whole.rpartition("\n\n")
    if not blank or not lines.endswith("\n"):
        raise _malformed("it has no empty line followed by signature lines")
    return Note(text + "\n", tuple(_signature(line) for line in lines[:-1].split("\n")))


def checkpoint_text(origin: str, size: int, root: bytes) -> str:
    """What is signed of a checkpoint."""
    return f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"


def open_checkpoint(given: str | bytes) -> Checkpoint:
    """Read a checkpoint; BadInput (field `note`) when it is none. Nothing is verified."""
    note = open_note(given)
    lines = note.text.split("\n")
    root = _decoded(lines[2]) if len(lines) == 4 else None
    if root is None or len(root) != 32 or not lines[0] or not _SIZE.fullmatch(lines[1]):
        raise _malformed("it does not hold an origin, a size and a root on three lines")
    return Checkpoint(origin=lines[0], size=int(lines[1]), root=root, note=note)


def _signature(line: str) -> tuple[str, bytes, bytes]:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    raw = _decoded(encoded)
    if not line.startswith(_DASH) or not _NAME.fullmatch(name) or raw is None or len(raw) <= _HINT_SIZE:
        raise _malformed("a signature line is not an em dash, a key's name and base64")
    return name, raw[:_HINT_SIZE], raw[_HINT_SIZE:]


def _decoded(text: str) -> bytes | None:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    # One spelling only: spare bits of the last character are not free to change.
    return raw if base64.b64encode(raw).decode() == text else None


def _malformed(why: str) -> BadInput:
    return BadInput(f"is no signed note: {why}", field="note")
