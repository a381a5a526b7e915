"""`graphsvc explore findings`, `compare` and `unused`: what people work through, week by week."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphsvc.cli.budget import Budget
from graphsvc.cli.explore_option import Form, Scope
from graphsvc.cli.option import Place
from graphsvc.cli.output import Format
from graphsvc.cli.spread import spread

if TYPE_CHECKING:
    from graphsvc.core.value import Json
    from graphsvc.explore.estate_view import EstateView
    from graphsvc.explore.finding import Finding
    from graphsvc.explore.unused import UnusedRight

__all__ = ["register"]

_WAYS = ("table", "json", "jsonl", "sarif")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(name="findings")(list_findings)
    app.command(name="compare")(compare_states)
    app.command(name="unused")(find_unused)


@spread
def list_findings(
    *,
    register_file: Annotated[
        Path | None,
        typer.Option(
            "--register",
            metavar="FILE",
            help="Owners, due dates and accepted risks (YAML), before those of the service's register.",
        ),
    ] = None,
    baseline: Annotated[
        Path | None, typer.Option("--baseline", metavar="FILE", help="What is known already (JSON).")
    ] = None,
    write_baseline: Annotated[
        Path | None,
        typer.Option("--write-baseline", metavar="FILE", help="Write what is found as a baseline."),
    ] = None,
    fail_on: Annotated[
        str,
        typer.Option(
            "--fail-on",
            metavar="WHAT",
            help="Exit 1 on: new, overdue, a severity or worse; never. Accepted ones do not count.",
        ),
    ] = "never",
    min_severity: Annotated[
        str, typer.Option("--min-severity", metavar="S", help="low, medium, high or critical.")
    ] = "low",
    scope: Scope,
    form: Annotated[str, typer.Option("--format", help="table, json, jsonl or sarif.")] = "table",
    at: Place,
) -> None:
    """Combinations of rights, grouped and ranked, with who answers for each and by when.

    Identities that hold the same by the same permissions are one finding. With a baseline only what it lacks is new: another finding,
    or another identity of a known one. Owners and accepted risks come from the register (`graphsvc risk`), and from a file where one is given.

    \b
    Examples:
      graphsvc explore findings --write-baseline baseline.json
      graphsvc explore findings --baseline baseline.json --register risks.yaml --fail-on new
      graphsvc explore findings --format sarif > findings.sarif
    """
    from datetime import UTC, datetime

    from graphsvc.cli.explored import look_agreed
    from graphsvc.cli.finding_file import read_baseline, read_register, write_baseline_file
    from graphsvc.explore.combination import combinations
    from graphsvc.explore.finding import Status, findings
    from graphsvc.explore.register import stored_entries

    _check_findings_options(form, min_severity, fail_on, has_baseline=baseline is not None)
    known = read_baseline(baseline) if baseline is not None else None
    entries = read_register(register_file) if register_file is not None else []
    budget = Budget(scope.seconds)
    view, revision, agreed = look_agreed(scope.policy, at, budget)
    # Half of the findings would pass for all of them in a baseline.
    with budget.holds("looking for findings"):
        found = findings(
            combinations(view, view.identities(), min_severity=min_severity),
            view.ruleset,
            register=entries,
            stored=stored_entries(agreed),
            baseline=known,
            today=datetime.now(UTC).date(),
        )
    if write_baseline is not None:
        write_baseline_file(write_baseline, found)
    _print_findings(found, view, form, revision, compared=known is not None)
    counted = [each for each in found if each.status is not Status.accepted]
    if any(_fails(each, fail_on) for each in counted):
        raise typer.Exit(1)


@spread
def compare_states(
    before: Annotated[Path, typer.Argument(metavar="BEFORE", help="An earlier `graphsvc export jsonl`.")],
    after: Annotated[
        Path | None, typer.Argument(metavar="AFTER", help="A later one; the store if not given.")
    ] = None,
    *,
    fail_on_worse: Annotated[
        bool, typer.Option("--fail-on-worse", help="Exit 1 when something got worse.")
    ] = False,
    scope: Scope,
    form: Form = Format.table,
    at: Place,
) -> None:
    """What got worse between two states of the graph, and what got better.

    \b
    Examples:
      graphsvc export jsonl -o monday.jsonl
      graphsvc explore compare monday.jsonl                 # against the store as it is now
      graphsvc explore compare monday.jsonl friday.jsonl --fail-on-worse
    """
    from graphsvc.cli.explored import combination_record, combination_rows, read_estate
    from graphsvc.cli.output import print_json, print_rows
    from graphsvc.explore.comparison import compare
    from graphsvc.explore.estate_view import view_of
    from graphsvc.importers import graph_jsonl

    budget = Budget(scope.seconds)
    nodes, edges, policies, revision = read_estate(scope.policy, at, budget)
    earlier = graph_jsonl.read(before.read_text("utf-8"), str(before))
    if after is not None:
        later = graph_jsonl.read(after.read_text("utf-8"), str(after))
        nodes, edges = list(later.nodes), list(later.edges)
    with budget.holds("comparing"):
        found = compare(view_of(earlier.nodes, earlier.edges, policies), view_of(nodes, edges, policies))
    people = {name: list(getattr(found, name)) for name in ("raised", "lowered", "joined", "left")}
    if form is Format.table:
        print("worse:")
        print_rows(combination_rows(found.appears), form, empty="  no new combination of rights")
        for identity in found.raised:
            print(f"  {identity} now holds every right")
        print("better:")
        print_rows(combination_rows(found.vanishes), form, empty="  no combination of rights is gone")
        for identity in found.lowered:
            print(f"  {identity} no longer holds every right")
        print(f"{len(found.joined)} identities came, {len(found.left)} went")
    else:
        print_json(
            {
                "appears": [combination_record(each) for each in found.appears],
                "vanishes": [combination_record(each) for each in found.vanishes],
                **people,
                "worse": found.is_worse,
                "truncated": False,
                "revision": revision if after is None else None,
                "packs": {each.pack.id: each.pack.version for each in policies},
            }
        )
    if fail_on_worse and found.is_worse:
        raise typer.Exit(1)


@spread
def find_unused(
    *,
    trace: Annotated[
        list[Path] | None,
        typer.Option(
            "--trace", metavar="FILE", help="Recorded actions besides the store's; may be repeated."
        ),
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="Only actions from then on, as 2026-01-31.")
    ] = None,
    scope: Scope,
    form: Form = Format.table,
    at: Place,
) -> None:
    """Grants that no permitted action of the history needed, and wildcards of which only some actions were used.

    \b
    Examples:
      graphsvc explore unused --since 2026-08-01
      graphsvc explore unused --trace events.jsonl --format json
    """
    from graphsvc.cli.explored import look
    from graphsvc.cli.finding_file import read_uses
    from graphsvc.cli.output import print_json, print_rows
    from graphsvc.explore.unused import unused_rights

    budget = Budget(scope.seconds)
    view, revision = look(scope.policy, at, budget)
    with budget.holds("looking at what was used"):
        uses = read_uses(view, trace or [], at, since=since)
        found = unused_rights(view, uses)
    rows = [_unused_row(each) for each in found]
    if form is Format.json:
        print_json({"unused": rows, "uses": len(uses), "truncated": False, "revision": revision})
    else:
        print_rows(rows, form, empty="every grant was used")
        if form is Format.table:
            told = f"as far as {len(uses):,} permitted actions tell"
            print(
                told
                if uses
                else "no permitted action is recorded, so every grant looks unused; give --trace FILE"
            )


def _check_findings_options(form: str, min_severity: str, fail_on: str, *, has_baseline: bool) -> None:
    from graphsvc.core.verdict import SEVERITIES
    from graphsvc.errors import BadInput

    if form in ("svg", "dot"):
        raise BadInput(
            f"--format: `{form}`: findings are a list; `graphsvc explore combinations --format {form}` draws them",
            field="form",
        )
    for option, value, allowed in (
        ("--format", form, _WAYS),
        ("--min-severity", min_severity, SEVERITIES),
        ("--fail-on", fail_on, (*SEVERITIES, "new", "overdue", "never")),
    ):
        if value not in allowed:
            raise BadInput(f"{option}: `{value}` is none of {', '.join(allowed)}", field=option)
    if fail_on == "new" and not has_baseline:
        raise BadInput(
            "--fail-on new: needs --baseline FILE; write one with --write-baseline", field="baseline"
        )


def _print_findings(
    found: list[Finding], view: EstateView, form: str, revision: str, *, compared: bool
) -> None:
    from graphsvc import __version__
    from graphsvc.cli.output import print_json, print_lines, print_rows
    from graphsvc.explore.sarif import to_sarif

    match form:
        case "sarif":
            print_json(
                to_sarif(found, view.ruleset, version=__version__, revision=revision, compared=compared)
            )
        case "json":
            records: list[Json] = [_record(each) for each in found]
            print_json({"findings": records, "truncated": False, "revision": revision, "packs": view.stamp()})
        case "jsonl":
            print_lines([_record(each) for each in found])
        case _:
            rows = [_row(each, compared=compared) for each in found]
            print_rows(rows, Format.table, empty="no finding")


def _fails(found: Finding, what: str) -> bool:
    from graphsvc.core.verdict import SEVERITIES
    from graphsvc.explore.finding import Status

    match what:
        case "never":
            return False
        case "new":
            return found.is_new
        case "overdue":
            return found.status is Status.overdue
        case _:
            return SEVERITIES.index(found.severity) >= SEVERITIES.index(what)


def _row(found: Finding, *, compared: bool) -> dict[str, Json]:
    row: dict[str, Json] = {
        "finding": found.fingerprint,
        "severity": found.severity,
        "pattern": found.pattern,
        "gives": found.gives,
        "certainty": found.certainty,
        "identities": len(found.identities),
        "such as": found.identities[0],
        "owner": found.owner,
        "status": found.status.value,
        "due": found.due.isoformat() if found.due else "",
    }
    if compared:
        row["new"] = len(found.fresh)
    row["what"] = found.title
    return row


def _record(found: Finding) -> dict[str, Json]:
    from graphsvc.cli.explored import combination_record

    return {
        "fingerprint": found.fingerprint,
        "pattern": found.pattern,
        "title": found.title,
        "severity": found.severity,
        "certainty": found.certainty,
        "gives": found.gives,
        "identities": list(found.identities),
        "new": list(found.fresh),
        "status": found.status.value,
        "owner": found.owner,
        "due": found.due.isoformat() if found.due else None,
        "accepted_until": found.accepted_until.isoformat() if found.accepted_until else None,
        "accepted_by": found.accepted_by,
        "reason": found.reason,
        "entries": list(found.entries),
        "pack": {"id": found.pack, "version": found.version, "data_date": found.data_date},
        "example": combination_record(found.combination),
    }


def _unused_row(found: UnusedRight) -> dict[str, Json]:
    from datetime import UTC, datetime

    last = (
        datetime.fromtimestamp(found.last_ms / 1000, UTC).isoformat() if found.last_ms is not None else None
    )
    return {
        "holder": found.holder,
        "permission": found.permission,
        "identities": found.members,
        "actions": list(found.actions[:5]),
        "suggestion": "narrow to what was used" if found.narrower else "remove",
        "used": list(found.used[:20]),
        "last": last,
    }
