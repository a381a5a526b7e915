"""Sessions of browsers: a signed cookie, and the door that lets it count for nobody but the service's own page.

A cookie travels with every request that a browser makes to us, also with those that a stranger's page makes it send. So it
counts only where the request could come from nowhere but our own page: SameSite=Strict, a header that no form can send and
that another origin would have to ask for (which is never granted), and an `Origin` of ours where there is one.
Scripts cannot read it (HttpOnly), and over https it has the prefix `__Host-`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.types import ASGIApp, Receive, Scope, Send

from graphsvc.api.auth import Authenticator, Login, TokenVerifier, Unauthenticated, issue_token
from graphsvc.api.token_register import TokenRegister
from graphsvc.errors import BadInput

__all__ = ["PAGE_HEADER", "Cookies", "SessionDoor", "Sessions"]

SESSION_AUDIENCE = "graphsvc-session"
PAGE_HEADER = "x-graphsvc-page"
_SCHEME = "Session "
_LOGIN_S = 600
_LOGIN_AUDIENCE = "graphsvc-login"


class Sessions:
    """Makes sessions, takes them back, and is an authenticator: `Session <token>` beside whatever `inner` knows.

    key: the local signing key, the same on all replicas. register: so that `graphsvc token list | revoke` knows sessions too.
    """

    def __init__(
        self, inner: Authenticator, key: Ed25519PrivateKey, register: TokenRegister, *, ttl_s: int
    ) -> None:
        self._inner = inner
        self._key = key
        self._register = register
        self._ttl_s = ttl_s
        self._verifier = TokenVerifier(key, register, audience=SESSION_AUDIENCE)

    @property
    def ttl_s(self) -> int:
        """Seconds that a session lasts."""
        return self._ttl_s

    def login(self, authorization: str | None) -> Login:
        """The login of a session, else what the other authenticator says."""
        if authorization is not None and authorization.startswith(_SCHEME):
            return self._verifier.login(f"Bearer {authorization.removeprefix(_SCHEME)}")
        return self._inner.login(authorization)

    def holds(self, login: Login) -> bool:
        """Whether it was not taken back since."""
        return self._verifier.holds(login) if login.session else self._inner.holds(login)

    def begin(self, subject: str, roles: Iterable[str]) -> str:
        """A session's token; BadInput without a role."""
        return issue_token(
            self._key, subject=subject, roles=roles, ttl_s=self._ttl_s, register=self._register, audience=SESSION_AUDIENCE
        )  # fmt: skip

    def end(self, token: str) -> None:
        """Take a session back; nothing happens when it has ended already."""
        try:
            login = self.login(f"{_SCHEME}{token}")
            self._register.revoke(token=login.id)
        except (Unauthenticated, BadInput):
            return

    def hold(self, given: dict[str, str]) -> str:
        """What a login has to remember until the browser is back, signed."""
        now = int(time.time())
        claims = {**given, "aud": _LOGIN_AUDIENCE, "iat": now, "exp": now + _LOGIN_S}
        return jwt.encode(claims, self._key, algorithm="EdDSA")

    def held(self, token: str | None) -> dict[str, Any] | None:
        """What `hold` was given, None when there is nothing, it is forged or too old."""
        try:
            found: dict[str, Any] = jwt.decode(
                token or "", self._key.public_key(), algorithms=["EdDSA"], audience=_LOGIN_AUDIENCE,
                options={"require": ["exp", "state", "nonce", "verifier"]},
            )  # fmt: skip
        except jwt.PyJWTError:
            return None
        return found


class Cookies:
    """Names and attributes of our cookies. public_url: whose browser pages they are for."""

    def __init__(self, public_url: str) -> None:
        parts = urlsplit(public_url)
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self._secure = parts.scheme == "https"
        prefix = "__Host-" if self._secure else ""
        self.session = f"{prefix}graphsvc-session"
        self.login = f"{prefix}graphsvc-login"

    def set(self, name: str, value: str, *, seconds: int, same_site: str) -> str:
        """A `Set-Cookie` value; seconds 0 takes the cookie away."""
        parts = [f"{name}={value}", "Path=/", f"Max-Age={seconds}", "HttpOnly", f"SameSite={same_site}"]
        return "; ".join([*parts, "Secure"] if self._secure else parts)

    def read(self, scope: Scope, name: str) -> str | None:
        """The value of a cookie of a request."""
        for header, value in scope["headers"]:
            if header == b"cookie":
                try:
                    found = SimpleCookie(value.decode("latin-1")).get(name)
                except CookieError:
                    return None
                return None if found is None else found.value
        return None


class SessionDoor:
    """ASGI middleware: a session's cookie becomes an `Authorization` where the request can only be our own page's."""

    def __init__(self, app: ASGIApp, cookies: Cookies) -> None:
        self._app = app
        self.cookies = cookies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request or one socket."""
        if scope["type"] in {"http", "websocket"} and scope["path"] == "/graphql":
            headers = {name: value for name, value in scope["headers"] if name in _LOOKED_AT}
            if (
                b"cookie" in headers
                and b"authorization" not in headers
                and self._is_ours(scope["type"], headers)
            ):
                token = self.cookies.read(scope, self.cookies.session)
                if token is not None:
                    added = (b"authorization", f"{_SCHEME}{token}".encode("latin-1"))
                    scope = {**scope, "headers": [*scope["headers"], added]}
        await self._app(scope, receive, send)

    def _is_ours(self, kind: str, headers: dict[bytes, bytes]) -> bool:
        origin = headers.get(b"origin")
        if origin is not None and origin.decode("latin-1") != self.cookies.origin:
            return False
        if headers.get(b"sec-fetch-site", b"same-origin") != b"same-origin":
            return False
        # A page's script cannot add headers to a socket, but its browser always says where the page is from.
        return origin is not None if kind == "websocket" else PAGE_HEADER.encode() in headers


_LOOKED_AT = frozenset((b"cookie", b"authorization", b"origin", b"sec-fetch-site", PAGE_HEADER.encode()))
