"""Options that every `graphsvc explore` command takes."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphsvc.cli.output import Format

if TYPE_CHECKING:
    from graphsvc.explore.picture import Picture

__all__ = ["Drawn", "DrawnForm", "Form", "Limited", "Scope", "draw"]


class Drawn(StrEnum):
    """How paths, combinations and cuts are printed."""

    table = "table"
    json = "json"
    jsonl = "jsonl"
    svg = "svg"
    dot = "dot"

    @property
    def plain(self) -> Format:
        """The same, where nothing is drawn."""
        return Format(self.value)


def draw(picture: Picture, form: Drawn) -> None:
    """A picture on stdout, as SVG or for Graphviz."""
    from graphsvc.explore.svg import to_dot, to_svg

    sys.stdout.write(to_svg(picture) if form is Drawn.svg else to_dot(picture))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What every question is asked with: packs, and how long it may take."""

    policy: Annotated[
        list[Path] | None,
        typer.Option(
            "--policy",
            metavar="FILE",
            help="Packs to ask with, instead of those in force and the shipped ones about rights.",
        ),
    ] = None
    seconds: Annotated[
        float | None,
        typer.Option(
            "--time",
            metavar="S",
            min=0.1,
            help="Seconds to take at most, reading included; no limit if not given.",
        ),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limited(Scope):
    """The same for questions that may take for ever."""

    seconds: Annotated[
        float | None,
        typer.Option(
            "--time", metavar="S", min=0.1, help="Seconds to take at most, reading included; then it says so."
        ),
    ] = 60.0


def _without_picture(text: str) -> Format:
    if text in ("svg", "dot"):
        raise typer.BadParameter(
            f"`{text}`: there is no picture of this; `combinations`, `paths`, `blast-radius`, `choke-points` and `cut`"
            " have one. Here: table, json or jsonl."
        )
    try:
        return Format(text)
    except ValueError:
        raise typer.BadParameter(f"`{text}` is none of table, json, jsonl.") from None


Form = Annotated[
    Format,
    typer.Option("--format", parser=_without_picture, metavar="<table|json|jsonl>", help="How to print."),
]
DrawnForm = Annotated[Drawn, typer.Option("--format", help="How to print; svg and dot are pictures.")]
