"""`graphsvc token`: a local development token, alone on standard output."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from graphsvc.cli.option import ConfigOption, StoreOption

__all__ = ["register"]

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(token)


def token(
    *,
    role: Annotated[
        list[str], typer.Option("--role", help="pep, analyst, approver, auditor or admin; several times.")
    ],
    subject: Annotated[str, typer.Option("--subject", help="The name of who calls.")],
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
    """Print a token signed by the local key (made on first use, beside the store).

    \b
    Examples:
      graphsvc token --role pep --subject gateway-1
      TOKEN=$(graphsvc token --role admin --role analyst --subject ops --ttl 12h)
      graphsvc token --role pep --subject mail-gateway --subjects 'mail-*'
    """
    from graphsvc.api.auth import issue_token, local_key
    from graphsvc.config import load_settings
    from graphsvc.errors import BadInput, SettingsError

    read = re.fullmatch(r"([1-9]\d{0,6})([smhd])", ttl)
    if read is None:
        raise BadInput(f"--ttl: `{ttl}` is no duration; write one such as 30m, 12h or 7d", field="ttl")
    if unknown := [name for name in scope or () if name not in {"search", "chain:any"}]:
        raise BadInput(f"--scope: `{unknown[0]}` is neither search nor chain:any", field="scope")
    settings = load_settings(config, store=store)
    if settings.oidc is not None:
        raise SettingsError(
            f"tokens come from {settings.oidc.issuer}; the service takes none signed by the local key"
        )
    print(
        issue_token(
            local_key(settings.state),
            subject=subject,
            roles=role,
            scopes={"search", *(scope or ())},
            subjects=subjects or ["*"],
            ttl_s=int(read[1]) * _UNITS_S[read[2]],
        )
    )
