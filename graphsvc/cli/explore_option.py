"""Options that every `graphsvc explore` command takes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graphsvc.cli.output import Format

__all__ = ["Form", "Policies"]

Policies = Annotated[
    list[Path] | None,
    typer.Option(
        "--policy",
        metavar="FILE",
        help="Packs to ask with, instead of those in force and the shipped ones about rights.",
    ),
]
Form = Annotated[Format, typer.Option("--format", help="How to print.")]
