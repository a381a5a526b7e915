"""Options that all imports share."""

from __future__ import annotations

from typing import Annotated

import typer

from graphsvc.cli.output import Format

__all__ = ["DryRun", "Form", "Lenient", "Paths", "Replace", "Source"]

Paths = Annotated[
    list[str], typer.Argument(metavar="PATH...", help="Files, gzip-compressed or not; `-` for one.")
]
Source = Annotated[
    str, typer.Option("--source", metavar="NAME", help="Whose facts these are; replaced as a whole.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Read, and tell what would change; store nothing.")]
Replace = Annotated[bool, typer.Option("--replace", help="Facts of this source that the files lack go.")]
Lenient = Annotated[bool, typer.Option("--lenient", help="Leave malformed parts out and report them.")]
Form = Annotated[Format, typer.Option("--format", help="How to print the report.")]
