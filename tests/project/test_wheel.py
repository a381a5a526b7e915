"""The built wheel in an environment that holds nothing else: the client alone, and the service with its page."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest

from graphsvc import __version__
from tests.support.requirement import REPOSITORY

pytestmark = pytest.mark.slow
UV = [sys.executable, "-m", "uv"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as it would be published."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True)
    (found,) = folder.glob("graphsvc-*.whl")
    return found


def _environment(folder: Path, wanted: str, *constraints: str) -> Path:
    """An environment outside the tree with a wheel in it; its folder of commands."""
    subprocess.run([*UV, "venv", "-q", "--python", sys.executable, str(folder)], check=True)
    install = [*UV, "pip", "install", "-q", "--python", str(folder / "bin" / "python"), wanted, *constraints]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "bin"


def _run(command: list[str | Path], home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(each) for each in command], cwd=home, env=_clean(home), capture_output=True, text=True, check=False)  # fmt: skip


def _clean(home: Path) -> dict[str, str]:
    """Nothing of the tree's: no path to it, no setting, another home."""
    return {"PATH": os.defpath, "HOME": str(home), "LANG": "C.UTF-8"}


def test_the_client_alone_says_what_is_missing(wheel: Path, tmp_path: Path) -> None:
    """`pip install graphsvc` gives the client; the command then names what to install."""
    commands = _environment(tmp_path / "env", str(wheel))
    told = _run([commands / "graphsvc", "serve"], tmp_path)
    assert (told.returncode, "pip install 'graphsvc[server]'" in told.stderr) == (2, True)
    assert "Traceback" not in told.stderr
    done = _run(
        [commands / "python", "-c", "import graphsvc.client as c; print(c.Client, c.SyncClient)"], tmp_path
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The commands of `graphsvc[server]` with the locked versions."""
    folder = tmp_path_factory.mktemp("server")
    text = (REPOSITORY / "requirements" / "server.lock").read_text(encoding="utf-8")
    pins = folder / "pins.txt"
    pins.write_text("\n".join(re.findall(r"^[a-z0-9-]+==[^\s\\]+(?: ;[^\\\n]*)?", text, re.MULTILINE)) + "\n")
    return _environment(folder / "env", f"graphsvc[server] @ {wheel.as_uri()}", "--constraint", str(pins))


@pytest.fixture
def serving(installed: Path, tmp_path: Path) -> Iterator[str]:
    """The address of `graphsvc serve`, run as the installed command in an empty folder."""
    command = [str(installed / "graphsvc"), "serve", "--port", "0"]
    process = subprocess.Popen(command, cwd=tmp_path, env=_clean(tmp_path), stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if found := re.search(r"(http://127\.0\.0\.1:\d+)", line):
                yield found[1]
                break
        else:
            pytest.fail("it ended before it listened")
    finally:
        process.terminate()
        process.communicate(timeout=30)
    assert process.returncode == 0


def _get(url: str, body: Any = None, token: str | None = None) -> tuple[bytes, Any]:
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(
        urllib.request.Request(url, data=data, headers=headers), timeout=20
    ) as answer:
        return answer.read(), answer.headers


def test_the_service_decides_and_shows_its_page(installed: Path, serving: str, tmp_path: Path) -> None:
    """From an empty folder: version, a graph, shipped rules, a decision, and every file that the page asks for."""
    graphsvc = installed / "graphsvc"
    assert _run([graphsvc, "--version"], tmp_path).stdout == f"graphsvc {__version__}\n"
    token = _run(
        [graphsvc, "token", "--role", "admin", "--role", "pep", "--subject", "me"], tmp_path
    ).stdout.strip()
    records = [
        {"node": {"type": "identity", "id": "bot", "kind": "agent"}},
        {
            "node": {
                "type": "permission",
                "id": "p",
                "actions": ["crm:*"],
                "resources": ["*"],
                "effect": "allow",
            }
        },
        {"edge": {"type": "GRANTED", "from": "identity:bot", "to": "permission:p"}},
    ]
    (tmp_path / "estate.jsonl").write_text("\n".join(map(json.dumps, records)))
    there: list[str | Path] = ["--server", serving, "--token", token]
    done = _run([graphsvc, "import", "jsonl", "estate.jsonl", "--source", "mine", *there], tmp_path)
    assert done.returncode == 0, done.stderr
    packs = next((installed.parent / "lib").glob("python*/site-packages/graphsvc/packs"))
    done = _run([graphsvc, "policy", "publish", packs / "agents.yaml", *there], tmp_path)
    assert done.returncode == 0, done.stderr
    asked = {
        "idempotencyKey": "1", "chain": "c", "subject": {"type": "agent", "id": "bot"},
        "action": {"name": "crm:Read"}, "resource": {"type": "record", "id": "1"},
    }  # fmt: skip
    query = "mutation($v: DecideInput!) { decide(input: $v) { ... on Decision { verdict recorded } } }"
    body, _ = _get(f"{serving}/graphql", {"query": query, "variables": {"v": asked}}, token)
    assert json.loads(body)["data"]["decide"] == {"verdict": "PERMIT", "recorded": True}
    page, headers = _get(f"{serving}/")
    assert "script-src 'self'" in headers["content-security-policy"]
    seen, left = set(), set(re.findall(rb'(?:src|href)="(/static/[^"]+)"', page))
    while left:
        name = left.pop().decode()
        seen.add(name)
        text, _ = _get(f"{serving}{name}")
        if name.endswith(".js"):
            for found in re.findall(rb"""from\s*['"](\.[^'"]+)['"]""", text):
                path = urljoin(name, found.decode())
                left |= {path.encode()} if path not in seen else set()
    assert len(seen) > 20
    assert {"/static/views/live.js", "/static/vendor/preact.js", "/static/style.css"} <= seen


def test_the_demo_runs_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    """What a newcomer would run with nothing but the wheel: five stories, as told."""
    started = time.monotonic()
    done = _run([installed / "graphsvc", "demo", "--format", "json"], tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)) == 5
    assert time.monotonic() - started < 120
