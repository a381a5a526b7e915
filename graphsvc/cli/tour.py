"""`graphsvc tour`: a newcomer's first hour, in the terminal with the dashboard beside it."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from graphsvc.cli.tour_guide import Guide

__all__ = ["register"]

_PORT = 8080


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(tour)


def tour(
    *,
    yes: Annotated[
        bool,
        typer.Option("--yes", "-y", help="Do what is left to you as well, and wait for nothing (scripts)."),
    ] = False,
    port: Annotated[
        int | None,
        typer.Option("--port", min=0, max=65535, help="Default 8080 where it is free, else any."),
    ] = None,
) -> None:
    """Be led through five stories: approve one action, revoke one right, ask one what-if.

    A sample company is served from a temporary folder of this machine, with its dashboard; nothing is left
    behind. Takes a quarter of an hour with the dashboard, two minutes without.

    \b
    Examples:
      graphsvc tour
      graphsvc tour --port 9000
      graphsvc tour --yes
    """
    from graphsvc.cli.session import run
    from graphsvc.errors import BadInput

    if not yes and not sys.stdin.isatty():
        raise BadInput(
            "the tour asks at a terminal and this is none; add --yes to let it do everything itself"
        )
    with tempfile.TemporaryDirectory(prefix="graphsvc-tour-") as folder:
        run(_tour(Path(folder), port, yes=yes))


async def _tour(folder: Path, port: int | None, *, yes: bool) -> None:
    from graphsvc.cli.stage import staged
    from graphsvc.cli.terminal import stop_signal
    from graphsvc.cli.tour_guide import Guide, Left
    from graphsvc.cli.tour_station import lead

    with stop_signal() as stopped:
        async with staged(folder, port=_free(port)) as stage:
            guide = Guide(stage, stopped, yes=yes)
            try:
                await lead(guide)
            except Left:
                print("\nThe tour is over; nothing of it is left. Start again with `graphsvc tour`.")
                return
    _tell_end(guide)


def _free(port: int | None) -> int:
    """The port that was asked for, else the usual one, else any."""
    from graphsvc.api.server import AddressInUse, bind

    if port is not None:
        return port
    try:
        bind("127.0.0.1", _PORT).close()
    except AddressInUse:
        return 0
    return _PORT


def _tell_end(guide: Guide) -> None:
    if guide.unexpected:
        print(f"error: {guide.unexpected} answers were not as the stories say", file=sys.stderr)
        raise typer.Exit(1)
    print(
        "\nThat was all. From here:\n"
        "  docs/start.md               your own graph, a rule, a question, in five minutes\n"
        "  docs/enforcement-points.md  before your functions, agents, services\n"
        "  docs/policy-language.md     a rule of your own, with its test\n"
        "  graphsvc doctor             what is set, what is off, and why"
    )
