"""Security events from others, pushed and polled: what they do, and that nothing else does anything."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.warnings import InsecureKeyLengthWarning

from graphsvc.api.jwks import KeySet
from graphsvc.api.ssf.effect import Receiver, names_of
from graphsvc.api.ssf.poll import keep_polling
from graphsvc.api.ssf.stream import Stream
from tests.api.issuer import CAEP, RISC, US, Issuer
from tests.api.served import Served, request, served

pytestmark = pytest.mark.anyio
ALICE = {"format": "email", "email": "alice@example.org"}
PEOPLE = [
    {
        "node": {
            "type": "identity",
            "id": "alice",
            "kind": "human",
            "aliases": ["email:alice@example.org", "iss_sub:https://idp.example#a1"],
        }
    }
]


@dataclass
class Sender:
    """Pushes tokens to a service."""

    issuer: Issuer
    service: Served

    async def push(
        self, claims: dict[str, Any], *, bearer: str | None = None, **options: Any
    ) -> tuple[int, dict[str, Any]]:
        return await self.raw(self.issuer.sign(claims, typ="secevent+jwt", **options), bearer=bearer)

    async def raw(
        self, body: str | bytes, *, kind: str = "application/secevent+jwt", bearer: str | None = None
    ) -> tuple[int, dict[str, Any]]:
        headers = {"Content-Type": kind, **({"Authorization": f"Bearer {bearer}"} if bearer else {})}
        async with self.service.http.post(
            f"{self.service.url}/ssf/events", data=body, headers=headers
        ) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if text else {}

    def alice(self) -> Any:
        view = self.service.harness.service.identity("alice")
        assert view is not None
        return view

    def signals(self) -> list[Any]:
        return self.service.harness.service.signals("alice")


def _stream(issuer: Issuer, folder: Path, **more: Any) -> Stream:
    (folder / "jwks.json").write_text(json.dumps(issuer.jwks()))
    return Stream(name="idp", issuer=issuer.url, audience=US, keys=KeySet(file=folder / "jwks.json"), **more)


@asynccontextmanager
async def _receiving(folder: Path, **more: Any) -> AsyncIterator[Sender]:
    issuer = Issuer()
    async with (
        served(streams=(_stream(issuer, folder, **more),)) as service,
        service.client("admin", subject="root") as admin,
        service.client("approver", subject="dana") as dana,
    ):
        await admin.upsert_graph("people", PEOPLE)
        await dana.grant(
            "alice", actions=["a:*"], resources=["*"], expires_at="2026-12-01T00:00:00Z", purpose="p"
        )
        yield Sender(issuer, service)


@pytest.mark.parametrize(
    ("kind", "payload", "weight", "suspended", "revoked"),
    [
        (CAEP + "session-revoked", {}, 0.3, False, True),
        (CAEP + "risk-level-change", {"principal": "USER", "current_level": "HIGH"}, 0.6, False, False),
        (CAEP + "risk-level-change", {"principal": "USER", "current_level": "MEDIUM"}, 0.3, False, False),
        (CAEP + "risk-level-change", {"principal": "USER", "current_level": "LOW"}, None, False, False),
        (CAEP + "credential-change", {"credential_type": "x509", "change_type": "revoke"}, 0.3, False, False),
        (CAEP + "device-compliance-change", {"previous_status": "compliant", "current_status": "not-compliant"}, 0.5, False, False),
        (CAEP + "device-compliance-change", {"previous_status": "not-compliant", "current_status": "compliant"}, None, False, False),
        (CAEP + "assurance-level-change", {"namespace": "x", "current_level": "1"}, None, False, False),
        (RISC + "account-disabled", {"reason": "hijacking"}, 0.6, True, True),
        (RISC + "account-enabled", {}, None, False, False),
        (RISC + "credential-compromise", {"credential_type": "password"}, 0.6, False, True),
        ("https://schemas.openid.net/secevent/ssf/event-type/verification", {"state": "x"}, None, False, False),
        ("https://example.org/unheard-of", {}, None, False, False),
    ],
)  # fmt: skip
async def test_what_each_event_does(
    tmp_path: Path, kind: str, payload: dict[str, Any], weight: float | None, suspended: bool, revoked: bool
) -> None:
    """202 for all that is well formed; it counts when the answer is there."""
    async with _receiving(tmp_path) as sender:
        status, body = await sender.push(sender.issuer.event(kind, ALICE, payload))
        assert (status, body) == (202, {})
        assert [each.weight for each in sender.signals()] == ([] if weight is None else [weight])
        assert (sender.alice().status == "suspended") is suspended
        assert (sender.alice().grants == ()) is revoked


async def test_an_event_counts_once_and_never_lowers_anything(tmp_path: Path) -> None:
    """Delivered again, before and after another receiver took over (as after a restart): taken, and nothing happens."""
    async with _receiving(tmp_path) as sender:
        pep = sender.service.client()
        claims = sender.issuer.event(RISC + "account-disabled", ALICE)
        assert (await sender.push(claims))[0] == 202
        act = {**request("a:Read"), "subject": {"type": "human", "id": "alice"}}
        async with pep:
            assert [each.code for each in (await pep.decide(act)).reasons] == ["subject_suspended"]
        revision = sender.service.harness.service.revision().rpartition(".")[2]
        assert (await sender.push(claims))[0] == 202
        receiver = Receiver(sender.service.harness.service)
        stream = _stream(sender.issuer, tmp_path)
        token = sender.issuer.sign(claims, typ="secevent+jwt")
        assert await receiver.take(stream, stream.read(token)) == "repeated"
        for kind in ("account-enabled", "account-disabled"):
            again = sender.issuer.event(RISC + kind, ALICE)
            assert (await sender.push(again))[0] == 202
        assert sender.alice().status == "suspended"
        assert len(sender.signals()) == 2
        assert int(sender.service.harness.service.revision().rpartition(".")[2]) == int(revision) + 1


async def test_an_event_that_leaves_no_risk_counts_once_too(tmp_path: Path) -> None:
    """A pack that suspends without a weight: delivered again after a restart it does not undo a reinstatement."""
    rules = """
