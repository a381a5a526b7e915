"""Login of people: what is asked of the provider, what is believed of its answer, and for whom the cookie counts."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import jwt
import pytest
from aiohttp import web
from axe_playwright_python.async_playwright import Axe
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from graphsvc.api.app import create_app
from graphsvc.api.auth import TokenVerifier, local_key
from graphsvc.api.jwks import KeySet
from graphsvc.api.login.provider import Provider
from graphsvc.api.login.route import open_desk
from graphsvc.api.login.session import Cookies
from graphsvc.api.server import running
from graphsvc.config import load_settings
from graphsvc.errors import SettingsError
from tests.api.issuer import Issuer
from tests.api.served import PROTOCOL, Served, served
from tests.dashboard.browser import expect, shown

pytestmark = pytest.mark.anyio
ASK = {"query": "{ revision }"}
PAGE = {"X-Graphsvc-Page": "1"}


@dataclass
class Idp(Issuer):
    """A provider whose ID token a test can spoil. asked: forms that came to its token endpoint."""

    spoiled: dict[str, Any] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    nonce: str = ""

    async def metadata(self, _: web.Request) -> web.Response:
        return web.json_response(
            {"issuer": self.url, "authorization_endpoint": f"{self.url}/auth", "token_endpoint": f"{self.url}/token"}
        )  # fmt: skip

    async def token_endpoint(self, request: web.Request) -> web.Response:
        self.asked.append({**dict(await request.post())})  # type: ignore[arg-type]
        claims = jwt.decode(
            self.token("dana", "analyst", "pep", audience="dash"), options={"verify_signature": False}
        )
        claims = {**claims, "nonce": self.nonce, **self.spoiled}
        return web.json_response({"id_token": self.sign(claims), "token_type": "Bearer"})


@dataclass
class World:
    """A service with a desk, its provider, and a browser without the safety of one."""

    service: Served
    idp: Idp
    url: str
    http: aiohttp.ClientSession

    async def start(self) -> dict[str, str]:
        """Begin a login; what the provider is asked, with the login cookie under `cookie`."""
        async with self.http.get(f"{self.url}/login/start", allow_redirects=False) as answer:
            assert answer.status == 303
            place = urlsplit(answer.headers["Location"])
            asked = {name: values[0] for name, values in parse_qs(place.query).items()}
            self.idp.nonce = asked["nonce"]
            return {**asked, "cookie": answer.headers["Set-Cookie"].partition(";")[0]}

    async def back(self, state: str, cookie: str | None, **more: str) -> tuple[int, str, list[str]]:
        """Come back from the provider: status, text, cookies set."""
        headers = {"Cookie": cookie} if cookie is not None else {}
        given = {"state": state, "code": "c0de", **more}
        async with self.http.get(f"{self.url}/login/callback", params=given, headers=headers, allow_redirects=False) as answer:  # fmt: skip
            return answer.status, await answer.text(), answer.headers.getall("Set-Cookie", [])

    async def session(self) -> str:
        """The session cookie of a whole login, as `name=value`."""
        asked = await self.start()
        status, text, cookies = await self.back(asked["state"], asked["cookie"])
        assert status == 303, text
        return cookies[0].partition(";")[0]

    async def ask(self, **headers: str) -> int:
        """The status of a question to the API."""
        async with self.http.post(f"{self.url}/graphql", json=ASK, headers=headers) as answer:
            return answer.status


@asynccontextmanager
async def _world(folder: Path) -> AsyncIterator[World]:
    idp = Idp()
    app = web.Application()
    app.router.add_get("/.well-known/openid-configuration", idp.metadata)
    app.router.add_post("/token", idp.token_endpoint)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    idp.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    (folder / "jwks.json").write_bytes(json.dumps(idp.jwks()).encode())
    try:
        async with served() as service, aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
            keys = KeySet(file=folder / "jwks.json")
            local_key(folder / "state")
            provider = Provider(idp.url, "dash", keys, redirect_uri="http://127.0.0.1/login/callback")
            desk = open_desk(
                TokenVerifier(service.key), folder / "state", provider, session_s=600, url="http://127.0.0.1"
            )
            harness = service.harness.service
            made = create_app(harness, harness.store, auth=desk.sessions, desk=desk)
            async with running(made) as url:
                # Its port is known only now.
                desk.cookies = _door(made).cookies = Cookies(url)
                yield World(service, idp, url, http)
    finally:
        await runner.cleanup()


def _door(app: Any) -> Any:
    while not hasattr(app, "cookies"):
        app = app.app if hasattr(app, "app") else app._app
    return app


async def test_a_code_becomes_a_session(tmp_path: Path) -> None:
    """PKCE, state and nonce are sent and kept to; the verifier goes to the provider only; a PEP's role is left out."""
    async with _world(tmp_path) as world:
        asked = await world.start()
        assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
        status, _, cookies = await world.back(asked["state"], asked["cookie"])
        assert status == 303
        (form,) = world.idp.asked
        assert (form["grant_type"], form["code"]) == ("authorization_code", "c0de")
        assert form["code_verifier"] not in str(asked.values())
        session = SimpleCookie(cookies[0])["graphsvc-session"]
        assert (session["httponly"], session["samesite"], session["path"]) == (True, "Strict", "/")
        cookie = cookies[0].partition(";")[0]
        assert await world.ask(Cookie=cookie, **PAGE) == 200
        async with world.http.get(f"{world.url}/login/session", headers={"Cookie": cookie}) as answer:
            found = await answer.json()
        assert (found["session"]["sub"], found["session"]["roles"]) == ("dana", ["analyst"])


