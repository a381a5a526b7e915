"""The door: every command of `graphsvc`, registered; nothing heavy is imported before a command runs."""

from __future__ import annotations

from typing import Annotated

import typer

from graphsvc import __version__
from graphsvc.cli import (
    audit,
    backup,
    decide,
    demo,
    doctor,
    erase,
    explore,
    exporting,
    grant,
    importing,
    mcp_proxy,
    policy,
    replay,
    risk,
    serve,
    suspend,
    token,
    tour,
)
from graphsvc.cli.failure import ErrorGroup

__all__ = ["app"]

app = typer.Typer(
    cls=ErrorGroup,
    name="graphsvc",
    help="A policy decision point that remembers: it denies the action that completes a risky path.",
    epilog="Exit codes: 0 ok, 1 the answer is no, 2 bad input, 3 store or service not reachable.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        print(f"graphsvc {__version__}")
        raise typer.Exit


@app.callback()
def root(
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error comes from.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options of all commands."""
    del debug, version


serve.register(app)
demo.register(app)
tour.register(app)
app.add_typer(token.app)
app.add_typer(importing.app)
app.add_typer(exporting.app)
decide.register(app)
app.add_typer(grant.app)
suspend.register(app)
app.add_typer(risk.app)
replay.register(app)
app.add_typer(policy.app)
app.add_typer(explore.app)
app.add_typer(audit.app)
backup.register(app)
erase.register(app)
mcp_proxy.register(app)
doctor.register(app)