graphsvc: 1
pack: {id: signals, version: "1"}
signals: {session-revoked: {suspend: true, revoke: true}}
"""
    async with (
        _receiving(tmp_path) as sender,
        sender.service.client("admin", subject="root") as admin,
        sender.service.client("approver", subject="dana") as dana,
    ):
        await admin.publish_policy(rules)
        claims = sender.issuer.event(CAEP + "session-revoked", ALICE)
        await sender.push(claims)
        assert sender.alice().status == "suspended"
        await dana.reinstate("alice")
        receiver, stream = Receiver(sender.service.harness.service), _stream(sender.issuer, tmp_path)
        again = stream.read(sender.issuer.sign(claims, typ="secevent+jwt"))
        assert await receiver.take(stream, again) == "repeated"
        assert sender.alice().status == "active"
        assert sender.alice().risk_micros <= 1


async def test_what_is_not_right_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    """Each with its code of RFC 8935."""
    async with _receiving(tmp_path) as sender:
        issuer = sender.issuer
        good = issuer.event(RISC + "account-disabled", ALICE)
        other = Issuer(url="https://elsewhere.example")
        weak = rsa.generate_private_key(public_exponent=65_537, key_size=1_024)
        before = sender.service.harness.service.revision()

        async def refused(err: str, answer: tuple[int, dict[str, Any]], status: int = 400) -> None:
            assert (answer[0], answer[1].get("err")) == (status, err), answer
            assert answer[1]["description"]

        await refused("invalid_issuer", await sender.push({**good, "iss": "https://elsewhere.example"}))
        await refused("invalid_audience", await sender.push({**good, "aud": "https://other.example"}))
        await refused("invalid_audience", await sender.push({key: good[key] for key in good if key != "aud"}))
        forged = other.sign(good, typ="secevent+jwt")
        await refused("invalid_key", await sender.raw(forged))
        await refused("invalid_key", await sender.push(good, kid="unknown"))
        none = jwt.encode(good, None, "none", headers={"typ": "secevent+jwt"})  # type: ignore[arg-type]
        await refused("invalid_key", await sender.raw(none))
        shared = jwt.encode(good, "x" * 64, "HS256", headers={"typ": "secevent+jwt", "kid": "RS256"})
        await refused("invalid_key", await sender.raw(shared))
        with pytest.warns(InsecureKeyLengthWarning):
            small = jwt.encode(good, weak, "RS256", headers={"typ": "secevent+jwt", "kid": "RS256"})
        await refused("invalid_key", await sender.raw(small))
        await refused("invalid_request", await sender.raw(issuer.sign(good, typ="JWT")))
        for extra in ({"exp": 2_000_000_000}, {"sub": "alice"}):
            await refused("invalid_request", await sender.push({**good, **extra}))
        for name in ("jti", "iat", "events", "sub_id"):
            await refused(
                "invalid_request", await sender.push({key: good[key] for key in good if key != name})
            )
        two = {**good, "events": {RISC + "account-disabled": {}, RISC + "account-purged": {}}}
        await refused("invalid_request", await sender.push(two))
        await refused("invalid_request", await sender.push({**good, "iat": 4_000_000_000}))
        await refused("invalid_request", await sender.raw("nonsense"))
        await refused("invalid_request", await sender.raw(b"\xff\xfe"))
        await refused(
            "invalid_request",
            await sender.raw(issuer.sign(good, typ="secevent+jwt"), kind="application/json"),
        )
        await refused("invalid_request", await sender.raw("a" * 70_000), 413)
        assert sender.service.harness.service.revision() == before
        assert (sender.alice().status, sender.signals()) == ("active", [])


async def test_every_kind_of_key_and_a_secret_besides(tmp_path: Path) -> None:
    """RSA, elliptic curve and Edwards keys; with a secret file a push without the secret is 401."""
    (tmp_path / "secret").write_text("s3cret\n")
    async with _receiving(tmp_path, push_token_file=tmp_path / "secret") as sender:
        claims = sender.issuer.event(CAEP + "risk-level-change", ALICE, {"current_level": "HIGH"})
        for bearer in (None, "wrong"):
            status, body = await sender.push(claims, bearer=bearer)
            assert (status, body["err"]) == (401, "authentication_failed")
        for algorithm in ("RS256", "ES256", "EdDSA"):
            claims = sender.issuer.event(CAEP + "risk-level-change", ALICE, {"current_level": "HIGH"})
            assert (await sender.push(claims, bearer="s3cret", algorithm=algorithm))[0] == 202
        assert len(sender.signals()) == 3


def test_subjects_by_every_format() -> None:
    """Of RFC 9493; of a complex one its user."""
    assert "email:a@b.c" in names_of({"format": "email", "email": "A@b.c"})
    assert "iss_sub:https://i#s" in names_of({"format": "iss_sub", "iss": "https://i", "sub": "s"})
    assert names_of({"format": "opaque", "id": "x"}) == ["opaque:x", "x"]
    assert "a@b.c" in names_of({"format": "account", "uri": "acct:a@b.c"})
    assert names_of({"format": "complex", "user": {"format": "opaque", "id": "x"}, "device": {}}) == [
        "opaque:x",
        "x",
    ]
    both: dict[str, object] = {"format": "aliases", "identifiers": [{"format": "opaque", "id": "x"}, ALICE]}
    assert names_of(both) == ["opaque:x", "x", "email:alice@example.org", "alice@example.org"]
    assert names_of({"format": "unheard-of", "id": "alice"}) == []
    assert names_of({"format": "email"}) == []


async def test_a_stream_is_polled_and_acknowledged(tmp_path: Path) -> None:
    """What waits is carried out and acknowledged, what is wrong is told, an outage is waited out."""
    issuer = Issuer()
    good = issuer.event(
        CAEP + "session-revoked", {"format": "iss_sub", "iss": "https://idp.example", "sub": "a1"}
    )
    bad = issuer.event(RISC + "account-disabled", ALICE, aud="https://other.example")
    waiting = {each["jti"]: issuer.sign(each, typ="secevent+jwt") for each in (good, bad)}
    asked: list[dict[str, Any]] = []

    async def poll(received: web.Request) -> web.Response:
        assert received.headers["Authorization"] == "Bearer t0ken"
        body = await received.json()
        asked.append(body)
        if len(asked) == 1:
            return web.Response(status=503)
        for jti in (*body["ack"], *body.get("setErrs", {})):
            waiting.pop(jti)
        return web.json_response({"sets": waiting, "moreAvailable": False})

    app = web.Application()
    app.router.add_post("/poll", poll)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    (tmp_path / "token").write_text("t0ken")
    async with served() as service, service.client("admin", subject="root") as admin:
        await admin.upsert_graph("people", PEOPLE)
        stream = _stream(issuer, tmp_path, endpoint=f"{site.name}/poll", token_file=tmp_path / "token")
        task = asyncio.create_task(keep_polling(stream, Receiver(service.harness.service)))
        async with asyncio.timeout(20):
            while waiting:  # noqa: ASYNC110  # the transmitter tells nobody
                await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert [each.weight for each in service.harness.service.signals("alice")] == [0.3]
        told = next(each for each in asked if each["ack"])
        assert told["ack"] == [good["jti"]]
        assert told["setErrs"][bad["jti"]]["err"] == "invalid_audience"
    await runner.cleanup()


async def test_without_streams_nothing_is_taken() -> None:
    """The route answers, and says why not."""
    async with served() as service, aiohttp.ClientSession():
        sender = Sender(Issuer(), service)
        status, body = await sender.push(sender.issuer.event(RISC + "account-disabled", ALICE))
        assert (status, body["err"]) == (400, "invalid_issuer")


async def test_a_pack_says_otherwise(tmp_path: Path) -> None:
    """By name, and by name and level: other weights, nothing at all, and taking back what the same stream warned of."""
    rules = """
