"""The OpenID Connect provider as a login sees it: where it is, a code for an ID token, and what that token says.

OpenID Connect Core 1.0, authorization code flow with PKCE (RFC 7636, S256); discovery 1.0. Nothing is followed by a redirect.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import jwt
import orjson

from graphsvc.api.fetch import body_of
from graphsvc.api.jwks import ALGORITHMS, KeySet
from graphsvc.errors import GraphsvcError

__all__ = ["LoginFailed", "Provider"]

_MAX_BYTES = 256 * 1024
_TIMEOUT_S, _KEEP_S, _LEEWAY_S = 10.0, 3_600.0, 30.0


class LoginFailed(GraphsvcError):  # named like its siblings
    """The provider did not say who it is, or cannot be understood; the text says what to do."""

    code = "login_failed"
    exit_code = 3


class Provider:
    """One provider and us as its client.

    keys: that ID tokens are signed with, kept fresh by their own task. secret_file: of a confidential client; without it
    we are a public one, and PKCE alone binds the code to the browser that asked.
    """

    def __init__(
        self, issuer: str, client_id: str, keys: KeySet, *, redirect_uri: str, secret_file: Path | None = None,
        scopes: Collection[str] = ("openid", "profile"), algorithms: Collection[str] = ALGORITHMS,
    ) -> None:  # fmt: skip
        self.issuer = issuer
        self._client_id = client_id
        self._keys = keys
        self._redirect_uri = redirect_uri
        self._secret_file = secret_file
        self._scopes = " ".join(dict.fromkeys(("openid", *scopes)))
        self._algorithms = frozenset(algorithms)
        self._found: tuple[float, dict[str, Any]] | None = None

    async def where_to(self, *, state: str, nonce: str, verifier: str) -> str:
        """The address to send a browser to."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": self._redirect_uri,
            "scope": self._scopes,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        endpoint = str((await self._metadata())["authorization_endpoint"])
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"

    async def claims(self, *, code: str, verifier: str, nonce: str) -> dict[str, Any]:
        """What the ID token for a code says, verified; LoginFailed where anything does not fit."""
        answer = await self._token(code, verifier)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise LoginFailed("the provider gave no ID token; allow this client the scope `openid`")
        claims = await self._verified(token)
        if claims.get("nonce") != nonce:
            raise LoginFailed("the ID token is of another login; start again")
        if isinstance(claims["aud"], list) and claims.get("azp") != self._client_id:
            raise LoginFailed("the ID token was made for another client (`azp`)")
        return claims

    async def leave(self, back_to: str) -> str | None:
        """Where to end the session at the provider, None where it has no such place."""
        endpoint = (await self._metadata()).get("end_session_endpoint")
        if not isinstance(endpoint, str):
            return None
        return f"{endpoint}?{urlencode({'client_id': self._client_id, 'post_logout_redirect_uri': back_to})}"

    async def _metadata(self) -> dict[str, Any]:
        if self._found is not None and time.monotonic() - self._found[0] < _KEEP_S:
            return self._found[1]
        address = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
        found = await self._asked("GET", address)
        if found.get("issuer") != self.issuer:
            raise LoginFailed(f"{address} speaks for another issuer; set `oidc.issuer` to what it says")
        if any(not isinstance(found.get(name), str) for name in ("authorization_endpoint", "token_endpoint")):
            raise LoginFailed(f"{address} names no authorization and token endpoints")
        self._found = (time.monotonic(), found)
        return found

    async def _token(self, code: str, verifier: str) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "client_id": self._client_id,
            "code_verifier": verifier,
        }
        headers = {}
        if self._secret_file is not None:
            try:
                secret = self._secret_file.read_text(encoding="utf-8").strip()
            except OSError as error:
                raise LoginFailed(f"`oidc.login.secret_file` cannot be read: {error.strerror}") from None
            pair = f"{quote(self._client_id, safe='')}:{quote(secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        return await self._asked("POST", str((await self._metadata())["token_endpoint"]), form, headers)

    async def _asked(
        self,
        method: str,
        url: str,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.request(method, url, data=form, headers=headers, allow_redirects=False) as response,
            ):
                found = orjson.loads(await body_of(response, _MAX_BYTES))
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            # Neither code nor secret stands in these texts: they name the address and the status.
            raise LoginFailed(
                f"{url} does not answer as it should: {str(error) or type(error).__name__}"
            ) from None
        if not isinstance(found, dict):
            raise LoginFailed(f"{url} answers no JSON object")
        return found

    async def _verified(self, token: str) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError:
            raise LoginFailed("the ID token is damaged") from None
        algorithm, kid = str(header.get("alg")), header.get("kid")
        if algorithm not in self._algorithms:
            raise LoginFailed(
                f"the ID token is signed by {algorithm}, which is not accepted here (`oidc.algorithms`)"
            )
        name = kid if isinstance(kid, str) else None
        ends = time.monotonic() + _TIMEOUT_S
        # A key that is new is on its way: asking for it makes it be fetched.
        while not (keys := self._keys.find(name, algorithm)) and time.monotonic() < ends:  # noqa: ASYNC110  keys come by a task that tells nobody
            await asyncio.sleep(0.1)
        for key in keys:
            try:
                claims: dict[str, Any] = jwt.decode(
                    token, key.key, algorithms=[algorithm], audience=self._client_id, issuer=self.issuer,
                    leeway=_LEEWAY_S, options={"require": ["exp", "iat", "iss", "aud", "sub"]},
                )  # fmt: skip
            except jwt.InvalidSignatureError:
                continue
            except jwt.PyJWTError as error:
                raise LoginFailed(f"the ID token does not hold: {error}") from None
            return claims
        raise LoginFailed("the ID token was not signed by a key of the issuer that is known here")
