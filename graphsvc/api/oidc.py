"""Tokens of an OpenID Connect issuer: JWTs with our audience, whose claim `roles` says what the caller may do."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Collection

import jwt

from graphsvc.api.auth import ROLES, Login, Unauthenticated
from graphsvc.api.jwks import ALGORITHMS, KeySet
from graphsvc.decide.command import Caller

__all__ = ["IssuerVerifier"]

_MAX_REMEMBERED = 1_024
_LEEWAY_S = 30.0


class IssuerVerifier:
    """Verifies the tokens of one issuer; tokens signed by the local key are not taken beside them."""

    def __init__(
        self, issuer: str, audience: str, keys: KeySet, algorithms: Collection[str] = ALGORITHMS
    ) -> None:
        self._algorithms = frozenset(algorithms)
        self._issuer = issuer
        self._audience = audience
        self._keys = keys
        self._verified: OrderedDict[str, Login] = OrderedDict()
        self._generation = 0

    def holds(self, login: Login) -> bool:
        """Always until it expires: an issuer takes tokens back by ending sessions, which Shared Signals tell."""
        return True

    def login(self, authorization: str | None) -> Login:
        """The login of `Bearer <token>`; Unauthenticated says what is wrong."""
        if not authorization:
            raise Unauthenticated(
                f"a token of {self._issuer} is needed: send `Authorization: Bearer <token>`"
            )
        self._keys.look()
        self._forget_withdrawn()
        known = self._verified.get(authorization)
        if known is not None and known.expires_s is not None and time.time() < known.expires_s:
            return known
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Unauthenticated("the Authorization value must be `Bearer <token>`")
        login = self._login(self._claims(token.strip()))
        self._forget_withdrawn()
        self._verified[authorization] = login
        if len(self._verified) > _MAX_REMEMBERED:
            self._verified.popitem(last=False)
        return login

    def _forget_withdrawn(self) -> None:
        """A key may have been withdrawn: what it had signed is verified again."""
        if self._generation != self._keys.generation:
            self._verified.clear()
            self._generation = self._keys.generation

    def _claims(self, token: str) -> dict[str, object]:
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError:
            raise Unauthenticated("the token is damaged") from None
        algorithm, kid = header.get("alg"), header.get("kid")
        if algorithm not in self._algorithms:
            raise Unauthenticated("the token is signed in a way that is not accepted")
        for key in self._keys.find(kid if isinstance(kid, str) else None, str(algorithm)):
            try:
                claims: dict[str, object] = jwt.decode(
                    token, key.key, algorithms=[str(algorithm)], audience=self._audience, issuer=self._issuer,
                    leeway=_LEEWAY_S, options={"require": ["exp", "iss", "aud", "sub"]},
                )  # fmt: skip
            except jwt.InvalidSignatureError:
                continue
            except jwt.ExpiredSignatureError:
                raise Unauthenticated("the token has expired; ask the issuer for a new one") from None
            except jwt.PyJWTError:
                raise Unauthenticated("the token is not from the issuer, or not for this service") from None
            return claims
        raise Unauthenticated("the token was not signed by a key of the issuer that is known here")

    def _login(self, claims: dict[str, object]) -> Login:
        roles, subjects, scope = claims.get("roles"), claims.get("subjects", ["*"]), claims.get("scope", "")
        if not isinstance(roles, list) or not isinstance(subjects, list) or not isinstance(scope, str):
            raise Unauthenticated(
                "the token's claims `roles`, `subjects` (lists) or `scope` (text) are malformed"
            )
        expires = claims["exp"]
        return Login(
            caller=Caller(
                subject=str(claims["sub"]),
                roles=frozenset(each for each in roles if isinstance(each, str)) & ROLES,
                scopes=frozenset(scope.split()),
                subjects=tuple(each for each in subjects if isinstance(each, str)),
            ),
            expires_s=float(expires) if isinstance(expires, int | float) else 0.0,
        )