graphsvc: 1
pack: {id: signals, version: "1"}
signals:
  session-revoked: {weight: 0.5, half_life: 12h, suspend: true}
  "risk-level-change:low": {lowers: true}
  recovery-activated: {}
"""
    async with (
        _receiving(tmp_path) as sender,
        sender.service.client("admin", subject="root") as admin,
        sender.service.client("analyst", subject="ann") as analyst,
    ):
        await admin.publish_policy(rules)
        event, alice = sender.issuer.event, sender.alice
        low = event(CAEP + "risk-level-change", ALICE, {"principal": "USER", "current_level": "LOW"})
        await sender.push(event(RISC + "recovery-activated", ALICE))
        assert sender.signals() == []
        await sender.push(event(CAEP + "session-revoked", ALICE))
        assert [(each.weight, each.half_life_ms) for each in sender.signals()] == [(0.5, 12 * 3_600_000)]
        assert (alice().status, len(alice().grants)) == ("suspended", 1)
        await analyst.send_signal("alice", weight=0.2, half_life="1h", cause="own (detector 1)")
        old = {**low, "iat": low["iat"] - 10_000_000, "jti": "old"}
        await sender.push(old)
        assert len(sender.signals()) == 2
        sender.service.harness.clock.now_ms += 1_000
        await sender.push({**low, "iat": sender.service.harness.clock.now_ms // 1000, "jti": "new"})
        assert [each.weight for each in sender.signals()] == [0.2]
        assert alice().status == "suspended"
