"""`graphsvc risk`: the register of findings; always of a running service, under one's own token."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from graphsvc.cli.failure import ErrorGroup
from graphsvc.cli.output import Format, print_json, print_rows
from graphsvc.cli.running import Running, asked
from graphsvc.cli.spread import spread
from graphsvc.errors import BadInput

if TYPE_CHECKING:
    from graphsvc.client.registering import RegisterEntry
    from graphsvc.core.value import Json

__all__ = ["app"]

app = typer.Typer(
    cls=ErrorGroup,
    name="risk",
    help="Accept risks of findings for a while, say who answers for them, take that back.",
    no_args_is_help=True,
)


def _day(text: str, field: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise BadInput(f"--{field}: `{text}` is no day; write one such as 2026-12-31", field=field) from None


Fingerprint = Annotated[
    str | None,
    typer.Argument(metavar="[FINDING]", help="A finding, by the 16 digits `explore findings` shows."),
]
Pattern = Annotated[
    str, typer.Option("--pattern", metavar="GLOB", help="Instead of a finding: all of these patterns.")
]
Identity = Annotated[
    str, typer.Option("--identity", metavar="GLOB", help="Only as far as these identities have it.")
]


@app.command()
@spread
def accept(
    finding: Fingerprint = None,
    *,
    pattern: Pattern = "*",
    identity: Identity = "*",
    until: Annotated[
        str,
        typer.Option("--until", metavar="DAY", help="The last day, such as 2026-12-31; at most a year off."),
    ],
    reason: Annotated[str, typer.Option("--reason", help="Why it is acceptable, for the record.")],
    at: Running,
) -> None:
    """Accept the risk of a finding up to and including a day; needs the role approver or admin.

    \b
    Examples:
      graphsvc risk accept 03cc7ef52a1fdb05 --until 2027-03-01 --reason "goes with the old cluster" --token "$TOKEN"
      graphsvc risk accept --pattern "aws-iam-*" --identity "*:role/break-glass" --until 2027-01-31 \\
          --reason "sealed, alarmed" --token "$TOKEN"
    """
    last = _day(until, "until")
    entry = asked(
        lambda client: client.accept_risk(
            last, reason, fingerprint=finding, pattern=pattern, identity=identity
        ),
        at,
    )
    _print(entry, at.form, f"accepted up to and including {entry.accepted_until}")


@app.command()
@spread
def assign(
    finding: Fingerprint = None,
    *,
    pattern: Pattern = "*",
    identity: Identity = "*",
    owner: Annotated[str, typer.Option("--owner", help="Who answers.")],
    due: Annotated[
        str | None, typer.Option("--due", metavar="DAY", help="By when it is to be gone, such as 2026-12-31.")
    ] = None,
    comment: Annotated[str, typer.Option("--comment", help="For the record.")] = "",
    at: Running,
) -> None:
    """Say who answers for a finding, and by when; needs the role analyst, approver or admin.

    \b
    Examples:
      graphsvc risk assign 03cc7ef52a1fdb05 --owner platform --due 2026-12-31 --token "$TOKEN"
      graphsvc risk assign --pattern "kubernetes-*" --owner cluster-team --token "$TOKEN"
    """
    end = None if due is None else _day(due, "due")
    entry = asked(
        lambda client: client.assign_finding(
            owner, due=end, fingerprint=finding, pattern=pattern, identity=identity, comment=comment
        ),
        at,
    )
    _print(entry, at.form, f"{entry.owner} answers" + (f" by {entry.due}" if entry.due else ""))


@app.command()
@spread
def withdraw(
    entry: Annotated[str, typer.Argument(metavar="ENTRY", help="An id of `graphsvc risk list`.")],
    *,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the record.")],
    at: Running,
) -> None:
    """Take an entry out of the register: an accepted risk is open again.

    \b
    Examples:
      graphsvc risk withdraw entry:0197a6c4-7d1e-7c55-9a51-5d6a3f0d8f21 --reason "the cluster stays" --token "$TOKEN"
    """
    ack = asked(lambda client: client.withdraw_entry(entry, reason), at)
    if at.form is Format.table:
        print(f"{entry} counts no more from revision {ack.revision} on")
    else:
        print_json({"revision": ack.revision})


@app.command(name="list")
@spread
def show(*, at: Running) -> None:
    """Tell which risks are accepted until when, by whom and why, and who answers for what.

    \b
    Examples:
      graphsvc risk list --token "$TOKEN"
    """
    rows = [_row(each) for each in asked(lambda client: client.finding_register(), at)]
    print_rows(rows, at.form, empty="nothing is registered")


def _print(entry: RegisterEntry, form: Format, told: str) -> None:
    if form is not Format.table:
        print_json(_row(entry))
        return
    what = entry.fingerprint or entry.pattern
    on = "" if entry.identity == "*" else f" on {entry.identity}"
    print(f"{what}{on}: {told}; {entry.id}")


def _row(entry: RegisterEntry) -> dict[str, Json]:
    import msgspec

    row: dict[str, Json] = msgspec.to_builtins(entry)
    return row
