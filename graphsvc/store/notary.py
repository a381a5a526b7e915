"""The notary on disk: keys and the last checkpoint of each log, in the state folder, away from the store."""

from __future__ import annotations

import fcntl
import os
import re
import uuid
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from graphsvc.core.audit.key import KeyHistory
from graphsvc.core.audit.note import SigningKey
from graphsvc.errors import BadInput, SettingsError

__all__ = ["FileNotary", "MemoryNotary"]

_KEY, _KEYS, _LAST = "key.pem", "keys.json", "checkpoint.txt"


class FileNotary:
    """A Notary in `<state folder>/audit/<origin>/`, which only its owner can read."""

    def __init__(self, state_dir: Path) -> None:
        self._home = state_dir / "audit"

    def folder(self, origin: str) -> Path:
        """Where everything of one log lies."""
        return self._home / re.sub(r"[^A-Za-z0-9._-]", "-", origin)

    def key(self, origin: str) -> SigningKey:
        """The key that signs now, made on first use."""
        path = self.folder(origin) / _KEY
        if not path.exists() or not (self.folder(origin) / _KEYS).exists():
            self._make(origin)
        key = SigningKey(origin, _private(path))
        if self._history(origin).newest != key.verifier:
            raise SettingsError(
                f"`{path}` is not the newest key of `{_KEYS}` beside it; restore both from a backup"
            )
        return key

    def keys(self, origin: str) -> KeyHistory:
        """All keys so far."""
        self.key(origin)
        return self._history(origin)

    def new_key(self, origin: str) -> SigningKey:
        """Another key, kept nowhere yet."""
        return SigningKey(origin, Ed25519PrivateKey.generate())

    def replace(self, origin: str, key: SigningKey, history: KeyHistory) -> None:
        """From now on this key signs."""
        # The key before the list: a crash in between is told, and the old key is beside it.
        path = self.folder(origin) / _KEY
        if path.exists():
            self._write(origin, f"retired-{len(history.rows) - 1}.pem", path.read_bytes())
        self._write(origin, _KEY, _pem(key))
        self._write(origin, _KEYS, history.to_json())

    def last(self, origin: str) -> str | None:
        """The last checkpoint kept."""
        path = self.folder(origin) / _LAST
        try:
            return path.read_text(encoding="utf-8") if path.exists() else None
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"`{path}` cannot be read: {error}; restore it from a backup") from None

    def keep(self, origin: str, note: str) -> None:
        """Keep a checkpoint in place of the last."""
        self._write(origin, _LAST, note.encode())

    def _make(self, origin: str) -> None:
        folder = self.folder(origin)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = (folder / ".lock").open("w")
        except OSError as error:
            raise _unwritable(folder, error) from error
        # Replicas that share the folder and start at once end up with one key.
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            has_key, has_list = (folder / _KEY).exists(), (folder / _KEYS).exists()
            if has_key and has_list:
                return
            if has_list or (folder / _LAST).exists():
                missing = folder / (_KEY if has_list else _KEYS)
                raise SettingsError(
                    f"`{missing}` is missing, but the log is signed; restore it from a backup"
                )
            made = SigningKey(origin, _private(folder / _KEY)) if has_key else self.new_key(origin)
            if not has_key:
                self._write(origin, _KEY, _pem(made))
            self._write(origin, _KEYS, KeyHistory.first(made.verifier).to_json())

    def _history(self, origin: str) -> KeyHistory:
        path = self.folder(origin) / _KEYS
        try:
            return KeyHistory.parse(path.read_bytes())
        except (OSError, BadInput) as error:
            raise SettingsError(f"`{path}`: {error}; restore it from a backup") from None

    def _write(self, origin: str, name: str, content: bytes) -> None:
        folder = self.folder(origin)
        path, aside = folder / name, folder / f".{name}.{uuid.uuid4().hex}"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(descriptor)
                aside.replace(path)
            finally:
                aside.unlink(missing_ok=True)
        except OSError as error:
            raise _unwritable(path, error) from error


class MemoryNotary:
    """A Notary for stores that die with the process."""

    def __init__(self) -> None:
        self._key: SigningKey | None = None
        self._keys: KeyHistory | None = None
        self._last: str | None = None

    def key(self, origin: str) -> SigningKey:
        """The key that signs now."""
        if self._key is None:
            self._key = self.new_key(origin)
            self._keys = KeyHistory.first(self._key.verifier)
        return self._key

    def keys(self, origin: str) -> KeyHistory:
        """All keys so far."""
        self.key(origin)
        assert self._keys is not None
        return self._keys

    def new_key(self, origin: str) -> SigningKey:
        """Another key."""
        return SigningKey(origin, Ed25519PrivateKey.generate())

    def replace(self, origin: str, key: SigningKey, history: KeyHistory) -> None:
        """From now on this key signs."""
        self._key, self._keys = key, history

    def last(self, origin: str) -> str | None:
        """The last checkpoint kept."""
        return self._last

    def keep(self, origin: str, note: str) -> None:
        """Keep a checkpoint in place of the last."""
        self._last = note


def _private(path: Path) -> Ed25519PrivateKey:
    try:
        if path.stat().st_mode & 0o077:
            raise SettingsError(f"`{path}` can be read by others; run `chmod 600 {path}`")
        private = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError) as error:
        raise SettingsError(f"`{path}` cannot be read as a private key: {error}") from None
    if not isinstance(private, Ed25519PrivateKey):
        raise SettingsError(f"`{path}` holds no Ed25519 key; restore it from a backup")
    return private


def _pem(key: SigningKey) -> bytes:
    return key.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _unwritable(path: Path, error: OSError) -> SettingsError:
    return SettingsError(f"`{path}` cannot be written: {error.strerror}; choose another GRAPHSVC_STATE_DIR")
