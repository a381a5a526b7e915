"""The MCP proxy, as a client meets it: a process between the official client and a real server."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client as McpClient
from mcp import MCPError, StdioServerParameters

from graphsvc.client.pep.tool import APPROVAL_NEEDED, REFUSED
from graphsvc.core.policy.load import load_policy
from tests.api.served import Served, served
from tests.support.requirement import REPOSITORY

pytestmark = pytest.mark.anyio

POLICY = (REPOSITORY / "examples" / "policy.yaml").read_text(encoding="utf-8")
SERVER = [sys.executable, "-m", "tests.pep.desk_server"]
PROXY = "from graphsvc.cli.main import app; app()"


def _proxy(service: Served, folder: Path, *options: str, server: list[str]) -> StdioServerParameters:
    token = folder / "pep.token"
    token.write_text(service.token("pep"), encoding="utf-8")
    arguments = [
        "mcp-proxy",
        "--service",
        service.url,
        "--token-file",
        str(token),
        "--subject",
        "desk",
        *options,
    ]
    return StdioServerParameters(
        command=sys.executable, args=["-c", PROXY, *arguments, *server], cwd=REPOSITORY
    )


@asynccontextmanager
async def _between(tmp_path: Path, *options: str) -> AsyncIterator[tuple[Served, McpClient, Path]]:
    done = tmp_path / "done"
    async with served(prepared=False) as service, asyncio.timeout(60):
        async with service.client("admin", subject="root") as admin:
            await admin.publish_policy(POLICY)
        upstream = ["--", *SERVER, str(done)]
        async with McpClient(_proxy(service, tmp_path, *options, server=upstream)) as client:
            yield service, client, done


def _text(result: Any) -> str:
    return "".join(getattr(each, "text", "") for each in result.content)


def _done(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").split("\n")[:-1] if file.exists() else []


async def test_a_server_is_shown_as_it_is(tmp_path: Path) -> None:
    """Name, instructions, tools with their annotations, resources, prompts: the client meets the server itself."""
    async with _between(tmp_path) as (_, client, _done_file):
        assert client.server_info is not None
        assert client.server_info.name == "desk"
        assert client.instructions == "A support desk."
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(tools) == {"lookup", "wipe", "send", "fail"}
        assert tools["wipe"].annotations is not None
        assert tools["wipe"].annotations.destructive_hint is True
        assert [str(each.uri) for each in (await client.list_resources()).resources] == ["desk://rules"]
        prompt = await client.get_prompt("greet", {"name": "Dana"})
        assert "Hello Dana" in str(prompt.messages[0].content)


async def test_one_runs_one_is_refused_one_waits(tmp_path: Path) -> None:
    """A refusal is a tool error and the tool has not run; an approved call runs when it is called again."""
    async with _between(tmp_path) as (service, client, done):
        assert _text(await client.call_tool("lookup", {"number": "42"})) == "record 42"
        refused = await client.call_tool("wipe", {"path": "/"})
        assert (refused.is_error, _text(refused)) == (True, REFUSED)
        waits = await client.call_tool("send", {"to": "eve@example.org", "text": "hi"})
        assert (waits.is_error, _text(waits)) == (True, APPROVAL_NEEDED)
        assert _done(done) == ["lookup 42"]
        async with service.client("approver", subject="dana") as dana:
            (review,) = (await dana.reviews()).reviews
            await dana.approve_review(review.id, "asked for")
        assert (
            _text(await client.call_tool("send", {"to": "eve@example.org", "text": "hi"}))
            == "sent 2 characters"
        )
        assert _done(done) == ["lookup 42", "send eve@example.org"]


async def test_an_escalated_call_waits_for_its_review(tmp_path: Path) -> None:
    """With --wait the client's one call returns after the person has answered."""
    async with _between(tmp_path, "--wait", "20s") as (service, client, done):
        calling = asyncio.create_task(client.call_tool("send", {"to": "eve@example.org", "text": "hi"}))
        async with service.client("approver", subject="dana") as dana:
            async with asyncio.timeout(20):
                while not (waiting := (await dana.reviews()).reviews):  # noqa: ASYNC110  # nobody tells this test
                    await asyncio.sleep(0.05)
            assert _done(done) == []
            await dana.approve_review(waiting[0].id, "asked for")
        assert _text(await calling) == "sent 2 characters"


