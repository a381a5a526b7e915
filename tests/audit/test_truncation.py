"""Records that were cut off and archived: what is left is as provable, and means the same, as before."""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from graphsvc import audit_verify
from graphsvc.config import load_settings
from graphsvc.core.codec import decode_records
from graphsvc.core.record import Decided
from graphsvc.core.snapshot import snapshot
from graphsvc.core.world import World
from graphsvc.decide.audit import AuditLog
from graphsvc.decide.backup import read_manifest
from graphsvc.decide.ports import ChainQuery, DecisionQuery, Store
from graphsvc.decide.retaining import Retaining
from graphsvc.decide.service import GraphsvcService
from graphsvc.decide.truncation import Plan, plan
from graphsvc.errors import BadInput, StoreError
from graphsvc.store.memory import open_memory
from graphsvc.store.notary import MemoryNotary
from graphsvc.wiring import open_service
from tests.audit.conftest import STORE, live
from tests.audit.test_command import alone, write
from tests.cli.command import graphsvc
from tests.cli.test_history import START_MS
from tests.service.harness import Clock, Harness


def world(url: str = STORE) -> World:
    async def fold() -> World:
        async with open_service(load_settings(store=url)) as service:
            await service.wait_drawn()
            return service.world

    return asyncio.run(fold())


def entries() -> list[int]:
    with sqlite3.connect("graphsvc.db") as connection:
        return [seq for (seq,) in connection.execute("SELECT seq FROM entry ORDER BY seq")]


def middle() -> str:
    """A time between the first history of the store and a second one that is made here."""
    live(4, 10)
    return "2096-10-02T09:30:00Z"


@pytest.fixture
def cut(folder: Path) -> Path:
    """A store whose first history was cut off and archived."""
    before = middle()
    ended = graphsvc("audit", "truncate", "--before", before, "-o", "old.zip")
    assert ended.code == 0, ended.err
    return folder


def verified(*arguments: str) -> tuple[int, dict[str, Any]]:
    ended = graphsvc("audit", "verify", *arguments, "--format", "json")
    return ended.code, ended.json()[0]


def test_what_would_go_is_told_and_nothing_goes(folder: Path) -> None:
    """A dry run names the records; a time before all of them leaves nothing to do."""
    before, held = middle(), entries()
    told = graphsvc("audit", "truncate", "--before", before, "--dry-run")
    assert (told.code, "would go: records 1 to" in told.out) == (0, True), told
    assert (
        "nothing is older"
        in graphsvc("audit", "truncate", "--before", "2020-01-01T00:00:00Z", "--dry-run").out
    )
    assert entries() == held
    assert graphsvc("audit", "truncate", "--before", before).code == 2
    assert graphsvc("audit", "truncate", "--before", "soon", "--dry-run").code == 2


def test_the_state_is_the_same_with_and_without_the_old_records(folder: Path) -> None:
    """Rights, rules, chains, grants and answers: a start from what is left folds to the same bytes."""
    before = middle()
    whole = snapshot(world())
    assert graphsvc("audit", "truncate", "--before", before, "-o", "old.zip").code == 0
    with sqlite3.connect("graphsvc.db") as connection:
        connection.execute("DELETE FROM snapshot")
    left = world()
    assert entries()[0] > 20
    # What is new since is the record of the cut itself.
    left.seq -= 1
    assert snapshot(left) == whole


def test_what_is_left_is_signed_and_verifies(cut: Path) -> None:
    """The store, as long as it goes on, and an export of it, by us and by the script alone."""
    key = graphsvc("audit", "key").out.strip()
    live(1, 30)
    code, row = verified()
    assert (code, row["problems"], row["removed"]) == (0, [], json_of("old.zip")["last"])
    assert graphsvc("audit", "export", "-o", "left.zip").code == 0
    code, row = verified("left.zip", "--key", key, "--whole")
    assert (code, row["first"]) == (0, row["removed"] + 1)
    shutil.copy(audit_verify.__file__, "audit_verify.py")
    ended = alone("left.zip", "--key", key, "--whole")
    assert (ended.returncode, "cut off by a signed statement" in ended.stdout) == (0, True), ended


def test_a_report_says_what_it_cannot_tell_of(cut: Path) -> None:
    """How many records were cut off, so are not in it."""
    ended = graphsvc("audit", "report", "--format", "json")
    assert ended.code == 0, ended.err
    assert json.loads(ended.out)["integrity"]["removed"] == json_of("old.zip")["last"]


def json_of(archive: str, member: str = "proofs.json") -> dict[str, Any]:
    with zipfile.ZipFile(archive) as file:
        found: dict[str, Any] = json.loads(file.read(member))
        return found


