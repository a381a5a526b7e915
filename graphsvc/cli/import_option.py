"""Options that all imports share."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["Lenient", "Paths"]

Paths = Annotated[
    list[str], typer.Argument(metavar="PATH...", help="Files, gzip-compressed or not; `-` for one.")
]
Lenient = Annotated[bool, typer.Option("--lenient", help="Leave malformed parts out and report them.")]
