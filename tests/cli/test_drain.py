"""A stop under load: whoever was answered PERMIT finds the decision afterwards, and whoever came too late is not misled."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.cli.command import graphsvc, request
from tests.cli.test_serve_command import WITHIN_S, served, token

pytestmark = pytest.mark.anyio
_DECIDE = (
    "mutation($v: DecideInput!) { decide(input: $v) { __typename ... on Decision { id verdict recorded } } }"
)


async def _ask(url: str, bearer: str, name: str, answered: list[dict[str, Any]], broken: list[str]) -> None:
    """One caller that asks until it is answered no more."""
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {bearer}"}) as session:
        for number in range(100_000):
            asked = {
                **request("mail:Read", "mailbox:inbox"),
                "chain": name,
                "idempotencyKey": f"{name}-{number}",
            }
            try:
                async with session.post(
                    f"{url}/graphql", json={"query": _DECIDE, "variables": {"v": asked}}
                ) as response:
                    answered.append((await response.json())["data"]["decide"])
            except (aiohttp.ClientError, OSError):
                broken.append(name)
                return


async def test_no_accepted_decision_is_lost_by_a_stop(filled: Path) -> None:
    """SIGTERM while sixteen callers ask: it ends with 0, soon; everything that was answered as recorded is in the store."""
    answered: list[dict[str, Any]] = []
    broken: list[str] = []
    with served() as (url, process):
        bearer = token("pep")
        callers = [
            asyncio.create_task(_ask(url, bearer, f"c{place}", answered, broken)) for place in range(16)
        ]
        # A subscriber that never goes by itself must not hold the stop up.
        stream = asyncio.create_task(_watch(url, token("analyst")))
        while len(answered) < 200:  # noqa: ASYNC110  # callers tell nobody
            await asyncio.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        assert await asyncio.to_thread(process.wait, WITHIN_S) == 0
        assert time.monotonic() - began < 15
        await asyncio.wait_for(asyncio.gather(*callers), 30)
        await asyncio.wait_for(stream, 30)
    assert len(broken) == 16
    ended = await asyncio.to_thread(graphsvc, "export", "trace")
    assert ended.code == 0, ended.err
    kept = {line["id"] for line in map(json.loads, ended.out.splitlines()) if line["type"] == "action"}
    for decided in answered:
        assert decided["verdict"] == "PERMIT" if decided["recorded"] else decided["verdict"] == "DENY"
        if decided["recorded"]:
            assert decided["id"].removeprefix("decision:") in kept


async def _watch(url: str, bearer: str) -> None:
    headers = {"Authorization": f"Bearer {bearer}", "Accept": "text/event-stream"}
    body = {"query": "subscription { decisions { __typename } }"}
    try:
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{url}/graphql", json=body, headers=headers) as response,
        ):
            async for _ in response.content:
                pass
    except (aiohttp.ClientError, OSError):
        pass
