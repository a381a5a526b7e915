"""`graphsvc doctor`: what is set, what answers, what is off and why, and what to do next."""

from __future__ import annotations

from typing import Annotated

import typer

from graphsvc.cli.option import ConfigOption, StoreOption
from graphsvc.cli.output import Format, print_rows

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(doctor)


def doctor(
    *,
    form: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.table,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    store: StoreOption = None,
    server: Annotated[
        str | None,
        typer.Option("--server", metavar="URL", help="Ask a running service instead of the store."),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Check settings, keys, store, policy, clock, disk and limits; every trouble comes with what to do next.

    Exit 3 when the store (or with --server the service) does not answer, 1 when anything else is an error.

    \b
    Examples:
      graphsvc doctor
      graphsvc doctor --store neo4j://neo4j@localhost:7687/neo4j --json
      graphsvc doctor --server http://127.0.0.1:8080
    """
    from graphsvc.cli.checkup import check_machine, check_settings
    from graphsvc.cli.checkup_store import check_service, check_store
    from graphsvc.cli.session import run
    from graphsvc.config import load_settings

    settings = load_settings(config, store=store)
    found = [*check_settings(settings), *check_machine(settings)]
    behind = run(check_store(settings) if server is None else check_service(server))
    found += behind
    print_rows([each._asdict() for each in found], Format.json if as_json else form)
    if behind[0].state == "error":
        raise typer.Exit(3)
    if any(each.state == "error" for each in found):
        raise typer.Exit(1)
