"""A store with a day of history, and an export of it."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

import pytest

from graphsvc.cli.direct import OPERATOR
from graphsvc.config import load_settings
from graphsvc.decide.service import GraphsvcService
from graphsvc.wiring import open_service
from tests.cli.command import ESTATE, POLICY, graphsvc
from tests.cli.test_history import START_MS, asked

STORE = "sqlite:///graphsvc.db"


async def day(service: GraphsvcService, rounds: int, start: int = 0) -> None:
    """Chains that read, report and are stopped when they send; a grant that is given, used and taken back."""
    number = itertools.count(start * 100)
    for turn in range(start, start + rounds):
        chain = f"c{turn}"
        await service.decide(OPERATOR, asked(next(number), "mail:Read", chain))
        read = await service.decide(OPERATOR, asked(next(number), "crm:Read", chain))
        await service.report(OPERATOR, read.decision.request.id, "SUCCESS", ["sensitive"], [])
        await service.decide(OPERATOR, asked(next(number), "mail:Send", chain, "x@evil.example"))
    granted = await service.grant(
        OPERATOR, identity="bot", actions=["bank:*"], resources=["*"], expires_ms=START_MS + 10**9,
        not_before_ms=None, uses=None, chain=None, purpose="month end",
    )  # fmt: skip
    await service.decide(OPERATOR, asked(next(number), "bank:Pay", "pay"))
    await service.revoke_grant(OPERATOR, granted.grant.id, "done")
    await service.decide(OPERATOR, asked(next(number), "bank:Pay", "pay"))
    await service.suspend(OPERATOR, "bot", "odd", None)
    await service.decide(OPERATOR, asked(next(number), "mail:Read", "pay"))
    await service.reinstate(OPERATOR, "bot")


def live(rounds: int = 6, start: int = 0) -> None:
    """Let time pass in the store of the working folder."""
    clock = itertools.count(START_MS + start * 10**6, 1_001)

    async def body() -> None:
        async with open_service(load_settings(store=STORE), clock=lambda: next(clock)) as service:
            await day(service, rounds, start)

    asyncio.run(body())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder whose store has a history."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "estate.jsonl").write_text(ESTATE)
    assert graphsvc("import", "jsonl", "estate.jsonl", "--source", "hr").code == 0
    assert graphsvc("policy", "publish", "policy.yaml").code == 0
    live()
    return tmp_path
