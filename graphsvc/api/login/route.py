"""The routes of a login: off to the provider, back with a code, who is logged in, and out again."""

from __future__ import annotations

import logging
import secrets
from pathlib import Path
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from graphsvc.api.auth import ROLES, Authenticator, Unauthenticated, local_key
from graphsvc.api.failure import failure
from graphsvc.api.login.page import login_failed
from graphsvc.api.login.provider import LoginFailed, Provider
from graphsvc.api.login.session import PAGE_HEADER, Cookies, Sessions
from graphsvc.api.token_register import TokenRegister

__all__ = ["Desk", "login_routes", "open_desk"]

_log = logging.getLogger("graphsvc.api")


class NoRole(LoginFailed):
    """Somebody whom the provider knows and who may do nothing here."""


class Desk:
    """Logs people in at one provider."""

    def __init__(self, provider: Provider, sessions: Sessions, cookies: Cookies) -> None:
        self.provider = provider
        self.sessions = sessions
        self.cookies = cookies

    async def start(self, request: Request) -> Response:
        """Send the browser to the provider."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        try:
            place = await self.provider.where_to(state=state, nonce=nonce, verifier=verifier)
        except LoginFailed as error:
            return _failed(request, error)
        answer = RedirectResponse(place, status_code=303)
        held = self.sessions.hold({"state": state, "nonce": nonce, "verifier": verifier})
        # Lax: the browser comes back from elsewhere, and has to bring it.
        self._set(answer, self.cookies.login, held, seconds=600, same_site="Lax")
        return answer

    async def callback(self, request: Request) -> Response:
        """Take the browser back: the code becomes a session, and the page is opened."""
        held = self.sessions.held(self.cookies.read(request.scope, self.cookies.login))
        given = request.query_params
        if held is None or not secrets.compare_digest(
            given.get("state", "").encode(), held["state"].encode()
        ):
            return login_failed(
                request,
                400,
                "this login was not begun in this browser, or took too long",
                "Start again at /.",
            )
        try:
            if given.get("iss", self.provider.issuer) != self.provider.issuer:
                raise LoginFailed("another provider answered than was asked")
            if "error" in given or "code" not in given:
                raise LoginFailed(f"the provider said no: {_plain(given.get('error', 'no code'))}")
            claims = await self.provider.claims(
                code=given["code"], verifier=held["verifier"], nonce=held["nonce"]
            )
            token = self._begun(claims)
        except LoginFailed as error:
            return _failed(request, error)
        answer = RedirectResponse("/", status_code=303)
        seconds = self.sessions.ttl_s
        self._set(answer, self.cookies.session, token, seconds=seconds, same_site="Strict")
        self._set(answer, self.cookies.login, "", seconds=0, same_site="Lax")
        return answer

    async def session(self, request: Request) -> Response:
        """Who is logged in, and where one logs in; the same answer, empty, for everybody else."""
        found = None
        if token := self.cookies.read(request.scope, self.cookies.session):
            try:
                login = self.sessions.login(f"Session {token}")
                found = {
                    "sub": login.caller.subject,
                    "roles": sorted(login.caller.roles),
                    "exp": login.expires_s,
                }
            except Unauthenticated:
                found = None
        return JSONResponse({"provider": urlsplit(self.provider.issuer).netloc, "session": found})

    async def end(self, request: Request) -> Response:
        """Log out, here; the answer says where the provider's own session ends."""
        if (
            PAGE_HEADER not in request.headers
            or request.headers.get("origin", self.cookies.origin) != self.cookies.origin
        ):
            return failure(
                403, "not_allowed", f"only the page itself ends a session (header `{PAGE_HEADER}`)"
            )
        if token := self.cookies.read(request.scope, self.cookies.session):
            self.sessions.end(token)
        try:
            place = await self.provider.leave(f"{self.cookies.origin}/")
        except LoginFailed:
            place = None
        answer = JSONResponse({"leave": place})
        self._set(answer, self.cookies.session, "", seconds=0, same_site="Strict")
        return answer

    def _begun(self, claims: dict[str, object]) -> str:
        roles = claims.get("roles")
        known = (
            {each for each in roles if isinstance(each, str)} & ROLES if isinstance(roles, list) else set()
        )
        # A browser never stands before a tool: whoever asks for decisions has a token of its own.
        if not (known := known - {"pep"}):
            raise NoRole(
                f"`{_plain(str(claims['sub']))}` is known to the provider but holds no role here: its ID token needs a claim "
                f"`roles` with some of {', '.join(sorted(ROLES - {'pep'}))}"
            )
        return self.sessions.begin(str(claims["sub"]), known)

    def _set(self, answer: Response, name: str, value: str, *, seconds: int, same_site: str) -> None:
        answer.headers.append(
            "set-cookie", self.cookies.set(name, value, seconds=seconds, same_site=same_site)
        )


def open_desk(inner: Authenticator, state_dir: Path, provider: Provider, *, session_s: int, url: str) -> Desk:
    """A desk with sessions of its own. inner: who knows every token that is no session; url: where browsers reach us."""
    sessions = Sessions(inner, local_key(state_dir), TokenRegister(state_dir), ttl_s=session_s)
    return Desk(provider, sessions, Cookies(url))


def login_routes(desk: Desk | None) -> list[BaseRoute]:
    """The routes below `/login`; without a provider there is only that which says so."""
    if desk is None:
        return [Route("/login/session", _tokens_only)]
    return [
        Route("/login/start", desk.start),
        Route("/login/callback", desk.callback),
        Route("/login/session", desk.session),
        Route("/login/end", desk.end, methods=["POST"]),
    ]


async def _tokens_only(_: Request) -> Response:
    return JSONResponse({"provider": None, "session": None})


def _plain(text: str) -> str:
    """Text from elsewhere, short and without anything that could be more than text."""
    return "".join(each for each in text if each.isalnum() or each in " _-.@:")[:80]


def _failed(request: Request, error: LoginFailed) -> Response:
    _log.warning("login_failed", extra={"reason": str(error)})
    if isinstance(error, NoRole):
        hint = "Ask whoever runs the provider for a role, then start again at /."
    else:
        hint = "Start again at /; if it stays so, tell whoever runs graphsvc: its log says `login_failed` with the same reason."
    return login_failed(request, 502 if "answer" in str(error) else 403, str(error), hint)
