"""`graphsvc serve` and `graphsvc demo`, as processes of their own, over real HTTP."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.command import graphsvc, request, start

WITHIN_S = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(*arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A service that answers `/livez`; killed at the end if it still runs."""
    port = free_port()
    process = start("serve", "--port", str(port), *arguments)
    url = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + WITHIN_S
        while not _answers(f"{url}/livez"):
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < until, "the service did not start"
            time.sleep(0.05)
        yield url, process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def token(*roles: str) -> str:
    options = [part for role in roles for part in ("--role", role)]
    return graphsvc("token", *options, "--subject", "ops").out.strip()


def test_serve_decides_and_ends_cleanly(filled: Path) -> None:
    """A service on a filled store answers over HTTP, owns the store, ends with 0 at SIGTERM, and logs JSON only."""
    (filled / "request.json").write_text(json.dumps(request("mail:Read", "mailbox:inbox")))
    with served() as (url, process):
        remote = ("--server", url, "--token", token("pep", "analyst", "admin"))
        ended = graphsvc("decide", "request.json", "--format", "json", *remote)
        assert (ended.code, ended.json()["verdict"]) == (0, "PERMIT")
        told = graphsvc("explain", ended.json()["id"], *remote)
        assert told.out.startswith("PERMIT  decision:")
        assert graphsvc("evaluate", "request.json", *remote).code == 0
        then = ("--as-of", ended.json()["revision"])
        assert graphsvc("evaluate", "request.json", *then, *remote).code == 0
        assert "leak" in graphsvc("policy", "list", *remote).out
        refused = graphsvc("decide", "request.json")
        assert (refused.code, "--server URL" in refused.error) == (3, True)
        process.send_signal(signal.SIGTERM)
        _, told_of = process.communicate(timeout=WITHIN_S)
        assert process.returncode == 0
        first, *_, last = [json.loads(line) for line in told_of.splitlines()]
        assert (first["event"], first["url"], last["event"]) == ("listening", url, "stopped")
    assert graphsvc("explain", ended.json()["id"]).code == 0


def test_a_service_is_filled_over_http(folder: Path) -> None:
    """Import and publish work over the API; a token is needed and its role decides."""
    with served("--policy", "policy.yaml") as (url, _):
        admin = ("--server", url, "--token", token("admin", "analyst", "pep"))
        assert graphsvc("import", "jsonl", "estate.jsonl", "--source", "hr", *admin).code == 0
        published = graphsvc("policy", "publish", "policy.yaml", *admin)
        assert published.code == 0, published.err
        (folder / "request.json").write_text(json.dumps(request("mail:Read", "mailbox:inbox")))
        assert graphsvc("decide", "request.json", *admin).code == 0
        nobody = graphsvc("decide", "request.json", "--server", url)
        assert (nobody.code, "--token" in nobody.error) == (2, True)
        pep = graphsvc("policy", "publish", "policy.yaml", "--server", url, "--token", token("pep"))
        assert pep.code == 2


def test_the_demo_ends_as_its_stories_say(folder: Path) -> None:
    """Every step of every story ends as expected, and nothing is left behind."""
    process = start("demo", "--format", "json")
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    stories = json.loads(out)
    assert len(stories) == 5
    steps = [step for story in stories for step in story["steps"]]
    assert all(step["as expected"] for step in steps)
    assert {"PERMIT", "DENY", "ESCALATE"} <= {step["verdict"] for step in steps}
    assert sorted(path.name for path in folder.iterdir()) == ["estate.jsonl", "policy.yaml"]


@pytest.mark.slow
def test_the_demo_tells_people(folder: Path) -> None:
    """Without a terminal the stories are plain text that ends with how to go on."""
    process = start("demo")
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert "lethal-trifecta" in out
    assert "graphsvc tour" in out.splitlines()[-2]
    assert "has ended" in out.splitlines()[-4]
    assert "http://127.0.0.1:8080/" in out.splitlines()[-1]
    assert "\x1b" not in out
