"""Options that several commands share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["ConfigOption", "Place", "StoreOption"]

StoreOption = Annotated[
    str | None,
    typer.Option(
        "--store", metavar="URL", help="memory:, sqlite:///path.db, neo4j://user@host:7687/database."
    ),
]
_Server = Annotated[
    str | None, typer.Option("--server", metavar="URL", help="Ask a running service instead of the store.")
]
_Token = Annotated[
    str | None, typer.Option("--token", metavar="TOKEN", help="For --server; made by `graphsvc token`.")
]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="Settings in a TOML file.")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Whom a command asks: the store itself, or a service that runs (`server`, with a token)."""

    store: StoreOption = None
    server: _Server = None
    token: _Token = None
    config: ConfigOption = None
