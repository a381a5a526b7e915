"""Local tokens that were issued, those taken back, and the keys they may be signed with; all beside the signing key.

`tokens.jsonl` has a line for each token issued (never the token), `revoked.json` the ids of those taken back and a time
before which none counts, `token-key-*.pub` the keys that were replaced and whose tokens still count.
"""

from __future__ import annotations

import fcntl
import hashlib
import math
import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from graphsvc.errors import BadInput, SettingsError

__all__ = ["KEY_FILE", "IssuedToken", "TokenRegister", "key_id"]

KEY_FILE = "token-key.pem"
_ISSUED, _REVOKED, _LOCK = "tokens.jsonl", "revoked.json", "tokens.lock"
_LOOK_S = 0.5


class IssuedToken(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a token. issued_s, expires_s: Unix seconds. key: the id of the key that signed it."""

    id: str
    subject: str
    roles: tuple[str, ...]
    scopes: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ("*",)
    issued_s: int
    expires_s: int
    key: str


class _Revoked(msgspec.Struct, kw_only=True):
    """ids: of tokens taken back, with the time until which that matters. before_s: older tokens do not count."""

    ids: dict[str, int] = {}
    before_s: float = 0


_issued = msgspec.json.Decoder(IssuedToken)


class TokenRegister:
    """The register in a state folder; several processes may use it. clock: Unix seconds."""

    def __init__(self, state_dir: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._home = state_dir
        self._clock = clock
        self._looked_s = -math.inf
        self._seen: tuple[object, ...] = ()
        self._revoked = _Revoked()
        self._keys: dict[str, Ed25519PublicKey] = {}
        self._current = ""

    def add(self, token: IssuedToken) -> None:
        """Note a token that was issued; those long expired are dropped."""
        with self._locked():
            now = self._clock()
            rows = [row for row in self._rows() if row.expires_s > now]
            self._write(_ISSUED, b"".join(msgspec.json.encode(row) + b"\n" for row in (*rows, token)))

    def tokens(self) -> list[tuple[IssuedToken, str]]:
        """Every token that has not been dropped, newest first, and its state: `valid`, `expired` or `revoked`."""
        self._load()
        now = self._clock()

        def state(row: IssuedToken) -> str:
            if self.is_revoked(row.id, row.issued_s):
                return "revoked"
            return "valid" if row.expires_s > now else "expired"

        return [(row, state(row)) for row in sorted(self._rows(), key=lambda row: -row.issued_s)]

    def revoke(self, *, token: str | None = None, subject: str | None = None) -> list[IssuedToken]:
        """Take back one token by its id, those of a subject, or all of the register; what was taken back.

        BadInput when there is none such.
        """
        with self._locked():
            self._load()
            now = self._clock()
            found = [
                row
                for row in self._rows()
                if row.expires_s > now
                and row.id not in self._revoked.ids
                and (token is None or row.id == token)
                and (subject is None or row.subject == subject)
            ]
            if not found:
                raise BadInput("no valid token fits; `graphsvc token list` shows them", field="token")
            ids = {**self._revoked.ids, **{row.id: row.expires_s for row in found}}
            self._keep({name: until for name, until in ids.items() if until > now}, self._revoked.before_s)
            return found

    def revoke_before(self, before_s: float) -> None:
        """Take back every token issued before a time, also those that no register knows."""
        with self._locked():
            self._load()
            self._keep(self._revoked.ids, max(before_s, self._revoked.before_s))

    def retire(self, key: Ed25519PublicKey) -> None:
        """Go on taking tokens that a replaced key signed, until they expire or are taken back."""
        with self._locked():
            pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            self._write(f"token-key-{key_id(key)}.pub", pem)

    def forget_retired(self) -> int:
        """Take no more tokens of replaced keys; how many keys those were."""
        with self._locked():
            files = list(self._home.glob("token-key-*.pub"))
            for file in files:
                file.unlink()
            return len(files)

    def is_revoked(self, token: str, issued_s: float) -> bool:
        """Whether a token was taken back, as of the last look at the files."""
        return token in self._revoked.ids or issued_s < self._revoked.before_s

    def key(self, name: str | None) -> Ed25519PublicKey | None:
        """The key that a token names, None when tokens of it do not count; without a name that which signs now."""
        self._refresh()
        return self._keys.get(self._current if name is None else name)

    def holds(self, token: str, issued_s: float, key: str | None) -> bool:
        """Whether a token still counts; what another process changed is seen half a second later."""
        return self.key(key) is not None and not self.is_revoked(token, issued_s)

    def _refresh(self) -> None:
        now = time.monotonic()
        if now - self._looked_s >= _LOOK_S:
            # While it cannot be read every request looks again, and is refused.
            self._looked_s = -math.inf
            self._load()
            self._looked_s = now

    def _load(self) -> None:
        signing = self._home / KEY_FILE
        files = sorted(self._home.glob("token-key-*.pub"))
        seen = tuple((path.name, _stamp(path)) for path in (self._home / _REVOKED, signing, *files))
        if seen == self._seen:
            return
        path = self._home / _REVOKED
        try:
            revoked = msgspec.json.decode(path.read_bytes(), type=_Revoked) if path.exists() else _Revoked()
            keys = [load_pem_public_key(file.read_bytes()) for file in files]
            current = load_pem_private_key(signing.read_bytes(), password=None) if signing.exists() else None
        except (OSError, ValueError) as error:
            # INVARIANT: what cannot be read must not bring a revoked token back.
            raise SettingsError(f"`{path}` or a key beside it cannot be read: {error}") from None
        # A file that is gone, or older again, brings nothing back that was taken back before our eyes.
        known, now = self._revoked, self._clock()
        self._revoked = _Revoked(
            ids={name: until for name, until in (known.ids | revoked.ids).items() if until > now},
            before_s=max(known.before_s, revoked.before_s),
        )
        self._keys = {key_id(key): key for key in keys if isinstance(key, Ed25519PublicKey)}
        if isinstance(current, Ed25519PrivateKey):
            self._current = key_id(current)
            self._keys[self._current] = current.public_key()
        self._seen = seen

    def _rows(self) -> list[IssuedToken]:
        path = self._home / _ISSUED
        try:
            lines = path.read_bytes().splitlines() if path.exists() else []
            return [_issued.decode(line) for line in lines]
        except (OSError, ValueError) as error:
            raise SettingsError(f"`{path}` cannot be read: {error}; restore or remove it") from None

    def _keep(self, ids: dict[str, int], before_s: float) -> None:
        self._write(_REVOKED, msgspec.json.encode(_Revoked(ids=ids, before_s=before_s)))
        self._load()

    def _write(self, name: str, content: bytes) -> None:
        aside = self._home / f".{name}.{uuid.uuid4().hex}"
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        aside.replace(self._home / name)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._home / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise SettingsError(
                f"`{self._home}` cannot be written: {error.strerror}; choose another GRAPHSVC_STATE_DIR"
            ) from error


def key_id(key: Ed25519PublicKey | Ed25519PrivateKey) -> str:
    """The id of a key, as tokens name it: the start of the SHA-256 of its public part."""
    public = key.public_key() if isinstance(key, Ed25519PrivateKey) else key
    return hashlib.sha256(public.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:16]


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino)
