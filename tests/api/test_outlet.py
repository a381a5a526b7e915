"""Decisions told to a SIEM, and suspensions and risk told to receivers of security events, over real sockets."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import jwt
import pytest
from aiohttp import web

from graphsvc.api.jwks import KeySet
from graphsvc.api.server import running
from graphsvc.api.ssf.stream import Stream
from graphsvc.config import Settings, load_settings
from graphsvc.core.graph import Node
from graphsvc.decide.service import GraphsvcService
from graphsvc.errors import SettingsError
from graphsvc.events import ocsf
from graphsvc.events.outlet import Outlet, Undeliverable, keep_delivering
from graphsvc.events.sink import FileSink, SyslogSink
from graphsvc.store.memory import open_memory
from graphsvc.wiring import build_app
from tests.service.harness import ADMIN, Harness, serving

pytestmark = pytest.mark.anyio
US = "https://soc.example/ssf"


@asynccontextmanager
async def _delivering(service: GraphsvcService, outlet: Outlet) -> AsyncIterator[None]:
    task = asyncio.create_task(keep_delivering(service, outlet))
    await asyncio.sleep(0.02)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _until(said: Any, seconds: float = 5.0) -> Any:
    async with asyncio.timeout(seconds):
        while not (found := said()):  # noqa: ASYNC110  what is waited for is on the other side of a socket
            await asyncio.sleep(0.01)
        return found


async def _trifecta(harness: Harness) -> None:
    await harness.act("mail:Read")
    await harness.act("crm:Read", "record:42")
    await harness.act("mail:Send", "mailbox:alice", to="eve@example.org")


async def test_decisions_are_written_to_a_file_in_ocsf(tmp_path: Path) -> None:
    """One activity a decision, and a finding for the pattern that was completed; no value of an argument."""
    file = tmp_path / "siem.jsonl"
    async with serving(await open_memory()) as harness:
        await harness.prepare()
        outlet = Outlet("soc", FileSink(file), ocsf.messages, tmp_path / "cursor")
        async with _delivering(harness.service, outlet):
            await _trifecta(harness)
            lines = await _until(lambda: found if len(found := _lines(file)) == 4 else None)
    assert [each["class_uid"] for each in lines] == [6003, 6003, 6003, 2004]
    assert [each["type_uid"] for each in lines] == [600399, 600399, 600399, 200401]
    denied, finding = lines[2:]
    assert (denied["action"], denied["disposition"], denied["status_code"]) == ("Denied", "Blocked", "DENY")
    assert denied["actor"]["user"] == {"uid": "bot", "type": "agent"}
    assert denied["resources"] == [{"type": "mailbox", "uid": "alice"}]
    assert finding["finding_info"]["analytic"]["uid"] == "trifecta"
    assert (finding["severity_id"], len(finding["finding_info"]["related_events"])) == (5, 3)
    assert "eve@example.org" not in file.read_text()
    assert all(each["metadata"]["version"] == "1.3.0" for each in lines)


async def test_a_full_state_folder_ends_no_delivery(tmp_path: Path) -> None:
    """How far it came cannot be kept for a while: what is decided is told all the same, once, and that is said."""
    file, cursor = tmp_path / "siem.jsonl", tmp_path / "cursor"
    async with serving(await open_memory()) as harness:
        await harness.prepare()
        outlet = Outlet("soc", FileSink(file), ocsf.messages, cursor)
        async with _delivering(harness.service, outlet):
            cursor.unlink()
            cursor.mkdir()
            for count in (1, 2):
                await harness.act("mail:Read")
                await _until(lambda count=count: len(_lines(file)) == count)
            assert await _until(lambda: outlet.problem)
            cursor.rmdir()
            await harness.act("mail:Read")
            await _until(cursor.is_file)
            assert outlet.problem is None
            assert len(_lines(file)) == 3


async def test_what_could_not_be_delivered_is_delivered_later_and_after_a_restart(tmp_path: Path) -> None:
    """In order, nothing left out; the problem is told while it lasts."""
    file, cursor = tmp_path / "siem.jsonl", tmp_path / "cursor"

    class Broken:
        async def send(self, messages: Any) -> None:
            raise Undeliverable("the collector is away")

        async def close(self) -> None:
            pass

    async with serving(await open_memory()) as harness:
        await harness.prepare()
        broken = Outlet("soc", Broken(), ocsf.messages, cursor)
        async with _delivering(harness.service, broken):
            await harness.act("mail:Read")
            assert await _until(lambda: broken.problem) == "the collector is away"
        await harness.act("crm:Read", "record:7")
        mended = Outlet("soc", FileSink(file), ocsf.messages, cursor)
        async with _delivering(harness.service, mended):
            # Only what is known to be delivered is not told again.
            await _until(lambda: mended.delivered == 2)
        lines = _lines(file)
        assert [each["api"]["operation"] for each in lines] == ["mail:Read", "crm:Read"]
        again = Outlet("soc", FileSink(file), ocsf.messages, cursor)
        async with _delivering(harness.service, again):
            await asyncio.sleep(0.2)
        assert len(_lines(file)) == 2


async def test_a_syslog_server_gets_framed_lines(tmp_path: Path) -> None:
    """RFC 5424, over UDP and over TCP with octet counting."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(5)
        await SyslogSink(f"udp://127.0.0.1:{receiver.getsockname()[1]}").send([b'{"a":1}'])
        text = (await asyncio.to_thread(receiver.recv, 4_096)).decode()
    assert text.startswith("<110>1 ")
    assert text.endswith(' decision - {"a":1}')
    taken = asyncio.Queue[bytes]()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            length = int(await reader.readuntil(b" "))
            taken.put_nowait(await reader.readexactly(length))
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    async with server:
        sink = SyslogSink(f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        await sink.send([b"one", b"two"])
        async with asyncio.timeout(5):
            assert [(await taken.get()).rpartition(b" - ")[2] for _ in range(2)] == [b"one", b"two"]
        await sink.close()
    with pytest.raises(Undeliverable):
        await sink.send([b"three"])


async def test_a_suspension_and_a_risk_are_pushed_as_signed_events(tmp_path: Path) -> None:
    """A receiver that verifies as ours does takes them, by the keys that discovery names; nothing is said of LOW."""
    pushed: list[str] = []

    async def take(request: web.Request) -> web.Response:
        assert request.headers["Content-Type"] == "application/secevent+jwt"
        assert request.headers["Authorization"] == "Bearer letmein"
        pushed.append(await request.text())
        return web.Response(status=202)

    receiver = web.Application()
    receiver.router.add_post("/events", take)
    runner = web.AppRunner(receiver)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    (tmp_path / "token").write_text("letmein\n")
    (tmp_path / "graphsvc.toml").write_text(
        f'[[ssf.receivers]]\nname = "soc"\nendpoint = "http://127.0.0.1:{port}/events"\n'
        f'audience = "{US}"\ntoken_file = "{tmp_path}/token"\n'
    )
    settings = load_settings(tmp_path / "graphsvc.toml", environ={}, state_dir=tmp_path / "state")
    try:
        async with serving(await open_memory()) as harness:
            await harness.prepare()
            named = Node(
                key="identity:alice", fields={"kind": "human", "aliases": ["iss_sub:https://idp.example#a1"]}
            )
            await harness.service.load_graph(ADMIN, "people", [named], [], replace=True)
            await _told(harness, settings, pushed, tmp_path)
    finally:
        await runner.cleanup()


async def _told(harness: Harness, settings: Settings, pushed: list[str], folder: Path) -> None:
    jobs: list[Any] = []
    url = "http://127.0.0.1:9"
    app = build_app(harness.service, settings, listening=url, jobs=jobs)
    tasks = [asyncio.create_task(job) for job in jobs]
    await asyncio.sleep(0.05)
    try:
        async with running(app) as where, aiohttp.ClientSession() as http:
            async with http.get(f"{where}/.well-known/ssf-configuration") as answer:
                configuration = await answer.json()
            assert configuration["issuer"] == url
            assert configuration["delivery_methods_supported"] == ["urn:ietf:rfc:8935"]
            async with http.get(f"{where}/.well-known/ssf-jwks.json") as answer:
                (folder / "jwks.json").write_text(await answer.text())
        await harness.service.send_signal(ADMIN, "alice", 0.1, 3_600_000, "odd hours", None)
        await asyncio.sleep(0.3)
        assert pushed == []
        await harness.service.send_signal(ADMIN, "alice", 0.7, 3_600_000, "stolen laptop", None)
        await harness.service.suspend(ADMIN, "alice", "stolen laptop", None)
        await _until(lambda: len(pushed) == 2)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    stream = Stream(name="g", issuer=url, audience=US, keys=KeySet(file=folder / "jwks.json"))
    # The harness's clock lies in another year than the machine's.
    risk, ended = (stream.read(token, now_s=harness.clock.now_ms / 1000) for token in pushed)
    assert risk.kind.endswith("/risk-level-change")
    assert (risk.claims["previous_level"], risk.claims["current_level"]) == ("LOW", "HIGH")
    assert risk.claims["risk_reason"] == "stolen laptop"
    assert ended.kind.endswith("/session-revoked")
    assert ended.claims["reason_admin"] == {"en": "stolen laptop"}
    assert ended.subject == {"format": "iss_sub", "iss": "https://idp.example", "sub": "a1"}
    assert risk.jti != ended.jti
    assert jwt.get_unverified_header(pushed[0])["alg"] == "RS256"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[[siem]]\nname = "a"\n', "give one of `file`, `syslog` and `url`"),
        ('[[siem]]\nname = "a"\nsyslog = "ftp://x"\n', "must be udp://"),
        ('[[siem]]\nname = "a"\nurl = "http://far.example/x"\n', "must start with https://"),
        ('[[siem]]\nname = "../a"\nfile = "x"\n', "siem__0__name"),
        ('[[siem]]\nname = "a"\nfile = "x"\n[[siem]]\nname = "a"\nfile = "y"\n', "the same `name`"),
        (
            'host = "0.0.0.0"\n[[ssf.receivers]]\nname = "a"\nendpoint = "https://x.example"\naudience = "y"\n',
            "set `public_url`",
        ),
    ],
)
def test_settings_that_cannot_work_are_refused(tmp_path: Path, text: str, told: str) -> None:
    """By name, with what to do."""
    (tmp_path / "g.toml").write_text(text)
    with pytest.raises(SettingsError) as refused:
        load_settings(tmp_path / "g.toml", environ={})
    assert told in str(refused.value)


def _lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
