"""`graphsvc backup` and `graphsvc restore`: what one store held the other holds, whatever happens to the file."""

from __future__ import annotations

import asyncio
import zipfile
from pathlib import Path

import pytest

from graphsvc.config import load_settings
from graphsvc.core.world import World
from graphsvc.store.sqlite import open_sqlite
from graphsvc.wiring import open_service
from tests.cli.command import graphsvc


def _world(name: str) -> tuple[str, World]:
    async def fold() -> tuple[str, World]:
        async with open_service(load_settings(store=f"sqlite:///{name}")) as service:
            await service.wait_drawn()
            return service.store.incarnation, service.world

    return asyncio.run(fold())


def test_a_restored_store_holds_the_same_and_is_another(folder: Path) -> None:
    """Same records, same audit leaves, same folded world; another incarnation, so old revisions do not hold."""
    ended = graphsvc("backup", "-o", "day.backup")
    assert ended.code == 0, ended.err
    assert oct((folder / "day.backup").stat().st_mode)[-3:] == "600"
    assert graphsvc("restore", "day.backup", "--check").code == 0
    restored = graphsvc("restore", "day.backup", "--store", "sqlite:///new.db")
    assert restored.code == 0, restored.err
    (old, before), (new, after) = _world("graphsvc.db"), _world("new.db")
    assert old != new
    assert before.seq == after.seq
    assert before.decided == after.decided
    assert before.answered == after.answered
    assert dict(before.cells) == dict(after.cells)
    assert graphsvc("audit", "verify", "--store", "sqlite:///new.db").code == 0


def test_a_store_in_use_is_backed_up(folder: Path) -> None:
    """The owner goes on writing; the backup holds a beginning of the log, whole."""

    async def story() -> None:
        store = await open_sqlite(folder / "graphsvc.db")
        try:
            ended = await asyncio.to_thread(graphsvc, "backup", "-o", "live.backup")
            assert ended.code == 0, ended.err
        finally:
            await store.close()

    asyncio.run(story())
    assert graphsvc("restore", "live.backup", "--check").code == 0


def test_a_store_that_is_not_empty_is_not_written_over(folder: Path) -> None:
    """Restoring over something else is refused; restoring the same once more changes nothing."""
    graphsvc("backup", "-o", "day.backup")
    assert graphsvc("restore", "day.backup", "--store", "sqlite:///new.db").code == 0
    assert graphsvc("restore", "day.backup", "--store", "sqlite:///new.db").code == 0
    (folder / "graphsvc.db").unlink()
    assert graphsvc("import", "jsonl", "estate.jsonl", "--source", "hr").code == 0
    ended = graphsvc("restore", "day.backup")
    assert ended.code == 2
    assert "not empty" in ended.error


@pytest.mark.parametrize("how", ["cut", "flipped", "other"])
def test_a_damaged_backup_makes_no_store(folder: Path, how: str) -> None:
    """A file that is cut, changed or something else is refused before a store is made of it."""
    graphsvc("backup", "-o", "day.backup")
    file = folder / "day.backup"
    if how == "cut":
        file.write_bytes(file.read_bytes()[:-200])
    elif how == "other":
        file.write_text("hello")
    else:
        with zipfile.ZipFile(file) as old:
            entries, manifest = bytearray(old.read("entries.bin")), old.read("manifest.json")
        entries[len(entries) // 2] ^= 1
        with zipfile.ZipFile(file, "w") as changed:
            changed.writestr("entries.bin", bytes(entries))
            changed.writestr("manifest.json", manifest)
    ended = graphsvc("restore", "day.backup", "--store", "sqlite:///new.db")
    assert ended.code == 2
    assert "day.backup" in ended.error
    assert not (folder / "new.db").exists()
