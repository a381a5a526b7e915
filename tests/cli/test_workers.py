"""`graphsvc serve --workers`: several processes over one store, chains shared out, requests sent on to their owner."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from graphsvc.api.hot.owner import owner_of
from tests.cli.command import ESTATE, POLICY, graphsvc, request
from tests.support.neo4j_server import Neo4jServer

_DECIDE = "mutation($v: DecideInput!) { decide(input: $v) { __typename ... on Decision { id verdict index recorded } ... on Failure { code message } } }"


@pytest.mark.parametrize("store", ["memory:", "sqlite:///x.db"])
def test_a_store_of_one_process_has_one_worker(folder: Path, store: str) -> None:
    """Exit 2, with the fix."""
    ended = graphsvc("serve", "--workers", "2", "--store", store)
    assert ended.code == 2
    assert "neo4j://" in ended.err
    assert not (folder / "x.db").exists()


def test_workers_need_a_port_to_count_from(folder: Path) -> None:
    """Port 0 says nothing about the second one's."""
    ended = graphsvc("serve", "--workers", "2", "--port", "0", "--store", "neo4j://neo4j@127.0.0.1:1/neo4j")
    assert (ended.code, "--port" in ended.err) == (2, True)


def _two_ports() -> int:
    while True:
        with closing(socket.socket()) as first, closing(socket.socket()) as second:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            try:
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


@contextmanager
def _serving(server: Neo4jServer, state: Path, policy: Path) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    port = _two_ports()
    command = [
        str(Path(sys.executable).with_name("graphsvc")), "serve", "--workers", "2", "--port", str(port),
        "--store", server.store_url, "--policy", str(policy),
    ]  # fmt: skip
    environment = {**os.environ, "GRAPHSVC_NEO4J_PASSWORD": server.password, "GRAPHSVC_STATE_DIR": str(state)}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        yield port, process
    finally:
        process.terminate()
        try:
            process.communicate(timeout=40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


async def _ready(port: int, process: subprocess.Popen[str]) -> None:
    async with aiohttp.ClientSession() as session, asyncio.timeout(90):
        while True:
            assert process.poll() is None, process.communicate()[1]
            try:
                async with session.get(f"http://127.0.0.1:{port}/readyz") as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.2)


async def _figures(port: int, bearer: str) -> dict[str, float]:
    headers = {"Authorization": f"Bearer {bearer}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(f"http://127.0.0.1:{port}/metrics") as response,
    ):
        lines = [line.split() for line in (await response.text()).splitlines() if not line.startswith("#")]
    return {line[0]: float(line[1]) for line in lines if len(line) == 2}


async def _decide(port: int, bearer: str, key: str, chain: str) -> Any:
    asked = {**request("mail:Read", "mailbox:inbox"), "chain": chain, "idempotencyKey": key}
    headers = {"Authorization": f"Bearer {bearer}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(
            f"http://127.0.0.1:{port}/graphql", json={"query": _DECIDE, "variables": {"v": asked}}
        ) as response,
    ):
        return (await response.json())["data"]["decide"]


@pytest.mark.slow
@pytest.mark.neo4j
@pytest.mark.anyio
async def test_two_workers_share_the_chains_out(
    empty_neo4j: Neo4jServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever port is asked, a chain's steps are decided in order by its owner; one that is killed comes back; both stop."""
    monkeypatch.chdir(tmp_path)
    state, policy = tmp_path / "state", tmp_path / "policy.yaml"
    policy.write_text(POLICY)
    (tmp_path / "estate.jsonl").write_text(ESTATE)
    environment = {"GRAPHSVC_NEO4J_PASSWORD": empty_neo4j.password, "GRAPHSVC_STATE_DIR": str(state)}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    imported = await asyncio.to_thread(
        graphsvc, "import", "jsonl", "estate.jsonl", "--source", "hr", "--store", empty_neo4j.store_url
    )
    assert imported.code == 0, imported.err
    with _serving(empty_neo4j, state, policy) as (port, process):
        await asyncio.gather(_ready(port, process), _ready(port + 1, process))
        options = ("--role", "pep", "--role", "auditor", "--subject", "ops")
        bearer = (await asyncio.to_thread(graphsvc, "token", *options)).out.strip()
        chains = [f"w{number}" for number in range(8)]
        assert {owner_of(chain, 2) for chain in chains} == {0, 1}
        for step in range(1, 5):
            for chain in chains:
                decided = await _decide(port + step % 2, bearer, f"{chain}-{step}", chain)
                assert (decided["verdict"], decided["index"]) == ("PERMIT", step), decided
        figures = [await _figures(port + index, bearer) for index in (0, 1)]
        # Each port was asked two steps of every chain; half of the chains are the other's.
        for index in (0, 1):
            foreign = sum(owner_of(chain, 2) != index for chain in chains)
            assert figures[index]["graphsvc_forwarded_decisions_total"] == 2 * foreign
        victim = next(child for child in _children(process.pid) if _listens(child, port + 1))
        os.kill(victim, signal.SIGKILL)
        chain = next(chain for chain in chains if owner_of(chain, 2) == 1)
        decided = await _decide(port, bearer, f"{chain}-5", chain)
        assert (decided["verdict"], decided["index"]) == ("PERMIT", 5), decided
        await _ready(port + 1, process)
        decided = await _decide(port + 1, bearer, f"{chain}-6", chain)
        assert (decided["verdict"], decided["index"]) == ("PERMIT", 6), decided
        process.terminate()
        began = time.monotonic()
        assert await asyncio.to_thread(process.wait, 40) == 0
        assert time.monotonic() - began < 35


def _children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(each) for each in text.split()]


def _listens(pid: int, port: int) -> bool:
    """Whether a process holds the socket that listens at a port."""
    wanted = f":{port:04X}"
    lines = Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]
    inodes = {
        line.split()[9] for line in lines if line.split()[1].endswith(wanted) and line.split()[3] == "0A"
    }
    held = []
    for each in Path(f"/proc/{pid}/fd").iterdir():
        try:
            held.append(str(each.readlink()))
        except OSError:
            continue
    return any(f"socket:[{inode}]" in held for inode in inodes)
