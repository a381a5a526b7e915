"""Tokens of an OpenID Connect issuer, at the service and at its settings."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import jwt
import pytest
from aiohttp import web

from graphsvc.api.auth import Unauthenticated
from graphsvc.api.jwks import ALGORITHMS, KeySet
from graphsvc.api.oidc import IssuerVerifier
from graphsvc.config import load_settings
from graphsvc.errors import SettingsError
from tests.api.issuer import Issuer
from tests.cli.command import graphsvc

pytestmark = pytest.mark.anyio


def _verifier(issuer: Issuer, folder: Path) -> IssuerVerifier:
    (folder / "jwks.json").write_text(json.dumps(issuer.jwks()))
    return IssuerVerifier(issuer.url, "graphsvc", KeySet(file=folder / "jwks.json"))


def test_claims_become_a_caller(tmp_path: Path) -> None:
    """Subject, roles that exist, scopes, and the identities it may speak for."""
    issuer = Issuer()
    verifier = _verifier(issuer, tmp_path)
    token = issuer.token("gw", "pep", "janitor", scope="search chain:any", subjects=["bot-*"])
    login = verifier.login(f"Bearer {token}")
    assert (login.caller.subject, login.caller.subjects) == ("gw", ("bot-*",))
    assert login.caller.roles == {"pep"}
    assert login.caller.scopes == {"search", "chain:any"}
    assert login.expires_s is not None
    assert verifier.login(f"Bearer {token}") is login


def test_what_is_not_of_the_issuer_is_refused(tmp_path: Path) -> None:
    """Another issuer, audience, key, algorithm; expired; without roles; a public key misused as a secret."""
    issuer, other = Issuer(), Issuer()
    verifier = _verifier(issuer, tmp_path)
    modulus = issuer.jwks()["keys"][0]["n"]
    claims = jwt.decode(issuer.token("x", "admin"), options={"verify_signature": False})
    for token in (
        Issuer(url="https://elsewhere.example", keys=issuer.keys).token("x", "admin"),
        issuer.token("x", "admin", audience="other"),
        other.token("x", "admin"),
        issuer.token("x", "admin", ttl_s=-60),
        issuer.sign({key: claims[key] for key in claims if key != "exp"}),
        issuer.sign({**claims, "roles": "admin"}),
        jwt.encode(claims, None, "none"),  # type: ignore[arg-type]
        jwt.encode(claims, modulus, "HS256", headers={"kid": "RS256"}),
        "nonsense",
    ):
        with pytest.raises(Unauthenticated):
            verifier.login(f"Bearer {token}")
    for given in (None, "", "Basic x"):
        with pytest.raises(Unauthenticated):
            verifier.login(given)


def test_an_issuer_has_one_list_of_algorithms(tmp_path: Path) -> None:
    """A token that is signed well, but by an algorithm that this issuer does not use, is refused."""
    issuer = Issuer()
    (tmp_path / "jwks.json").write_text(json.dumps(issuer.jwks()))
    token = issuer.token("gw", "pep")
    used = str(jwt.get_unverified_header(token)["alg"])
    keys = KeySet(file=tmp_path / "jwks.json")
    assert (
        IssuerVerifier(issuer.url, "graphsvc", keys, [used]).login(f"Bearer {token}").caller.subject == "gw"
    )
    others = [name for name in ALGORITHMS if name != used]
    with pytest.raises(Unauthenticated, match="not accepted"):
        IssuerVerifier(issuer.url, "graphsvc", keys, others).login(f"Bearer {token}")


def test_a_withdrawn_key_ends_what_was_remembered(tmp_path: Path) -> None:
    """A token that was verified is verified again when the issuer's keys change."""
    issuer, other = Issuer(), Issuer()
    verifier = _verifier(issuer, tmp_path)
    token = f"Bearer {issuer.token('gw', 'pep')}"
    verifier.login(token)
    (tmp_path / "jwks.json").write_text(json.dumps(other.jwks()) + " ")
    with pytest.raises(Unauthenticated):
        verifier.login(token)


async def test_keys_are_fetched_rotated_and_never_by_a_redirect() -> None:
    """A token of a new key is taken soon; a redirect, a giant and an outage leave the keys of before."""
    issuer, mode = Issuer(), "well"
    served: list[dict[str, Any]] = [issuer.jwks()]

    async def jwks(request: web.Request) -> web.Response:
        match mode:
            case "moved":
                raise web.HTTPFound("/elsewhere")
            case "giant":
                return web.Response(body=b" " * 300_000)
        return web.json_response(served[-1])

    async def elsewhere(request: web.Request) -> web.Response:
        return web.json_response(Issuer().jwks())

    app = web.Application()
    app.router.add_get("/jwks", jwks)
    app.router.add_get("/elsewhere", elsewhere)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    keys = KeySet(uri=f"{site.name}/jwks")
    verifier = IssuerVerifier(issuer.url, "graphsvc", keys)
    task = asyncio.create_task(keys.keep_fresh())
    try:
        async with asyncio.timeout(30):
            while not keys.find("RS256", "RS256"):  # noqa: ASYNC110  # nobody tells when keys have come
                await asyncio.sleep(0.02)
            old = issuer.token("x", "admin")
            assert verifier.login(f"Bearer {old}").caller.subject == "x"
            for mode in ("moved", "giant"):  # noqa: B007  read by the handler
                assert not keys.find("new", "RS256")
                await asyncio.sleep(0.2)
            assert keys.find("RS256", "RS256")
            mode = "well"
            newer = Issuer()
            served.append(newer.jwks())
            fresh = newer.token("y", "admin")
            while True:
                try:
                    assert verifier.login(f"Bearer {fresh}").caller.subject == "y"
                    break
                except Unauthenticated:
                    keys._missing.set()
                    await asyncio.sleep(0.2)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await runner.cleanup()


def test_settings_name_what_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file of the documentation is read; what is missing or unsafe is told; local tokens are not made beside it."""
    file = tmp_path / "graphsvc.toml"
    good = """
[oidc]
issuer = "https://idp.example"
audience = "graphsvc"
jwks_uri = "https://idp.example/jwks"
[[ssf.streams]]
name = "idp"
issuer = "https://idp.example"
audience = "https://graphsvc.example/ssf"
jwks_uri = "https://idp.example/jwks"
delivery = "push"
"""
    file.write_text(good)
    settings = load_settings(file, environ={})
    assert settings.oidc is not None
    assert settings.oidc.issuer == "https://idp.example"
    assert [each.name for each in settings.ssf.streams] == ["idp"]
    nested = {
        f"GRAPHSVC_OIDC__{name}": value
        for name, value in (("ISSUER", "https://i"), ("AUDIENCE", "a"), ("JWKS_FILE", "k.json"))
    }
    assert load_settings(environ=nested).oidc is not None
    for change, told in (
        (('jwks_uri = "https://idp.example/jwks"\n[[', "[["), "jwks_uri"),
        (
            ('jwks_uri = "https://idp.example/jwks"\n[[', 'jwks_uri = "http://idp.example/jwks"\n[['),
            "https://",
        ),
        (('delivery = "push"', 'delivery = "poll"'), "endpoint"),
        (('delivery = "push"', 'colour = "red"'), "colour"),
    ):
        file.write_text(good.replace(*change))
        with pytest.raises(SettingsError, match=told):
            load_settings(file, environ={})
    file.write_text(good)
    monkeypatch.chdir(tmp_path)
    ended = graphsvc("token", "--role", "pep", "--subject", "gw", "--config", file)
    assert (ended.code, "tokens come from https://idp.example" in ended.error) == (2, True)
