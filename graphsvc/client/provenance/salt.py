"""Values as salted hashes: what leaves the process instead of them."""

from __future__ import annotations

import hashlib
import secrets

from graphsvc.client.provenance.token import Token

__all__ = ["Hasher"]

_SIZE = 12


class Hasher:
    """Hashes of one task. salt: 16 bytes or more, kept in the process; the same salt gives the same hashes."""

    __slots__ = ("_keyed", "_known")

    def __init__(self, salt: bytes | None = None) -> None:
        key = salt if salt is not None else secrets.token_bytes(32)
        self._keyed = hashlib.blake2b(key=key[:64], digest_size=_SIZE)
        self._known: dict[Token, str] = {}

    def __call__(self, token: Token) -> str:
        """`<type>.<hash>`."""
        found = self._known.get(token)
        if found is None:
            keyed = self._keyed.copy()
            keyed.update(f"{token.kind}\0{token.value}".encode())
            found = self._known[token] = f"{token.kind}.{keyed.hexdigest()}"
        return found