async def test_only_the_browser_that_began_a_login_ends_it(tmp_path: Path) -> None:
    """Another state, no cookie, a cookie of another login, a forged one: refused before the provider is asked."""
    async with _world(tmp_path) as world:
        one, other = await world.start(), await world.start()
        forged = jwt.encode({"state": one["state"], "nonce": "n", "verifier": "v", "aud": "graphsvc-login", "exp": 2**31}, Ed25519PrivateKey.generate(), "EdDSA")  # fmt: skip
        for state, cookie in (
            ("x", one["cookie"]),
            (one["state"], None),
            (one["state"], other["cookie"]),
            (one["state"], f"graphsvc-login={forged}"),
        ):
            status, text, _ = await world.back(state, cookie)
            assert (status, "start again" in text) == (400, True)
        assert world.idp.asked == []


@pytest.mark.parametrize(
    "spoiled",
    [
        {"nonce": "another"},
        {"aud": "somebody"},
        {"aud": ["dash", "somebody"], "azp": "somebody"},
        {"iss": "https://elsewhere.example"},
        {"exp": 1},
        {"roles": ["janitor"]},
        {"roles": ["pep"]},
        {"roles": "admin"},
    ],
    ids=str,
)
async def test_an_id_token_that_does_not_fit_is_nobody(tmp_path: Path, spoiled: dict[str, Any]) -> None:
    """Of another login, client or issuer, expired, without a role of a person: no session, and why."""
    async with _world(tmp_path) as world:
        asked = await world.start()
        world.idp.spoiled = spoiled
        status, text, cookies = await world.back(asked["state"], asked["cookie"])
        assert (status, "login_failed" in text) == (403, True)
        assert not any(each.startswith("graphsvc-session=ey") for each in cookies)


@pytest.mark.browser
async def test_a_failed_login_is_a_page_that_says_what_to_do(tmp_path: Path) -> None:
    """Why, whom to ask, and the way to try again; what the provider sent is text; the page is accessible and runs no script."""
    async with _world(tmp_path) as world, shown(world.url, tolerate=("403", "400")) as browser:
        page = browser.page
        await page.goto(f"{world.url}/login/callback?state=x&code=y")
        await expect(page.get_by_role("alert")).to_contain_text("was not begun in this browser")
        assert (await Axe().run(page)).response["violations"] == []
        asked = await world.start()
        world.idp.spoiled = {"roles": [], "sub": "<img src=x>"}
        name, _, value = asked["cookie"].partition("=")
        await page.context.add_cookies([{"name": name, "value": value, "url": world.url}])
        await page.goto(f"{world.url}/login/callback?state={asked['state']}&code=c0de")
        await expect(page.get_by_role("alert")).to_contain_text("holds no role here")
        await expect(page.get_by_text("Ask whoever runs the provider for a role")).to_be_visible()
        assert await page.locator("img").count() == 0
        assert await page.get_by_role("link", name="Log in again").get_attribute("href") == "/login/start"


async def test_the_cookie_counts_for_our_own_page_only(tmp_path: Path) -> None:
    """Not without the page's header, not from another origin, not on a socket that another page opened."""
    async with _world(tmp_path) as world:
        cookie = await world.session()
        assert await world.ask(Cookie=cookie) == 401
        assert await world.ask(Cookie=cookie, Origin="https://evil.example", **PAGE) == 401
        assert await world.ask(Cookie=cookie, **PAGE, **{"Sec-Fetch-Site": "cross-site"}) == 401
        assert (
            await world.ask(Cookie=cookie, Origin=world.url, **PAGE, **{"Sec-Fetch-Site": "same-origin"})
            == 200
        )
        for origin, told in ((world.url, "connection_ack"), ("https://evil.example", None), (None, None)):
            headers = {"Cookie": cookie, **({"Origin": origin} if origin else {})}
            async with world.http.ws_connect(
                f"{world.url}/graphql", protocols=[PROTOCOL], headers=headers
            ) as socket:
                await socket.send_json({"type": "connection_init"})
                heard = await socket.receive(timeout=5)
                assert (heard.json()["type"] if told else heard.data) == (told or 4403)


async def test_a_session_ends_for_good(tmp_path: Path) -> None:
    """By its own page only; what was copied of it before counts no longer either; a session is no bearer token."""
    async with _world(tmp_path) as world:
        cookie = await world.session()
        token = cookie.partition("=")[2]
        assert await world.ask(Authorization=f"Bearer {token}") == 401
        for headers, status in (({}, 403), ({**PAGE, "Origin": "https://evil.example"}, 403), (PAGE, 200)):
            async with world.http.post(
                f"{world.url}/login/end", headers={"Cookie": cookie, **headers}
            ) as answer:
                assert answer.status == status
        assert await world.ask(Cookie=cookie, **PAGE) == 401


async def test_without_a_provider_there_is_no_login(tmp_path: Path) -> None:
    """The page is told so, and no other route exists; a login without an address to come back to is no setting."""
    async with served() as service:
        async with service.http.get(f"{service.url}/login/session") as answer:
            assert await answer.json() == {"provider": None, "session": None}
        async with service.http.get(f"{service.url}/login/start") as answer:
            assert answer.status == 404
    with pytest.raises(SettingsError, match="public_url"):
        load_settings(
            environ={}, host="0.0.0.0",
            oidc={"issuer": "https://i.example", "audience": "a", "jwks_file": tmp_path / "k", "login": {"client_id": "d"}},
        )  # fmt: skip


def test_over_https_the_cookie_is_bound_to_the_host() -> None:
    """`__Host-` and Secure, which no other name below the same domain can set."""
    cookies = Cookies("https://pdp.example.com")
    assert cookies.session.startswith("__Host-")
    assert "; Secure" in cookies.set(cookies.session, "x", seconds=1, same_site="Strict")
