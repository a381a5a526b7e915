"""`graphsvc backup` and `graphsvc restore`: the whole log in one file, and a store made of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphsvc.cli.option import ConfigOption, StoreOption

if TYPE_CHECKING:
    from graphsvc.config import Settings
    from graphsvc.decide.backup import Manifest

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(backup)
    app.command()(restore)


def backup(
    *,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="Where to; replaced if there.")
    ],
    store: StoreOption = None,
    config: ConfigOption = None,
) -> None:
    """Write everything that the store holds into one file, while the service runs.

    The keys are not in it: keep a copy of the state folder elsewhere.

    \b
    Examples:
      graphsvc backup -o graphsvc-2026-11-24.backup
      graphsvc backup --store neo4j://neo4j@localhost:7687/neo4j -o neo4j.backup
    """
    from graphsvc.cli.session import run
    from graphsvc.config import load_settings

    settings = load_settings(config, store=store)
    manifest = run(_backup(settings, output))
    print(f"{output}: {_records(manifest)} of store {manifest.incarnation}, sha256 {manifest.sha256}")


def restore(
    file: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="Made by `graphsvc backup`; before it the archives of `audit truncate`, oldest first.",
        ),
    ],
    *,
    store: StoreOption = None,
    config: ConfigOption = None,
    check: Annotated[bool, typer.Option("--check", help="Only read it and say whether it is whole.")] = False,
) -> None:
    """Make a store of a backup: a new one, or one that is empty. Any kind of store can be made of any other's backup.

    Of a log whose oldest records were cut off the new store begins behind them, too; with the archives named before the
    backup it holds everything again.

    \b
    Examples:
      graphsvc restore graphsvc-2026-11-24.backup --store sqlite:///graphsvc.db
      graphsvc restore neo4j.backup --check
      graphsvc restore 2024.zip 2025.zip today.backup --store sqlite:///whole.db
    """
    from graphsvc.cli.session import run
    from graphsvc.config import load_settings
    from graphsvc.decide.backup import read_manifest

    if check:
        for each in file:
            manifest = read_manifest(each)
            print(
                f"{each}: whole; {_records(manifest)} of store {manifest.incarnation}, graphsvc {manifest.version}"
            )
        return
    settings = load_settings(config, store=store)
    manifest, incarnation = run(_restore(settings, file))
    print(
        f"{settings.store}: {_records(manifest)}; it is store {incarnation} now, revisions of before do not hold"
    )


def _records(manifest: Manifest) -> str:
    return f"{manifest.seq} records" if manifest.first == 1 else f"records {manifest.first} to {manifest.seq}"


async def _backup(settings: Settings, output: Path) -> Manifest:
    from graphsvc.cli.output import progress
    from graphsvc.decide.backup import save
    from graphsvc.store.address import SqliteAddress, parse_store_url
    from graphsvc.store.sqlite.beside import read_beside
    from graphsvc.wiring import now_ms, open_store

    address = parse_store_url(settings.store)
    with progress("backup") as done:
        if isinstance(address, SqliteAddress):
            async with read_beside(address.path) as log:
                return await save(log, output, now_ms(), done)
        store = await open_store(settings.store, settings, create=False)
        try:
            return await save(store, output, now_ms(), done)
        finally:
            await store.close()


async def _restore(settings: Settings, files: list[Path]) -> tuple[Manifest, str]:
    from graphsvc.cli.output import progress
    from graphsvc.decide.backup import read_manifest, restore
    from graphsvc.wiring import open_notary, open_store

    # Before a store is made of them.
    total = sum(manifest.seq - manifest.first + 1 for manifest in map(read_manifest, files))
    store = await open_store(settings.store, settings)
    try:
        with progress("restore", total) as done:
            notary = open_notary(settings.store, settings)
            return await restore(files, store, notary, done), store.incarnation
    finally:
        await store.close()
