"""What imports share: options, and the file of chains that logs give besides."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from graphsvc.core.value import Json

__all__ = ["Lenient", "Paths", "write_trace"]

Paths = Annotated[
    list[str], typer.Argument(metavar="PATH...", help="Files, gzip-compressed or not; `-` for one.")
]
Lenient = Annotated[bool, typer.Option("--lenient", help="Leave malformed parts out and report them.")]


def write_trace(path: Path, records: list[dict[str, Json]]) -> None:
    """Records as `graphsvc replay` reads them, one a line."""
    import msgspec

    path.write_bytes(b"".join(msgspec.json.encode(record) + b"\n" for record in records))
