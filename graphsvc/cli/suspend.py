"""`graphsvc suspend`, `reinstate`, `suspensions`: the kill switch; always of a running service, under one's own token."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from graphsvc.cli.output import Format, print_json, print_rows
from graphsvc.cli.running import Running, asked
from graphsvc.cli.spread import spread

__all__ = ["register"]


class Kind(StrEnum):
    """What can be suspended."""

    identity = "identity"
    chain = "chain"
    session = "session"
    action = "action"
    pattern = "pattern"


Target = Annotated[
    str, typer.Argument(metavar="ID", help="Of what is meant, with or without prefix; of an action a glob.")
]
KindOption = Annotated[Kind, typer.Option("--kind", help="What the ID is of.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(suspend)
    app.command()(reinstate)
    app.command()(suspensions)


@spread
def suspend(
    *,
    target: Target,
    kind: KindOption = Kind.identity,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the record.")],
    until: Annotated[
        str | None,
        typer.Option("--until", metavar="TIME", help="RFC 3339; until it is reinstated, if left out."),
    ] = None,
    at: Running,
) -> None:
    """Stop an identity, chain, session, action or pattern; from the answer on, on every replica.

    \b
    Examples:
      graphsvc suspend support-bot --reason "acts oddly" --token "$TOKEN"
      graphsvc suspend "bank:*" --kind action --reason "incident 7" --until 2026-12-01T08:00:00Z --token "$TOKEN"
    """
    ack = asked(lambda client: client.suspend(target, reason, until=until, kind=kind.value), at)
    _tell(f"{kind.value} {target} is suspended from revision {ack.revision} on", ack.revision, at.form)


@spread
def reinstate(
    *,
    target: Target,
    kind: KindOption = Kind.identity,
    at: Running,
) -> None:
    """End a suspension.

    \b
    Examples:
      graphsvc reinstate support-bot --token "$TOKEN"
      graphsvc reinstate "bank:*" --kind action --token "$TOKEN"
    """
    ack = asked(lambda client: client.reinstate(target, kind=kind.value), at)
    _tell(f"{kind.value} {target} is reinstated from revision {ack.revision} on", ack.revision, at.form)


@spread
def suspensions(*, at: Running) -> None:
    """Tell what is suspended now, by whom, why and until when.

    \b
    Examples:
      graphsvc suspensions --token "$TOKEN"
    """
    import msgspec

    rows = [msgspec.to_builtins(each) for each in asked(lambda client: client.suspensions(), at)]
    print_rows(rows, at.form, empty="nothing is suspended")


def _tell(text: str, revision: str, form: Format) -> None:
    if form is Format.table:
        print(text)
    else:
        print_json({"revision": revision})
