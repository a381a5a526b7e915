"""`graphsvc doctor`: what it finds, and what it says to do about it."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest

from graphsvc.cli.direct import OPERATOR
from graphsvc.config import load_settings
from graphsvc.errors import StoreError
from graphsvc.store.sqlite import SqliteStore
from graphsvc.wiring import open_service
from tests.cli.command import POLICY, Ended, graphsvc
from tests.cli.test_serve_command import served


def _rows(ended: Ended) -> dict[str, dict[str, str]]:
    return {row["check"]: row for row in ended.json()}


def test_without_a_store_it_says_how_to_make_one(folder: Path) -> None:
    """Exit 3, nothing is made, and each check that is not in order has its next step."""
    ended = graphsvc("doctor", "--json")
    rows = _rows(ended)
    assert (ended.code, rows["store"]["state"]) == (3, "error")
    assert "graphsvc import" in rows["store"]["fix"]
    assert all(row["fix"] for row in rows.values() if row["state"] in {"warning", "error"})
    assert not (folder / "graphsvc.db").exists()


def test_a_healthy_store(filled: Path) -> None:
    """Schema, graph, policy, its lint, signatures, clock, latency and the disk's are told."""
    rows = _rows(graphsvc("doctor", "--json"))
    assert rows["graph"]["detail"] == "4 nodes, 2 edges"
    assert (rows["snapshot"]["state"], rows["snapshot"]["detail"]) == ("off", "none yet")
    wanted = (
        "store",
        "schema",
        "drawn graph",
        "policy",
        "audit log",
        "clock",
        "store latency",
        "disk",
        "limits",
    )
    assert {name: rows[name]["state"] for name in wanted} == dict.fromkeys(wanted, "ok")
    assert "the newest" in rows["schema"]["detail"]
    assert "p50" in rows["fsync"]["detail"]


def test_a_graph_that_cannot_be_drawn(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """How far behind it is is told, and that decisions do not depend on it."""

    async def full(*_arguments: object, **_named: object) -> bool:
        raise StoreError("the disk is full")

    (filled / "graphsvc.db-graph").unlink()
    monkeypatch.setattr(SqliteStore, "draw", full)
    row = _rows(graphsvc("doctor", "--json"))["drawn graph"]
    assert (row["state"], row["detail"]) == ("error", "the disk is full")
    assert "decisions go on" in row["fix"]


def test_doors_that_stand_open(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Authentication that is off, development mode, and a token that may speak for everybody are warnings."""
    assert graphsvc("token", "--role", "pep", "--subject", "gateway-1").code == 0
    assert "`gateway-1`" in _rows(graphsvc("doctor", "--json"))["tokens"]["detail"]
    monkeypatch.setenv("GRAPHSVC_AUTH", "off")
    monkeypatch.setenv("GRAPHSVC_ENV", "development")
    ended = graphsvc("doctor", "--json")
    rows = _rows(ended)
    assert (ended.code, rows["authentication"]["state"], rows["mode"]["state"]) == (0, "warning", "warning")


def test_a_key_that_others_can_read(filled: Path) -> None:
    """Exit 1, with the command that mends it."""
    assert graphsvc("token", "--role", "admin", "--subject", "ops").code == 0
    key = filled / ".graphsvc" / "token-key.pem"
    key.chmod(0o644)
    ended = graphsvc("doctor", "--json")
    row = _rows(ended)["token key"]
    assert (ended.code, row["state"], "chmod 600" in row["fix"]) == (1, "error", True)


def test_a_clock_that_was_set_back(folder: Path) -> None:
    """A log whose newest record lies in the future is told, for times would stand still."""

    async def write_tomorrow() -> None:
        tomorrow = time.time_ns() // 1_000_000 + 86_400_000
        async with open_service(load_settings(), clock=lambda: tomorrow) as service:
            await service.publish_policy(OPERATOR, [(POLICY, "policy.yaml")], "early")

    asyncio.run(write_tomorrow())
    ended = graphsvc("doctor", "--json")
    assert (ended.code, _rows(ended)["clock"]["state"]) == (1, "error")


@pytest.mark.slow
def test_a_store_that_a_service_has(filled: Path) -> None:
    """It is no error that a service runs: the doctor says who has the store, and asks the service itself."""
    with served() as (url, process):
        row = _rows(graphsvc("doctor", "--json"))["store"]
        assert (row["state"], str(process.pid) in row["detail"], "--server" in row["fix"]) == (
            "ok",
            True,
            True,
        )
        ended = graphsvc("doctor", "--server", url, "--format", "json")
        assert (ended.code, _rows(ended)["service"]["state"]) == (0, "ok")
    ended = graphsvc("doctor", "--server", url, "--json")
    assert (ended.code, json.loads(ended.out)[-1]["state"]) == (3, "error")