def test_the_archive_verifies_by_itself(cut: Path) -> None:
    """It is an export like any other: every record that went, under the key of the log."""
    key = graphsvc("audit", "key").out.strip()
    code, row = verified("old.zip", "--key", key)
    assert (code, row["first"], row["pinned"]) == (0, 1, True)
    assert graphsvc("restore", "old.zip", "--check").code == 0


def test_archive_and_backup_make_the_whole_store_again(cut: Path) -> None:
    """Every record and leaf is there; without the archive the new store begins later, too, and says so."""
    assert graphsvc("audit", "truncate", "--before", "2096-10-03T00:00:00Z", "-o", "newer.zip").code == 0
    assert graphsvc("backup", "-o", "day.backup").code == 0
    whole = graphsvc("restore", "old.zip", "newer.zip", "day.backup", "--store", "sqlite:///whole.db")
    assert whole.code == 0, whole.err
    later = graphsvc("restore", "day.backup", "--store", "sqlite:///later.db")
    assert later.code == 0, later.err
    for name in ("whole", "later"):
        ended = graphsvc("audit", "verify", "--store", f"sqlite:///{name}.db")
        assert ended.code == 0, ended
    held = world()
    assert snapshot(world("sqlite:///whole.db")) == snapshot(held)
    assert snapshot(world("sqlite:///later.db")) == snapshot(held)
    missing = graphsvc("restore", "old.zip", "day.backup", "--store", "sqlite:///gap.db")
    assert (missing.code, "does not go on" in missing.error) == (2, True)


def test_ended_chains_leave_the_drawn_graph_and_open_ones_stay(folder: Path) -> None:
    """What is archived is not drawn any more; a chain that goes on keeps its history."""

    async def close() -> list[str]:
        clock = iter(range(START_MS + 7 * 10**6, START_MS + 8 * 10**6, 1_001))
        async with open_service(load_settings(store=STORE), clock=lambda: next(clock)) as service:
            from graphsvc.cli.direct import OPERATOR

            for name in ("c0", "c1", "c2"):
                await service.close_chain(OPERATOR, name)
            await service.wait_drawn()
            return sorted(row.id for row in await service.store.chains(ChainQuery()))

    before = asyncio.run(close())
    when = middle()
    assert graphsvc("audit", "truncate", "--before", when, "-o", "old.zip").code == 0

    async def drawn() -> tuple[list[str], set[str]]:
        async with open_service(load_settings(store=STORE)) as service:
            await service.wait_drawn()
            chains = {row.id for row in await service.store.chains(ChainQuery())}
            rows = await service.store.decisions(DecisionQuery(chain="c3"))
            return [row.body.decode() for row in rows], chains

    old, chains = asyncio.run(drawn())
    assert {"c0", "c1", "c2"} <= set(before)
    assert not {"c0", "c1", "c2"} & chains
    assert "c3" in chains
    assert len(old) == 3


FORGERIES: dict[str, Callable[[], None]] = {
    "nobody says why": lambda: write("DELETE FROM base"),
    "more is gone": lambda: write("DELETE FROM entry WHERE seq = (SELECT min(seq) FROM entry)"),
    "another state": lambda: write("UPDATE base SET state = x'00'"),
    "another number": lambda: write("UPDATE base SET seq = seq + 1"),
    "another statement": lambda: write("UPDATE base SET statement = replace(statement, 'truncation', 'truncatiom')"),
    "another signature": lambda: write("UPDATE base SET statement = substr(statement, 1, length(statement) - 6) || 'AAAA=' || char(10)"),
}  # fmt: skip


@pytest.mark.parametrize("how", FORGERIES)
def test_a_truncation_that_nobody_signed_is_refused(cut: Path, how: str) -> None:
    """By `audit verify`, and by the log that would have to sign what is left."""
    FORGERIES[how]()
    assert verified()[0] == 1
    assert graphsvc("audit", "export", "-o", "left.zip").code != 0


def test_an_export_without_the_statement_is_not_whole(cut: Path) -> None:
    """Taken out, forged or of another log: refused by us and by the script alone; a part of a log stays a part."""
    assert graphsvc("audit", "export", "-o", "left").code == 0
    shutil.copy(audit_verify.__file__, "audit_verify.py")
    file = Path("left/proofs.json")
    proofs = json.loads(file.read_text())

    def outcome(statement: dict[str, Any] | None, *more: str) -> tuple[int, int]:
        file.write_text(json.dumps({**proofs, "truncated": statement}))
        return graphsvc("audit", "verify", "left", *more).code, alone("left", *more).returncode

    stated = proofs["truncated"]
    assert outcome(stated, "--whole") == (0, 0)
    assert outcome(None) == (0, 0)
    assert outcome(None, "--whole") == (1, 1)
    for wrong in ("\n1\n", "\n99999\n"):
        text = stated["statement"].replace(f"\n{json_of('old.zip')['last']}\n", wrong, 1)
        assert outcome({**stated, "statement": text}) == (1, 1)
    assert outcome({**stated, "consistency": []}) == (1, 1)
    assert outcome({**stated, "statement": "graphsvc\n"}) == (1, 1)


