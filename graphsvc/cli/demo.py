"""`graphsvc demo`: the sample company's stories, played through a real server, told as a table."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphsvc.cli.output import Format, print_json, print_lines

if TYPE_CHECKING:
    from graphsvc.cli.stage import Row, Stage
    from graphsvc.packs.sample import Story

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)


def demo(
    *,
    stay: Annotated[
        bool,
        typer.Option(
            "--stay", help="Go on serving, so that the dashboard can be looked at; end with Ctrl-C."
        ),
    ] = False,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="To serve on; 0 = any free one.")] = 0,
    form: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.table,
) -> None:
    """Play five short stories of a sample company; exit 1 when one does not end as it should.

    Everything happens in a temporary folder: an embedded store, a server on a free port of this machine.

    \b
    Examples:
      graphsvc demo
      graphsvc demo --stay
      graphsvc demo --format json
    """  # fmt: skip
    from graphsvc.cli.session import run

    with tempfile.TemporaryDirectory(prefix="graphsvc-demo-") as folder:
        run(_demo(Path(folder), port, form, stay=stay))


async def _demo(folder: Path, port: int, form: Format, *, stay: bool) -> None:
    from graphsvc.cli.stage import staged
    from graphsvc.cli.terminal import stop_signal
    from graphsvc.packs.sample import stories

    started = time.perf_counter()
    async with staged(folder, port=port) as stage:
        told = [(story, await _story(story, stage)) for story in stories()]
        wrong = [row for _, rows in told for row in rows if not row["as expected"]]
        if form is Format.json:
            print_json([{"story": story.id, "title": story.title, "steps": rows} for story, rows in told])
        elif form is Format.jsonl:
            print_lines({"story": story.id, **row} for story, rows in told for row in rows)
        else:
            _tell(told, time.perf_counter() - started)
        if wrong:
            print(f"error: {len(wrong)} steps did not end as the stories say", file=sys.stderr)
            raise typer.Exit(1)
        if stay:
            _say(form, f"\nThe dashboard, with a token filled in (end with Ctrl-C):\n  {stage.page()}")
            with stop_signal() as stopped:
                await stopped.wait()
    if form is Format.table:
        print(_next())


async def _story(story: Story, stage: Stage) -> list[Row]:
    from graphsvc.packs.sample import Ask, GiveRight

    rows: list[Row] = []
    grants: dict[str, str] = {}
    for step in story.steps:
        if isinstance(step, Ask):
            rows.append((await stage.ask(step))[0])
        elif isinstance(step, GiveRight):
            row, grants[step.name] = await stage.give(step)
            rows.append(row)
        else:
            rows.append(await stage.take(step, grants[step.name]))
    return rows


def _tell(told: list[tuple[Story, list[Row]]], seconds: float) -> None:
    from graphsvc.cli.told import tell_rows

    decided = sum(bool(row["verdict"]) for _, rows in told for row in rows)
    for story, rows in told:
        print(f"\n{story.title}\n{story.told}")
        tell_rows(rows)
    print(
        f"\n{decided} decisions over HTTP in {seconds:.1f} s; every right that was used is valid by itself."
    )


def _next() -> str:
    """What to do now, in the commands of whoever reads it: of a checkout, or of an installed package."""
    stay, tour, serve = "graphsvc demo --stay", "graphsvc tour", "graphsvc serve"
    if Path("Makefile").is_file() and Path("graphsvc/cli/demo.py").is_file():
        stay, tour, serve = "make demo ARGS=--stay", "make tour", "make serve"
    return (
        "The demo's server has ended with it. Next:\n"
        f"  {stay:<22} the same, and then a link to its dashboard, until Ctrl-C\n"
        f"  {tour:<22} the same stories with the dashboard beside: you approve one action and revoke one right\n"
        f"  {serve:<22} your own, on http://127.0.0.1:8080/"
    )


def _say(form: Format, text: str) -> None:
    """To people; where programs read, beside what they read."""
    print(text, file=sys.stdout if form is Format.table else sys.stderr, flush=True)
