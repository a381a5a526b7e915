"""Public keys of somebody who signs tokens for us: a JWK set, from a file or fetched, never by a redirect.

Format: RFC 7517. Keys are looked up in memory; a task of its own fetches, now and then and when a key is missing.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from pathlib import Path
from typing import Any

import aiohttp
import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from graphsvc.api.fetch import body_of

__all__ = ["ALGORITHMS", "KeySet"]

# Asymmetric ones only: whoever can check must not be able to sign. A token never chooses beyond this list.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA")
_LEAST_RSA_BITS = 2_048
_MAX_BYTES = 256 * 1024
_EVERY_S, _AGAIN_S, _TIMEOUT_S = 300.0, 5.0, 10.0
_log = logging.getLogger("graphsvc.api")


class KeySet:
    """Keys by their `kid`. One of uri and file is given."""

    def __init__(self, *, uri: str | None = None, file: Path | None = None) -> None:
        self.uri = uri
        self._file = file
        self._keys: dict[str | None, list[jwt.PyJWK]] = {}
        self._stamp: tuple[int, int] | None = None
        self._missing = asyncio.Event()
        self._taken: bytes | None = None
        self.generation = 0  # counts up whenever the keys are others

    def look(self) -> None:
        """Take what stands in the file now; one that is fetched is kept fresh by its task."""
        if self._file is not None:
            self._read(self._file)

    def find(self, kid: str | None, algorithm: str) -> list[jwt.PyJWK]:
        """Keys that may have signed; a missing one is fetched soon. kid: None = not said: all that fit."""
        self.look()
        named = (
            self._keys.get(kid, [])
            if kid is not None
            else [key for keys in self._keys.values() for key in keys]
        )
        fitting = [key for key in named if key.algorithm_name == algorithm or _fits(key, algorithm)]
        if not fitting:
            self._missing.set()
        return fitting

    async def keep_fresh(self) -> None:
        """Fetch for ever; ends when cancelled. Nothing to do for a file."""
        if self.uri is None:
            return
        timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                self._missing.clear()
                await self._fetch(session, self.uri)
                # A missing key is looked for at once, but never more often than this.
                await asyncio.sleep(_AGAIN_S)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_EVERY_S):
                        await self._missing.wait()

    async def _fetch(self, session: aiohttp.ClientSession, uri: str) -> None:
        try:
            async with session.get(uri, allow_redirects=False) as response:
                body = await body_of(response, _MAX_BYTES)
            self._take(body)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            # The keys of before stay.
            _log.warning("keys_not_fetched", extra={"uri": uri, "error": str(error) or type(error).__name__})

    def _read(self, file: Path) -> None:
        try:
            stat = file.stat()
            if self._stamp == (stat.st_mtime_ns, stat.st_size):
                return
            self._take(file.read_bytes())
            self._stamp = (stat.st_mtime_ns, stat.st_size)
        except (OSError, ValueError) as error:
            _log.warning("keys_not_read", extra={"file": str(file), "error": str(error)})

    def _take(self, body: bytes) -> None:
        found: dict[str | None, list[jwt.PyJWK]] = {}
        document = json.loads(body)
        listed = document.get("keys") if isinstance(document, dict) else None
        if not isinstance(listed, list):
            raise ValueError("no member `keys`")
        for each in listed:
            key = _usable(each)
            if key is not None:
                found.setdefault(key.key_id, []).append(key)
        self._keys = found
        if body != self._taken:
            self._taken = body
            self.generation += 1


def _usable(document: Any) -> jwt.PyJWK | None:
    if not isinstance(document, dict) or document.get("use", "sig") != "sig" or "k" in document:
        return None
    try:
        key = jwt.PyJWK(document)
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    inner = key.key
    if isinstance(inner, RSAPublicKey) and inner.key_size < _LEAST_RSA_BITS:
        return None
    return key if key.algorithm_name in ALGORITHMS else None


def _fits(key: jwt.PyJWK, algorithm: str) -> bool:
    # A key that names no algorithm may be used with any of its family.
    family = {"RSA": ("RS", "PS"), "EC": ("ES",), "OKP": ("Ed",)}.get(str(key.key_type), ())
    return key.algorithm_name[:2] in family and algorithm[:2] in family and algorithm in ALGORITHMS