def test_an_interrupted_removal_is_finished_by_the_next(cut: Path) -> None:
    """Entries that the base covers and that are still there are not read, and go with the next cut."""
    kept = entries()
    write("INSERT INTO entry SELECT 1, 1, 'left over', '[]', body FROM entry LIMIT 1")
    assert verified()[0] == 0
    assert graphsvc("audit", "truncate", "--before", "2000-01-01T00:00:00Z", "--dry-run").code == 0
    assert entries() == kept


@pytest.mark.anyio
async def test_a_running_service_archives_what_is_old(anyio_backend: str, tmp_path: Path) -> None:
    """While it decides: what is older than the setting goes into the folder, and the service goes on with all it knew."""
    store, notary, day = await open_memory(), MemoryNotary(), 86_400_000
    # Whoever writes to the store can call it anything.
    store._incarnation = "../../elsewhere"
    clock, numbers = Clock(), itertools.count()
    service = GraphsvcService(store, clock=clock, ids=lambda: f"id{next(numbers)}", notary=notary)
    await service.start()
    harness = Harness(service, clock)
    await harness.prepare()
    await harness.act("mail:Read", "mailbox:alice", chain="old")
    clock.now_ms += 5 * day
    await harness.act("mail:Read", "mailbox:alice", chain="new")
    await service.wait_drawn()
    retaining = Retaining(store, notary, clock, 3, tmp_path / "archive")
    archive = await retaining.once()
    assert archive is not None
    assert archive.resolve().parent == tmp_path / "archive"
    left = [record for entry in await store.read(after=0, limit=100) for record in decode_records(entry.body)]
    assert [record.request.chain for record in left if isinstance(record, Decided)] == ["new"]
    assert await retaining.once() is None
    await harness.act("mail:Read", "mailbox:alice", chain="new")
    # The tree of the service was read before the cut, that of the next one after it.
    assert (await service.audit.checkpoint()).note == (await AuditLog(store, notary).checkpoint()).note
    with pytest.raises(BadInput, match="cut off"):
        await service.audit.proof(1)
    await service.close()


@pytest.mark.anyio
async def test_who_comes_second_takes_no_archive_away(
    anyio_backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two replicas find the same records old, the first one is done meanwhile: its archive stays, the other leaves nothing."""
    store, notary, day = await open_memory(), MemoryNotary(), 86_400_000
    clock, numbers = Clock(), itertools.count()
    service = GraphsvcService(store, clock=clock, ids=lambda: f"id{next(numbers)}", notary=notary)
    await service.start()
    harness = Harness(service, clock)
    await harness.prepare()
    await harness.act("mail:Read", "mailbox:alice", chain="old")
    await service.wait_drawn()
    clock.now_ms += 5 * day
    archive = tmp_path / "archive"
    first, second = (Retaining(store, notary, clock, 3, archive) for _ in range(2))
    made: list[Path | None] = []

    async def planned_before(asked: Store, before_ms: int) -> Plan | None:
        found = await plan(asked, before_ms)
        monkeypatch.undo()
        made.append(await first.once())
        return found

    monkeypatch.setattr("graphsvc.decide.retaining.plan", planned_before)
    with pytest.raises((StoreError, BadInput)):
        await second.once()
    await service.close()
    assert list(archive.iterdir()) == made
    assert made[0] is not None
    assert read_manifest(made[0]).first == 1


@pytest.mark.anyio
async def test_whatever_hinders_it_is_tried_again(
    anyio_backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error that nobody foresaw ends neither the looking nor the turn of the others."""
    store, tries, again = await open_memory(), itertools.count(), asyncio.Event()
    retaining = Retaining(store, MemoryNotary(), Clock(), 3, tmp_path)

    async def fails() -> None:
        if next(tries):
            again.set()
        raise ValueError("nobody foresaw it")

    monkeypatch.setattr(retaining, "once", fails)
    keeping = asyncio.create_task(retaining.keep(0.01))
    async with asyncio.timeout(5):
        await again.wait()
        while not await store.lease("truncation", "another", 60_000):  # noqa: ASYNC110  given back a moment later
            await asyncio.sleep(0.001)
    keeping.cancel()
