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
    from graphsvc.api.server import running
    from graphsvc.client import Client
    from graphsvc.config import load_settings
    from graphsvc.core.graph import to_records
    from graphsvc.importers.graph_jsonl import read
    from graphsvc.packs import PACKS, pack_file, pack_text
    from graphsvc.packs.sample import estate_text, stories
    from graphsvc.wiring import build_app, open_service

    settings = load_settings(store=f"sqlite:///{folder / 'demo.db'}", state_dir=folder / "state", auth="on")
    key = local_key(settings.state)
    admin_token = issue_token(key, subject="demo-admin", roles=["admin", "approver"])
    pep_token = issue_token(key, subject="demo-gateway", roles=["pep"])
    async with (
        open_service(settings) as service,
        running(build_app(service, settings)) as url,
        Client(url, admin_token) as admin,
        Client(url, pep_token) as gateway,
    ):
        estate = read(estate_text(), "estate.jsonl")
        await admin.upsert_graph("sample", to_records(estate.nodes, estate.edges))
        await admin.publish_policy(*((pack_text(name), pack_file(name)) for name in PACKS), comment="demo")
        return [(story, await _story(story, admin, gateway)) for story in stories()]


async def _story(story: Story, admin: Client, gateway: Client) -> list[dict[str, Json]]:
    from graphsvc.packs.sample import Ask, GiveRight

    rows: list[dict[str, Json]] = []
    grants: dict[str, str] = {}
    for step in story.steps:
        if isinstance(step, Ask):
            rows.append(_row(step, await gateway.decide(_input(step))))
        elif isinstance(step, GiveRight):
            granted = await admin.grant(
                step.identity,
                actions=list(step.actions),
                resources=list(step.resources),
                expires_at=_in(step.minutes),
                purpose=step.purpose,
            )
            grants[step.name] = granted.grant.id
            rows.append(
                _change(step.identity, f"is granted {', '.join(step.actions)}", f"for {step.minutes} min")
            )
        else:
            await admin.revoke_grant(grants[step.name], step.reason)
            rows.append(_change(step.name, "is revoked", step.reason))
    return rows


def _input(step: Ask) -> dict[str, Json]:
    return {
        "idempotencyKey": str(uuid4()),
        "chain": step.chain,
        "subject": {"type": step.subject.type, "id": step.subject.id},
        "onBehalfOf": [{"type": each.type, "id": each.id} for each in step.delegators],
        "action": {"name": step.action, "properties": step.properties},
        "resource": {"type": step.resource.type, "id": step.resource.id},
    }


def _row(step: Ask, decision: Decision) -> dict[str, Json]:
    completed = sorted(completion.pattern.id for completion in decision.completions)
    codes = {str(reason.code) for reason in decision.reasons}
    expected = (
        str(decision.verdict) == step.expect
        and completed == sorted(step.completes)
        and codes >= set(step.reasons)
    )
    why = [completion.explanation for completion in decision.completions]
    if not why:
        why = [reason.message for reason in decision.reasons]
    who = " for ".join([step.subject.id, *(each.id for each in step.delegators)])
    note = f" ({step.note})" if step.note else ""
    return {
        "who": who,
        "action": f"{step.action} {step.resource.type}:{step.resource.id}{note}",
        "verdict": str(decision.verdict),
        "completed path": "; ".join(why),
        "pattern": ", ".join(completed),
        "as expected": expected,
    }


def _change(who: str, what: str, why: str) -> dict[str, Json]:
    return {
        "who": who,
        "action": f"{what} ({why})",
        "verdict": "",
        "completed path": "",
        "pattern": "",
        "as expected": True,
    }


def _in(minutes: int) -> str:
    from graphsvc.core.value import format_time
    from graphsvc.wiring import now_ms

    return format_time(now_ms() + minutes * 60_000)


# -- telling -----------------------------------------------------------------------------------------


def _tell(told: list[tuple[Story, list[dict[str, Json]]]], seconds: float) -> None:
    decided = sum(bool(row["verdict"]) for _, rows in told for row in rows)
    for story, rows in told:
        print(f"\n{story.title}\n{story.told}")
        shown: list[dict[str, Json]] = []
        for row in _folded(rows):
            line = {name: row[name] for name in ("who", "action", "verdict", "completed path")}
            if row["pattern"]:
                line["completed path"] = f"{row['pattern']}: {row['completed path']}"
            if not row["as expected"]:
                line["verdict"] = f"{row['verdict']} (not as expected)"
            shown.append(line)
        print_rows(shown, Format.table)
    print(
        f"\n{decided} decisions over HTTP in {seconds:.1f} s; every right that was used is valid by itself."
    )
    print(
        "Next: `make serve` starts the service; open http://127.0.0.1:8080/ in a browser for its dashboard."
    )


def _folded(rows: list[dict[str, Json]]) -> list[dict[str, Json]]:
    """Rows without the middle of a long run of permitted ones of the same action."""
    shown: list[dict[str, Json]] = []
    run: list[dict[str, Json]] = []

    def finish() -> None:
        if len(run) > 3:
            skipped = {**run[1], "action": f"... {len(run) - 2} more of the same ..."}
            shown.extend([run[0], skipped, run[-1]])
        else:
            shown.extend(run)
        run.clear()

    for row in rows:
        kind = str(row["action"]).partition(" ")[0]
        if run and (
            row["verdict"] != "PERMIT"
            or row["who"] != run[0]["who"]
            or not str(run[0]["action"]).startswith(f"{kind} ")
        ):
            finish()
        run.append(row)
        if row["verdict"] != "PERMIT":
            finish()
    finish()
    return shown
