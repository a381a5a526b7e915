"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["ConfigOption", "ServerOption", "StoreOption", "TokenOption"]

StoreOption = Annotated[
    str | None,
    typer.Option(
        "--store", metavar="URL", help="memory:, sqlite:///path.db, neo4j://user@host:7687/database."
    ),
]
ServerOption = Annotated[
    str | None, typer.Option("--server", metavar="URL", help="Ask a running service instead of the store.")
]
TokenOption = Annotated[
    str | None, typer.Option("--token", metavar="TOKEN", help="For --server; made by `graphsvc token`.")
]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="Settings in a TOML file.")
]
