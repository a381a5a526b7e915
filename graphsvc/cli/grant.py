"""`graphsvc grant`: rights asked for just in time, answered and taken back; always of a running service, under one's own token."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from graphsvc.cli.failure import ErrorGroup
from graphsvc.cli.output import Format, print_rows
from graphsvc.cli.running import Running, asked
from graphsvc.cli.spread import spread
from graphsvc.core.value import Json

if TYPE_CHECKING:
    from graphsvc.client import Client
    from graphsvc.client.grant_request import GrantRequest

__all__ = ["app"]

app = typer.Typer(
    cls=ErrorGroup,
    name="grant",
    help="Ask for rights for a while, answer who asks, take back.",
    no_args_is_help=True,
)
Request = Annotated[str, typer.Argument(metavar="REQUEST", help="The id of a request.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for the record.")]
Actions = Annotated[list[str] | None, typer.Option("--action", help="An action glob; several times.")]
Resources = Annotated[list[str] | None, typer.Option("--resource", help="A resource glob; several times.")]
Lasts = Annotated[
    str | None, typer.Option("--for", metavar="DURATION", help="How long, from the approval, such as 30m.")
]
Uses = Annotated[int | None, typer.Option("--uses", min=1, help="At most so many actions.")]
_COLUMNS = (
    "id",
    "status",
    "identity",
    "actions",
    "resources",
    "lasts",
    "purpose",
    "requestedBy",
    "expiresAt",
)


@app.command()
@spread
def ask(
    *,
    identity: Annotated[str, typer.Argument(metavar="IDENTITY", help="Who needs them.")],
    action: Actions = None,
    resource: Resources = None,
    lasts: Lasts = None,
    purpose: Annotated[str, typer.Option("--purpose", help="What for; the approver reads it.")],
    uses: Uses = None,
    chain: Annotated[str | None, typer.Option("--chain", help="Only within that chain.")] = None,
    session: Annotated[str | None, typer.Option("--session", help="Only within that session.")] = None,
    on_behalf_of: Annotated[
        list[str] | None, typer.Option("--on-behalf-of", help="Whom it acts for; several times.")
    ] = None,
    wait: Annotated[float, typer.Option("--wait", min=0, help="Wait so many seconds for the answer.")] = 0.0,
    at: Running,
) -> None:
    """Ask for rights; with --wait, exit 0 once they are given, else 1.

    \b
    Examples:
      graphsvc grant ask support-bot --action "crm:Read*" --resource "record:*" --for 30m --purpose "ticket 4711" --token "$TOKEN"
      graphsvc grant ask deploy --action "k8s:Patch" --resource "cluster:prod" --for 1h --uses 1 --purpose "hotfix" --wait 300 --token "$TOKEN"
    """
    from graphsvc.errors import BadInput

    if lasts is None:
        raise BadInput("--for: say how long, such as 30m", field="for")

    async def call(client: Client) -> GrantRequest:
        made = await client.request_grant(
            identity, actions=action or [], resources=resource or [], lasts=lasts, purpose=purpose, uses=uses,
            chain=chain, session=session, on_behalf_of=on_behalf_of,
        )  # fmt: skip
        return await client.await_grant(made.id, wait_s=wait) if wait else made

    found = asked(call, at)
    _print([found], at.form)
    if wait and found.grant is None:
        raise typer.Exit(1)


@app.command("list")
@spread
def list_requests(
    *,
    status: Annotated[
        str | None, typer.Option("--status", help="OPEN, GRANTED, REJECTED, WITHDRAWN or EXPIRED.")
    ] = None,
    identity: Annotated[str | None, typer.Option("--identity", help="Only for this one.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=200, help="How many at most.")] = 50,
    at: Running,
) -> None:
    """Requests, newest first: your own, or everybody's for those who may answer.

    \b
    Examples:
      graphsvc grant list --status OPEN --token "$TOKEN"
    """
    page = asked(lambda client: client.grant_requests(first=limit, status=status, identity=identity), at)
    _print(page.requests, at.form)
    if page.cursor is not None:
        print(f"there are more than {limit}; raise --limit", file=sys.stderr)


@app.command()
@spread
def approve(
    *,
    request: Request,
    reason: Reason,
    action: Actions = None,
    resource: Resources = None,
    lasts: Lasts = None,
    uses: Uses = None,
    at: Running,
) -> None:
    """Give what was asked for, or with options less of it; never for yourself.

    \b
    Examples:
      graphsvc grant approve grantRequest:0193a2... --reason "on call tonight" --token "$TOKEN"
      graphsvc grant approve grantRequest:0193a2... --reason "one look" --for 5m --uses 1 --token "$TOKEN"
    """
    found = asked(
        lambda client: client.approve_grant_request(
            request, reason, actions=action, resources=resource, lasts=lasts, uses=uses
        ),
        at,
    )
    _print([found], at.form)
    if found.grant is None:
        print(f"{len(found.endorsed_by)} of {found.quorum} have approved", file=sys.stderr)


@app.command()
@spread
def reject(
    *,
    request: Request,
    reason: Reason,
    at: Running,
) -> None:
    """Give nothing.

    \b
    Examples:
      graphsvc grant reject grantRequest:0193a2... --reason "ask the owner" --token "$TOKEN"
    """
    _print([asked(lambda client: client.reject_grant_request(request, reason), at)], at.form)


@app.command()
@spread
def withdraw(
    *,
    request: Request,
    reason: Reason,
    at: Running,
) -> None:
    """Take your own request back.

    \b
    Examples:
      graphsvc grant withdraw grantRequest:0193a2... --reason "not needed any more" --token "$TOKEN"
    """
    _print([asked(lambda client: client.withdraw_grant_request(request, reason), at)], at.form)


@app.command()
@spread
def revoke(
    *,
    grant: Annotated[str, typer.Argument(metavar="GRANT", help="The id of a grant that was given.")],
    reason: Reason,
    at: Running,
) -> None:
    """End a grant; once this answers nobody is permitted by it. Tells the open chains that relied on it.

    \b
    Examples:
      graphsvc grant revoke grant:0193a2... --reason "left the project" --token "$TOKEN"
    """
    ended = asked(lambda client: client.revoke_grant(grant, reason), at)
    chains: list[Json] = [*ended.affected_chains]
    told: Json = ", ".join(map(str, chains)) if at.form is Format.table else chains
    print_rows([{"grant": ended.grant.id, "revision": ended.revision, "affectedChains": told}], at.form)


def _print(requests: list[GrantRequest], form: Format) -> None:
    import msgspec

    rows: list[dict[str, Json]] = [msgspec.to_builtins(each) for each in requests]
    if form is Format.table:
        rows = [
            {
                name: ", ".join(map(str, value)) if isinstance(value := row[name], list) else value
                for name in _COLUMNS
            }
            for row in rows
        ]
    print_rows(rows, form, empty="nobody asks for rights")