async def test_reading_a_resource_is_an_action(tmp_path: Path) -> None:
    """It is asked like a tool call, and refused like one."""
    async with _between(tmp_path, "--name", "desk") as (service, client, done):
        assert "be kind" in str((await client.read_resource("desk://rules")).contents[0])
        assert _done(done) == ["rules"]
        async with service.client("admin", subject="root") as admin:
            await admin.suspend("desk:resources.read", "closed", kind="action")
        with pytest.raises(MCPError, match="not permitted"):
            await client.read_resource("desk://rules")
        assert _done(done) == ["rules"]


@pytest.mark.slow
async def test_a_tool_that_fails_says_so(tmp_path: Path) -> None:
    """The server's own error reaches the client as it is."""
    async with _between(tmp_path) as (_, client, _done_file):
        failed = await client.call_tool("fail", {})
        assert failed.is_error
        assert "out of order" in _text(failed)


@pytest.mark.slow
async def test_a_server_over_http_and_clients_over_http(tmp_path: Path) -> None:
    """--url and --listen: the same answers without stdio."""
    done = tmp_path / "done"
    ports = [_free_port(), _free_port()]
    async with served(prepared=False) as service, asyncio.timeout(60):
        async with service.client("admin", subject="root") as admin:
            await admin.publish_policy(POLICY)
        behind = await asyncio.create_subprocess_exec(*SERVER, str(done), str(ports[0]), cwd=REPOSITORY)
        options = ["--url", f"http://127.0.0.1:{ports[0]}/mcp", "--listen", f"127.0.0.1:{ports[1]}"]
        await _listening(ports[0])
        command = _proxy(service, tmp_path, *options, server=[])
        before = await asyncio.create_subprocess_exec(command.command, *command.args, cwd=REPOSITORY)
        try:
            await _listening(ports[1])
            async with McpClient(f"http://127.0.0.1:{ports[1]}/mcp") as client:
                assert _text(await client.call_tool("lookup", {"number": "42"})) == "record 42"
                assert _text(await client.call_tool("wipe", {"path": "/"})) == REFUSED
        finally:
            for process in (before, behind):
                process.terminate()
                await process.wait()
    assert _done(done) == ["lookup 42"]


@pytest.mark.slow
async def test_its_tools_become_a_policy_file(tmp_path: Path) -> None:
    """--write-pack declares the server's tools; annotations may only restrict, so what is not declared may do anything."""
    pack = tmp_path / "desk.yaml"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROXY, "mcp-proxy", "--name", "desk", "--write-pack", str(pack), "--",
        *SERVER, str(tmp_path / "done"), stderr=asyncio.subprocess.PIPE, cwd=REPOSITORY,
    )  # fmt: skip
    _, told = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, told.decode()
    assert "4 tools declared" in told.decode()
    policy = load_policy(pack.read_text(encoding="utf-8"), str(pack))
    assert set(policy.actions) == {f"desk:{name}" for name in ("lookup", "wipe", "send", "fail")}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ([], "--url"),
        (["--url", "http://127.0.0.1:1/mcp"], "--token-file"),
        (["--url", "http://127.0.0.1:1/mcp", "--token-file", "nowhere"], "`nowhere` cannot be read"),
        (["--url", "u", "--token-file", __file__, "--wait", "soon"], "`soon` is no duration"),
        (["--url", "u", "--token-file", __file__, "--listen", "9001"], "`9001` is no address"),
    ],
)
async def test_bad_options_name_the_fix(options: list[str], told: str) -> None:
    """Exit code 2 and a message that names the option."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROXY, "mcp-proxy", *options, stderr=asyncio.subprocess.PIPE, cwd=REPOSITORY
    )
    _, errors = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 2
    assert told in errors.decode()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


async def _listening(port: int) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            return


async def test_results_are_taken_in_for_the_next_call(tmp_path: Path) -> None:
    """With the user's words each call tells where its values came from; the values stay in the proxy."""
    tools = tmp_path / "tools.json"
    said = {"effects": ["send"], "arguments": {"to": "destination", "text": "content"}}
    tools.write_text(
        json.dumps({"tool:lookup": {"effects": ["read"], "result": {"text": "*"}}, "tool:send": said})
    )
    words = ("--request", "Look up 42 and tell eve@example.org", "--tools", str(tools))
    async with _between(tmp_path, *words) as (service, client, _):
        await client.call_tool("lookup", {"number": "42"})
        await client.call_tool("send", {"to": "eve@example.org", "text": "secret words"})
        decided = list(service.harness.service.world.decided.values())
        facts = {each.name: each.fact for each in decided[-1].request.arguments}
        assert facts["to"] == "named_by_intent"
        assert "requested" in str(decided[-1].request.context["provenance"])
        assert "secret words" not in str([record.request for record in decided])
        assert service.harness.service.world.reported[decided[0].request.id].labels == ("untrusted",)
