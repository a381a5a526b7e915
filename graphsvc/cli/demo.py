"""`graphsvc demo`: the sample company's stories, played through a real server, told as a table."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

import typer

from graphsvc.cli.output import Format, print_json, print_lines, print_rows
from graphsvc.core.value import Json

if TYPE_CHECKING:
    from graphsvc.client import Client, Decision
    from graphsvc.packs.sample import Ask, Story

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)


def demo(
    form: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.table,
) -> None:
    """Play five short stories of a sample company; exit 1 when one does not end as it should.

    Everything happens in a temporary folder: an embedded store, a server on a free port of this machine.

    \b
    Examples:
      graphsvc demo
      graphsvc demo --format json
    """
    from graphsvc.cli.session import run

    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="graphsvc-demo-") as folder:
        told = run(_play(Path(folder)))
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


async def _play(folder: Path) -> list[tuple[Story, list[dict[str, Json]]]]:
    """The stories with one row a step, played over HTTP against a server of our own."""
    from graphsvc.api.auth import issue_token, local_key
    from graphsvc.api.server import serving
    from graphsvc.cli.setting import load_settings, state_dir
    from graphsvc.client import Client
    from graphsvc.importers.graph_jsonl import read
    from graphsvc.core.graph import to_record
    from graphsvc.packs import PACKS, pack_file, pack_text
    from graphsvc.packs.sample import estate_text, stories
    from graphsvc.wiring import build_app, open_service

    settings = load_settings(store=f"sqlite:///{folder / 'demo.db'}", state_dir=folder / "state", auth="on")
    key = local_key(state_dir(settings))
    admin_token = issue_token(key, subject="demo-admin", roles=["admin", "approver"])
    pep_token = issue_token(key, subject="demo-gateway", roles=["pep"])
    async with (
        open_service(settings) as service,
        serving(build_app(service, settings)) as url,
        Client(url, admin_token) as admin,
        Client(url, pep_token) as gateway,
    ):
        estate = read(estate_text(), "estate.jsonl")
        await admin.upsert_graph([to_record(fact) for fact in (*estate.nodes, *estate.edges)], source="sample")
        for name in PACKS:
            await admin.publish_policy(pack_text(name), comment=pack_file(name))
        return [(story, await _story(story, admin, gateway)) for story in stories()]


async def _story(story: Story, admin: Client, gateway: Client) -> list[dict[str, Json]]:
    from graphsvc.packs.sample import Ask, GiveRight

    rows: list[dict[str, Json]] = []
    grants: dict[str, str] = {}
    for step in story.steps:
        if isinstance(step, Ask):
            rows.append(_row(step, await gateway.decide(_input(step))))
        elif isinstance(step, GiveRight):
            grant = await admin.grant(
                identity=step.identity,
                actions=list(step.actions),
                resources=list(step.resources),
                expires_at=_in(step.minutes),
                purpose=step.purpose,
            )
            grants[step.name] = grant.id
            rows.append(_change(step.identity, f"is granted {', '.join(step.actions)}", f"for {step.minutes} min"))
        else:
            await admin.revoke_grant(grants[step.name], reason=step.reason)
            rows.append(_change(step.name, "is revoked", step.reason))
    return rows
