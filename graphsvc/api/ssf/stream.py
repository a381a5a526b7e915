"""A stream of security events that somebody sends us, and the check of each of its tokens.

Formats: RFC 8417 (SET), OpenID Shared Signals Framework 1.0.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt

from graphsvc.api.jwks import ALGORITHMS, KeySet
from graphsvc.errors import GraphsvcError

__all__ = ["EventRefused", "SecurityEvent", "Stream"]

_TYPE = "secevent+jwt"
_LEEWAY_S = 300.0


class EventRefused(GraphsvcError):
    """A token is not taken. err: a code of RFC 8935."""

    def __init__(self, err: str, message: str) -> None:
        super().__init__(message)
        self.err = err


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityEvent:
    """One event of a verified token. kind: its URI; subject: `sub_id` as sent; at_s: Unix seconds."""

    jti: str
    kind: str
    subject: dict[str, Any]
    claims: dict[str, Any]
    at_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """What the settings say of it. endpoint, token_file: of one that is polled; push_token_file: asks pushers for it."""

    name: str
    issuer: str
    audience: str
    keys: KeySet
    endpoint: str | None = None
    token_file: Path | None = None
    push_token_file: Path | None = None
    algorithms: tuple[str, ...] = field(default=ALGORITHMS)

    def read(self, token: str, *, now_s: float | None = None) -> SecurityEvent:
        """The event of a token; EventRefused with the code that says what is wrong."""
        header = _header(token)
        if str(header.get("typ", "")).lower().removeprefix("application/") != _TYPE:
            raise EventRefused("invalid_request", f"typ: must be {_TYPE}")
        algorithm = header.get("alg")
        if algorithm not in self.algorithms:
            raise EventRefused("invalid_key", f"alg: `{algorithm}` is not accepted")
        claims = self._verified(token, header, str(algorithm))
        if claims.get("iss") != self.issuer:
            raise EventRefused("invalid_issuer", "iss: is not the issuer of this stream")
        if self.audience not in _texts(claims.get("aud")):
            raise EventRefused("invalid_audience", "aud: does not name this receiver")
        for name in ("sub", "exp"):
            if name in claims:
                raise EventRefused(
                    "invalid_request", f"{name}: must not be present in a security event token"
                )
        return self._event(claims, time.time() if now_s is None else now_s)

    def _verified(self, token: str, header: dict[str, Any], algorithm: str) -> dict[str, Any]:
        kid = header.get("kid")
        for key in self.keys.find(kid if isinstance(kid, str) else None, algorithm):
            try:
                claims: dict[str, Any] = jwt.decode(
                    token,
                    key.key,
                    algorithms=[algorithm],
                    options={
                        "verify_aud": False,
                        "verify_exp": False,
                        "verify_iat": False,
                        "verify_sub": False,
                    },
                )
            except jwt.PyJWTError:
                continue
            return claims
        raise EventRefused("invalid_key", "the signature cannot be verified with a key of the issuer")

    def _event(self, claims: dict[str, Any], now_s: float) -> SecurityEvent:
        jti, at_s, events, subject = (claims.get(name) for name in ("jti", "iat", "events", "sub_id"))
        if not isinstance(jti, str) or not jti or len(jti) > 255:
            raise EventRefused("invalid_request", "jti: is missing")
        if not isinstance(at_s, int | float) or isinstance(at_s, bool) or at_s > now_s + _LEEWAY_S:
            raise EventRefused("invalid_request", "iat: is missing or lies in the future")
        if not isinstance(events, dict) or len(events) != 1:
            raise EventRefused("invalid_request", "events: must hold exactly one event")
        kind, payload = next(iter(events.items()))
        if not isinstance(payload, dict):
            raise EventRefused("invalid_request", "events: an event must be an object")
        if subject is None:
            # Drafts before 1.0 had the subject inside the event.
            subject = payload.get("subject")
        if not isinstance(subject, dict) or not isinstance(subject.get("format"), str):
            raise EventRefused("invalid_request", "sub_id: is missing or names no format")
        return SecurityEvent(jti=jti, kind=kind, subject=subject, claims=payload, at_s=float(at_s))


def _header(token: str) -> dict[str, Any]:
    try:
        return jwt.get_unverified_header(token)
    except jwt.PyJWTError:
        raise EventRefused("invalid_request", "the body is no signed security event token") from None


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
