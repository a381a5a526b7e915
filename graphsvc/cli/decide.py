"""`graphsvc decide`, `evaluate` and `explain`: one request, or one decision, for people and scripts."""

from __future__ import annotations

from typing import Annotated

import typer

from graphsvc.cli.option import Place
from graphsvc.cli.output import Format, print_json, print_lines
from graphsvc.cli.spread import spread
from graphsvc.core.value import Json

__all__ = ["register"]

File = Annotated[str, typer.Argument(metavar="FILE.json", help="A DecideInput as JSON, or `-`.")]
Form = Annotated[Format, typer.Option("--format", help="How to print.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(decide)
    app.command()(evaluate)
    app.command()(explain)


@spread
def decide(
    *,
    file: File,
    form: Form = Format.table,
    at: Place,
) -> None:
    """Decide one request and record it; exit 0 for PERMIT, else 1.

    \b
    Examples:
      graphsvc decide request.json
      echo '{"chain": "c1", ...}' | graphsvc decide - --format json
      graphsvc decide request.json --server http://127.0.0.1:8080 --token "$TOKEN"
    """
    from uuid import uuid4

    from graphsvc.cli.file import read_json
    from graphsvc.cli.request import read_command
    from graphsvc.cli.session import run_admin

    document = read_json(file)
    command = read_command(document, file, default_key=str(uuid4()))
    document["idempotencyKey"] = command.key
    record = run_admin(lambda admin: admin.decide(document, command), at)
    _print(record, form)
    _exit(record)


@spread
def evaluate(
    *,
    file: File,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="REVISION", help="What would have been decided then.")
    ] = None,
    form: Form = Format.table,
    at: Place,
) -> None:
    """Tell what would be decided; changes nothing; exit 0 for PERMIT, else 1.

    \b
    Examples:
      graphsvc evaluate request.json
      graphsvc evaluate request.json --format json
      graphsvc evaluate request.json --as-of 9f3c.120
    """
    from graphsvc.cli.file import read_json
    from graphsvc.cli.request import read_command
    from graphsvc.cli.session import run_admin

    document = read_json(file)
    command = read_command(document, file, default_key="evaluate")
    document["idempotencyKey"] = command.key
    record = run_admin(
        lambda admin: admin.evaluate(document, command, as_of),
        at,
        create=False,
    )
    _print(record, form)
    _exit(record)


@spread
def explain(
    *,
    decision_id: Annotated[str, typer.Argument(metavar="DECISION_ID", help="With or without `decision:`.")],
    counterfactual: Annotated[
        bool, typer.Option("--counterfactual", help="And the grants without which the path would not exist.")
    ] = False,
    form: Form = Format.table,
    at: Place,
) -> None:
    """Tell why a decision was what it was: reasons, and the path that the action completed.

    \b
    Examples:
      graphsvc explain 019ab2c4-0000-7000-8000-000000000000
      graphsvc explain decision:019ab2c4-0000-7000-8000-000000000000 --format json
      graphsvc explain 019ab2c4-0000-7000-8000-000000000000 --counterfactual
    """
    from graphsvc.cli.answer import tell_counterfactual
    from graphsvc.cli.session import Admin, run_admin
    from graphsvc.errors import BadInput

    async def ask(admin: Admin) -> tuple[dict[str, Json] | None, list[dict[str, Json]]]:
        found = await admin.decision(decision_id)
        return found, await admin.counterfactual(decision_id) if counterfactual and found else []

    record, hangs_on = run_admin(
        ask,
        at,
        create=False,
    )
    if record is None:
        raise BadInput(f"no decision `{decision_id}` in this store; check the id and --store", field="id")
    if counterfactual and form is not Format.table:
        record = {**record, "counterfactual": list(hangs_on)}
    _print(record, form)
    if form is Format.table:
        for each in hangs_on:
            for line in tell_counterfactual(each):
                print(line)


def _print(record: dict[str, Json], form: Format) -> None:
    if form is Format.json:
        print_json(record)
    elif form is Format.jsonl:
        print_lines([record])
    else:
        from graphsvc.cli.answer import tell

        for line in tell(record):
            print(line)


def _exit(record: dict[str, Json]) -> None:
    if record["verdict"] != "PERMIT":
        raise typer.Exit(1)
