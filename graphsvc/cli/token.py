"""`graphsvc token`: local development tokens: made, listed, taken back; their key replaced."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from graphsvc.cli.option import ConfigOption, StoreOption
from graphsvc.cli.output import Format, print_rows

if TYPE_CHECKING:
    from pathlib import Path

    from graphsvc.api.token_register import IssuedToken

__all__ = ["app"]

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}

app = typer.Typer(name="token", help="Local development tokens.", rich_markup_mode=None)


_HELP = """Print a token signed by the local key (made on first use, beside the store).

\b
Examples:
  graphsvc token --role pep --subject gateway-1
  TOKEN=$(graphsvc token --role admin --role analyst --subject ops --ttl 12h)
  graphsvc token --role pep --subject mail-gateway --subjects 'mail-*'
  graphsvc token list
  graphsvc token revoke --subject gateway-1
"""


@app.callback(invoke_without_command=True, help=_HELP)
def token(
    context: typer.Context,
    *,
    role: Annotated[
        list[str] | None,
        typer.Option("--role", help="pep, analyst, approver, auditor or admin; several times."),
    ] = None,
    subject: Annotated[str | None, typer.Option("--subject", help="The name of who calls.")] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option("--scope", help="search or chain:any; several times. `search` is given."),
    ] = None,
    subjects: Annotated[
        list[str] | None,
        typer.Option(
            "--subjects", metavar="GLOB", help="Identities it may speak for; several times; all if not given."
        ),
    ] = None,
    ttl: Annotated[
        str, typer.Option("--ttl", metavar="DURATION", help="How long it counts, such as 30m or 12h.")
    ] = "1h",
    store: StoreOption = None,
    config: ConfigOption = None,
) -> None:
    """Print a token, unless a subcommand was named."""
    if context.invoked_subcommand is not None:
        return
    from graphsvc.api.auth import issue_token, local_key
    from graphsvc.api.token_register import TokenRegister
    from graphsvc.errors import BadInput

    if not role:
        raise BadInput("--role: name at least one of pep, analyst, approver, auditor, admin", field="role")
    if not subject:
        raise BadInput("--subject: name who calls", field="subject")
    read = re.fullmatch(r"([1-9]\d{0,6})([smhd])", ttl)
    if read is None:
        raise BadInput(f"--ttl: `{ttl}` is no duration; write one such as 30m, 12h or 7d", field="ttl")
    if unknown := [name for name in scope or () if name not in {"search", "chain:any"}]:
        raise BadInput(f"--scope: `{unknown[0]}` is neither search nor chain:any", field="scope")
    state = _state(store, config)
    print(
        issue_token(
            local_key(state),
            subject=subject,
            roles=role,
            scopes={"search", *(scope or ())},
            subjects=subjects or ["*"],
            ttl_s=int(read[1]) * _UNITS_S[read[2]],
            register=TokenRegister(state),
        )
    )


@app.command("list")
def list_tokens(
    *,
    store: StoreOption = None,
    config: ConfigOption = None,
    form: Annotated[Format, typer.Option("--format")] = Format.table,
) -> None:
    """Tokens that were issued here, newest first, and whether they count; the tokens themselves are kept nowhere.

    \b
    Example:
      graphsvc token list --format json
    """
    from graphsvc.api.token_register import TokenRegister

    register = TokenRegister(_state(store, config))
    print_rows(
        [
            {
                "id": row.id,
                "subject": row.subject,
                "roles": " ".join(row.roles),
                "scopes": " ".join(row.scopes),
                "subjects": " ".join(row.subjects),
                "issued": _at(row.issued_s),
                "expires": _at(row.expires_s),
                "state": state,
            }
            for row, state in register.tokens()
        ],
        form,
        empty="no token was issued here",
    )


@app.command()
def revoke(
    token_id: Annotated[str | None, typer.Argument(metavar="[ID]", help="Of `graphsvc token list`.")] = None,
    *,
    subject: Annotated[str | None, typer.Option("--subject", help="All tokens of this subject.")] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Every token issued until now, known here or not.")
    ] = False,
    store: StoreOption = None,
    config: ConfigOption = None,
) -> None:
    """Take tokens back; a running service refuses them within a second.

    \b
    Examples:
      graphsvc token revoke 0d6a3c1e-...
      graphsvc token revoke --subject gateway-1
      graphsvc token revoke --all
    """
    import time

    from graphsvc.api.token_register import TokenRegister
    from graphsvc.errors import BadInput

    if sum((token_id is not None, subject is not None, every)) != 1:
        raise BadInput("name one of ID, --subject NAME and --all", field="token")
    register = TokenRegister(_state(store, config))
    if every:
        # Tokens carry whole seconds; one made in this very second is taken back, too.
        register.revoke_before(int(time.time()) + 1)
        print("every token issued until now is revoked")
        return
    taken: list[IssuedToken] = register.revoke(token=token_id, subject=subject)
    for row in taken:
        print(f"revoked {row.id} ({row.subject}: {' '.join(row.roles)})")


@app.command()
def rotate(
    *,
    now: Annotated[
        bool, typer.Option("--now", help="Tokens of the old key end at once, not when they expire.")
    ] = False,
    store: StoreOption = None,
    config: ConfigOption = None,
) -> None:
    """Replace the signing key; a running service takes tokens of the new one within a second.

    \b
    Examples:
      graphsvc token rotate
      graphsvc token rotate --now
    """
    from graphsvc.api.auth import rotate_key
    from graphsvc.api.token_register import TokenRegister

    state = _state(store, config)
    name = rotate_key(state, TokenRegister(state), at_once=now)
    print(
        f"the signing key is now {name}; tokens of the old one "
        + ("have ended" if now else "count until they expire")
    )


def _state(store: str | None, config: Path | None) -> Path:
    from graphsvc.config import load_settings
    from graphsvc.errors import SettingsError

    settings = load_settings(config, store=store)
    if settings.oidc is not None:
        raise SettingsError(
            f"tokens come from {settings.oidc.issuer}; the service takes none signed by the local key"
        )
    return settings.state


def _at(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
