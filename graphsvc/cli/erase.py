"""`graphsvc erase`: who a person is goes, what was decided about them stays."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphsvc.cli.option import ConfigOption, StoreOption

if TYPE_CHECKING:
    from graphsvc.decide.erasing import Erased

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(erase)


def erase(
    identity: Annotated[str, typer.Argument(metavar="ID", help="Of the identity, such as u4711.")],
    *,
    property_: Annotated[
        list[str] | None,
        typer.Option("--property", metavar="NAME", help="Another property that goes; several times."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    store: StoreOption = None,
    config: ConfigOption = None,
) -> None:
    """Erase a person's name, aliases and personal properties from the graph, the log, its snapshots and the drawn graph.

    The id stays, for decisions name it, and every proof of the audit log stays valid: records keep their line and their leaf.
    Gone are the name, aliases that no other record names, and the properties that commonly say who somebody is (mail,
    displayName, phone ...), in every import, and where they were sent with a decision as properties of its subject or a delegator,
    unless a rule reads them. Take the person out of the source as well, or the next import brings
    them back; archives and backups hold what they held. Stop the service meanwhile: what replicas hold in memory comes back with
    their next snapshot.

    \b
    Examples:
      graphsvc erase u4711 --dry-run
      graphsvc erase u4711 --property costCentre
    """
    from graphsvc.cli.session import run
    from graphsvc.core.erasure import PERSONAL

    properties = PERSONAL | {each.casefold() for each in property_ or ()}
    found = run(_erase(identity, properties, store, config, dry_run=dry_run))
    would = "would be " if dry_run else ""
    print(
        f"{identity}: {would}erased from {len(found.sources)} sources and {found.records} entries of the log"
    )
    _tell(found)


def _tell(found: Erased) -> None:
    from graphsvc.cli.output import warn

    if found.kept:
        warn(f"these aliases stay, for records of decisions or signals name them: {', '.join(found.kept)}")
    if found.read:
        warn(
            f"where a decision says them of its subject these stay, for rules read them: {', '.join(found.read)}"
        )
    if found.elsewhere:
        told = ", ".join(f"{count} {kind}" for kind, count in sorted(found.elsewhere.items()))
        warn(f"what was erased from imports also stands in other records, which cannot be changed: {told}")
    if found.cut_off:
        warn(f"records 1 to {found.cut_off} were archived: the archives hold what they held")


async def _erase(
    identity: str, properties: frozenset[str], store: str | None, config: Path | None, *, dry_run: bool
) -> Erased:
    from graphsvc.cli.direct import OPERATOR
    from graphsvc.config import load_settings
    from graphsvc.decide.erasing import erase
    from graphsvc.wiring import now_ms, open_notary, open_service

    settings = load_settings(config, store=store)
    async with open_service(settings, create=False) as service:
        notary = open_notary(settings.store, settings)
        return await erase(service, notary, OPERATOR, identity, properties, now_ms(), dry_run=dry_run)
