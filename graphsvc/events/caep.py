"""What happens to identities, as security event tokens for others: suspensions end sessions, risk changes its level.

Formats: RFC 8417 (SET), OpenID Shared Signals Framework 1.0, OpenID CAEP 1.0, signed RS256 as the CAEP interoperability
profile asks. A token's `jti` is its record's, so a receiver knows one that comes again; a level is that of the moment
at which it is told.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from graphsvc.core.record import Decided, Signalled, Suspended
from graphsvc.core.score import as_score
from graphsvc.core.value import Json
from graphsvc.decide.command import LogEvent
from graphsvc.decide.service import GraphsvcService
from graphsvc.errors import SettingsError
from graphsvc.events.sink import HttpSink

__all__ = ["PushSink", "SigningKey", "Teller", "signing_key"]

CAEP = "https://schemas.openid.net/secevent/caep/event-type/"
_KEY_FILE = "ssf-key.pem"
_BITS = 2_048
_MEDIUM, _HIGH = 0.3, 0.6
_ALIAS = "iss_sub:"


class SigningKey:
    """An RSA key with the name that receivers find it by."""

    def __init__(self, key: RSAPrivateKey) -> None:
        self._key = key
        public: dict[str, Any] = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
        thumb = json.dumps(
            {name: public[name] for name in ("e", "kty", "n")}, separators=(",", ":"), sort_keys=True
        )
        self.kid = hashlib.sha256(thumb.encode()).hexdigest()[:16]
        self.public: dict[str, Any] = {
            "kty": "RSA",
            "n": public["n"],
            "e": public["e"],
            "kid": self.kid,
            "use": "sig",
            "alg": "RS256",
        }

    def sign(self, claims: dict[str, Any]) -> str:
        """A security event token."""
        return jwt.encode(
            claims, self._key, algorithm="RS256", headers={"kid": self.kid, "typ": "secevent+jwt"}
        )


def signing_key(state: Path) -> SigningKey:
    """The key in a directory, made when there is none; SettingsError when it cannot be read."""
    path = state / _KEY_FILE
    try:
        if not path.exists():
            state.mkdir(parents=True, exist_ok=True)
            made = generate_private_key(public_exponent=65_537, key_size=_BITS)
            pem = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            _write_once(path, pem)
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError) as error:
        raise SettingsError(f"`{path}` holds no key to sign security events with: {error}") from None
    if not isinstance(key, RSAPrivateKey):
        raise SettingsError(f"`{path}` is no RSA key; move it away, and a new one is made")
    return SigningKey(key)


def _write_once(path: Path, pem: bytes) -> None:
    """Whoever is first writes it; nobody else may read it."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(handle, "wb") as file:
        file.write(pem)


class Teller:
    """Tokens for one receiver. levels: what each identity was told to be last, LOW if nothing was."""

    def __init__(self, service: GraphsvcService, key: SigningKey, *, issuer: str, audience: str) -> None:
        self._service = service
        self._key = key
        self._issuer = issuer
        self._audience = audience
        self._levels: dict[str, str] = {}

    def messages(self, event: LogEvent) -> Sequence[bytes]:
        """The tokens of a record, none for most."""
        record = event.record
        match record:
            case Suspended():
                subject = self._suspended(record)
                if subject is None:
                    return ()
                claims: dict[str, Json] = {
                    "initiating_entity": "admin",
                    "reason_admin": {"en": record.reason or "suspended"},
                }
                return (self._token(event, "session-revoked", subject, claims),)
            case Signalled():
                return self._level(event, record.identity, record.cause)
            case Decided() if record.risk.after_micros != record.risk.before_micros:
                behind = record.request.on_behalf_of
                who = behind[-1].id if behind else record.request.subject.id
                reasons = ", ".join(reason.code.value for reason in record.reasons)
                return self._level(event, who, reasons or "an action raised the risk")
        return ()

    def _suspended(self, record: Suspended) -> dict[str, Json] | None:
        match record.target_kind:
            case "identity":
                return self._subject(record.target)
            case "session" | "chain":
                name: Json = {"format": "opaque", "id": f"{record.target_kind}:{record.target}"}
                return {"format": "complex", "session": name}
        return None

    def _level(self, event: LogEvent, identity: str, reason: str) -> Sequence[bytes]:
        view = self._service.identity(identity)
        if view is None:
            return ()
        at_ms = event.record.at_ms
        micros = view.risk_micros + sum(signal.micros(at_ms) for signal in self._service.signals(view.id))
        score = as_score(micros)
        level = "HIGH" if score >= _HIGH else "MEDIUM" if score >= _MEDIUM else "LOW"
        before = self._levels.get(view.id, "LOW")
        if level == before:
            return ()
        self._levels[view.id] = level
        claims: dict[str, Json] = {
            "principal": "USER",
            "current_level": level,
            "previous_level": before,
            "risk_reason": reason,
            "initiating_entity": "policy",
        }
        return (self._token(event, "risk-level-change", self._subject(view.id), claims),)

    def _subject(self, identity: str) -> dict[str, Json]:
        view = self._service.identity(identity)
        for name in view.aliases if view is not None else ():
            if name.startswith(_ALIAS):
                issuer, mark, subject = name.removeprefix(_ALIAS).rpartition("#")
                if mark:
                    return {"format": "iss_sub", "iss": issuer, "sub": subject}
            if name.startswith("email:"):
                return {"format": "email", "email": name.removeprefix("email:")}
        return {"format": "opaque", "id": identity}

    def _token(self, event: LogEvent, kind: str, subject: dict[str, Json], claims: dict[str, Json]) -> bytes:
        seconds = event.record.at_ms // 1000
        payload: dict[str, Any] = {
            "iss": self._issuer,
            "aud": self._audience,
            "iat": seconds,
            "jti": f"{self._service.revision().rpartition('.')[0]}.{event.seq}.{kind}",
            "sub_id": subject,
            "events": {CAEP + kind: {"event_timestamp": seconds, **claims}},
        }
        return self._key.sign(payload).encode()


class PushSink:
    """Pushes tokens one by one (RFC 8935)."""

    def __init__(self, endpoint: str, token_file: Path | None = None) -> None:
        self._http = HttpSink(endpoint, token_file, "application/secevent+jwt")

    async def send(self, messages: Sequence[bytes]) -> None:
        """Every token by itself; one that was taken may be sent again when a later one is not."""
        for token in messages:
            await self._http.post(token)

    async def close(self) -> None:
        """End its connections."""
        await self._http.close()
