"""`graphsvc tour` and `graphsvc demo --stay`, as a newcomer meets them."""

from __future__ import annotations

import asyncio
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from graphsvc.client import Client
from graphsvc.client.transport import Transport
from tests.cli.command import graphsvc, start

_TOUR = [sys.executable, "-c", "from graphsvc.cli.main import app; app()", "tour", "--port", "0"]


def test_without_a_terminal_the_tour_says_what_to_do() -> None:
    """It asks nobody who is not there."""
    ended = graphsvc("tour", given="")
    assert (ended.code, "--yes" in ended.error) == (2, True)


def test_the_tour_goes_through_by_itself(folder: Path) -> None:
    """Five stories, an approval, a revocation and a what-if, each answered as told; it leaves nothing behind."""
    process = start("tour", "--yes", "--port", "0")
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert [f"{number} of 5: " in out for number in range(1, 6)] == [True] * 5
    assert "(again, approved)" in out
    assert "Finance: creates vendors and approves payments" in out
    assert "let another approver answer" in out
    assert re.search(r"after the revoke\)\s+DENY", out)
    assert re.search(r"http://127\.0\.0\.1:\d+/#/login/ey", out)
    assert sorted(path.name for path in folder.iterdir()) == ["estate.jsonl", "policy.yaml"]


class _Visitor:
    """Somebody at a terminal: reads what is told, types."""

    def __init__(self) -> None:
        self._fd, there = pty.openpty()
        environment = {**os.environ, "COLUMNS": "200"}
        self.process = subprocess.Popen(_TOUR, stdin=there, stdout=there, stderr=there, env=environment)
        os.close(there)
        self.told = ""

    def until(self, text: str) -> str:
        """What was told up to a text."""
        ends = time.monotonic() + 100
        while text not in self.told:
            assert select.select([self._fd], [], [], ends - time.monotonic())[0], self.told[-2000:]
            self.told += os.read(self._fd, 65536).decode("utf-8", "replace")
        before, _, self.told = self.told.partition(text)
        return before

    def type(self, line: str = "") -> None:
        """A line."""
        os.write(self._fd, f"{line}\n".encode())

    def leave(self) -> None:
        """Hang up."""
        self.process.kill()
        self.process.wait()
        os.close(self._fd)


async def _revoke_all(url: str, token: str) -> None:
    """What the button of the dashboard does."""
    async with Transport(url, token) as wire, Client(url, token) as you:
        found = await wire.call(
            "{ r: grants(first: 5) { edges { node { grant { id } } } } }", {}, timeout_s=10
        )
        for edge in found["edges"]:
            await you.revoke_grant(edge["node"]["grant"]["id"], "by hand")


@pytest.mark.slow
def test_a_visitor_answers_by_hand_and_on_the_dashboard(folder: Path) -> None:
    """The approval is typed; the revocation happens elsewhere and the tour notices; Ctrl-C ends it in order."""
    visitor = _Visitor()
    try:
        link = re.search(r"(http://\S+)/#/login/(\S+)", visitor.until("[Enter to go on"))
        assert link is not None
        for _ in range(4):
            visitor.type()
            visitor.until("[Enter to go on")
        visitor.type()
        visitor.until("why you approve it: ")
        visitor.type()
        visitor.until("Not done: ")
        visitor.type("agreed with sales")
        assert "(again, approved)" in visitor.until("[Enter to go on")
        visitor.type()
        visitor.until("[Enter to revoke it here]")
        asyncio.run(_revoke_all(link[1], link[2]))
        assert "was revoked (on the dashboard)" in visitor.until("[Enter to go on")
        visitor.process.send_signal(signal.SIGINT)
        visitor.until("Start again with `graphsvc tour`")
        assert visitor.process.wait(20) == 0
    finally:
        visitor.leave()


@pytest.mark.slow
def test_the_demo_stays_until_it_is_told_to_go(folder: Path) -> None:
    """`--stay` serves the dashboard with what the stories left, and ends in order."""
    with start("demo", "--stay") as process:
        assert process.stdout is not None
        found = None
        try:
            for line in process.stdout:
                if found := re.search(r"(http://\S+)/#/login/", line):
                    break
            assert found is not None
            with urllib.request.urlopen(f"{found[1]}/", timeout=10) as page:
                assert b"main.js" in page.read()
        finally:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
        assert process.returncode == 0
