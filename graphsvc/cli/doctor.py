"""`graphsvc doctor`: what is set, what answers, what is off and why."""

from __future__ import annotations

import platform
import sqlite3
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Annotated

import typer

from graphsvc import __version__
from graphsvc.cli.option import ConfigOption, StoreOption
from graphsvc.cli.output import Format, print_rows
from graphsvc.core.value import Json

if TYPE_CHECKING:
    from graphsvc.config import Settings

__all__ = ["register"]

_LIBRARIES = ("strawberry-graphql", "graphql-core", "starlette", "uvicorn", "pydantic", "msgspec", "neo4j")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(doctor)


def doctor(
    form: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.table,
    store: StoreOption = None,
    config: ConfigOption = None,
) -> None:
    """Check settings, store and versions; exit 3 when the store does not answer.

    \b
    Examples:
      graphsvc doctor
      graphsvc doctor --store neo4j://neo4j@localhost:7687/neo4j --format json
    """
    from graphsvc.cli.session import run
    from graphsvc.config import load_settings

    settings = load_settings(config, store=store)
    rows = [
        _row(
            "graphsvc",
            "ok",
            f"{__version__} on Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}",
        )
    ]
    rows += [_library(name) for name in _LIBRARIES]
    rows.append(_row("mode", "ok", str(settings.env)))
    auth = str(settings.auth)
    rows.append(_row("authentication", "ok" if auth == "on" else "warning", auth))
    found, reachable = run(_store(settings))
    rows += found
    print_rows(rows, form)
    if not reachable:
        raise typer.Exit(3)


async def _store(settings: Settings) -> tuple[list[dict[str, Json]], bool]:
    from graphsvc.errors import GraphsvcError
    from graphsvc.wiring import open_service

    try:
        async with open_service(settings, create=False) as service:
            _, state = service.ready()
            nodes, edges = service.facts()
            snapshot = await service.store.snapshot_seq()
            return [
                _row("store", "ok", f"{settings.store} at revision {service.revision()}"),
                _row("snapshot", "ok" if snapshot else "off", str(snapshot) if snapshot else "none yet"),
                _row("graph", "ok" if nodes else "warning", f"{len(nodes)} nodes, {len(edges)} edges"),
                _row(
                    "policy",
                    "ok" if state == "ready" else "warning",
                    f"{len(service.patterns())} patterns; {state}",
                ),
            ], True
    except GraphsvcError as error:
        return [_row("store", "error", str(error))], False


def _library(name: str) -> dict[str, Json]:
    try:
        return _row(name, "ok", version(name))
    except PackageNotFoundError:
        return _row(name, "off", "not installed")


def _row(check: str, state: str, detail: str) -> dict[str, Json]:
    return {"check": check, "state": state, "detail": detail}
