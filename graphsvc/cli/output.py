"""Printing: tables for people, JSON for programs, progress for those who wait at a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import Protocol

import msgspec

from graphsvc.core.value import Json

__all__ = ["Format", "Progress", "print_json", "print_lines", "print_rows", "progress", "tell_limit", "warn"]


class Format(StrEnum):
    """How data is printed."""

    table = "table"
    json = "json"
    jsonl = "jsonl"


class Progress(Protocol):
    """Called with how much was done since the last call."""

    def __call__(self, done: int = 1) -> None:
        """Move on."""


def print_json(value: object) -> None:
    """One JSON document, indented, on stdout."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value)).decode() + "\n")


def print_lines(records: Iterable[object]) -> None:
    """One JSON object a line on stdout."""
    write = sys.stdout.buffer.write if hasattr(sys.stdout, "buffer") else None
    for record in records:
        line = msgspec.json.encode(record) + b"\n"
        if write is not None:
            write(line)
        else:
            sys.stdout.write(line.decode())
    sys.stdout.flush()


def print_rows(
    rows: Sequence[Mapping[str, Json]],
    form: Format,
    *,
    title: str | None = None,
    empty: str = "nothing to show",
) -> None:
    """Rows with the same keys, in the asked form. At a terminal a table is drawn, in a pipe aligned text."""
    if form is Format.json:
        print_json(list(rows))
    elif form is Format.jsonl:
        print_lines(rows)
    elif not rows:
        print(empty)
    elif sys.stdout.isatty():
        _draw(rows, title)
    else:
        _align(rows, title)


def warn(message: str) -> None:
    """One line on stderr."""
    print(f"warning: {message}", file=sys.stderr)


def tell_limit(message: str, form: Format) -> None:
    """What was left out: below a table, and beside lines that programs read."""
    if form is Format.table:
        print(message)
    else:
        warn(message)


@contextmanager
def progress(title: str, total: int | None = None) -> Iterator[Progress]:
    """A progress bar on stderr; silent when stderr is no terminal."""
    if not sys.stderr.isatty():
        yield _silent
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=total)

        def advance(done: int = 1) -> None:
            bar.advance(task, done)

        yield advance


def _silent(done: int = 1) -> None:
    del done


def text(value: Json) -> str:
    """A value as a cell of a table."""
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(text(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{name}={text(item)}" for name, item in value.items())
    return str(value)


def _draw(rows: Sequence[Mapping[str, Json]], title: str | None) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", show_lines=False)
    for name in rows[0]:
        table.add_column(name)
    for row in rows:
        cells = []
        for value in row.values():
            shown = text(value)
            cells.append(Text(shown, style=_STYLES.get(shown, "")))
        table.add_row(*cells)
    Console().print(table)


_STYLES = {"PERMIT": "green", "DENY": "bold red", "ESCALATE": "yellow"}


def _align(rows: Sequence[Mapping[str, Json]], title: str | None) -> None:
    lines = [list(rows[0]), *([text(value) for value in row.values()] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    if title:
        print(title)
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
