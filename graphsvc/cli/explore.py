"""`graphsvc explore`: static questions about a graph, answered as tables or JSON."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Annotated

import typer

from graphsvc.cli.budget import Budget
from graphsvc.cli.collector import spare
from graphsvc.cli.explore_cut import register as register_cuts
from graphsvc.cli.explore_finding import register as register_findings
from graphsvc.cli.explore_option import Drawn, DrawnForm, Form, Scope, draw
from graphsvc.cli.failure import ErrorGroup
from graphsvc.cli.option import Place
from graphsvc.cli.output import Format
from graphsvc.cli.spread import spread

if TYPE_CHECKING:
    from graphsvc.core.value import Json
    from graphsvc.explore.combination import Combination
    from graphsvc.explore.path import Path as Way

__all__ = ["app"]

_MORE_PATHS = "a limit was reached: there may be more; raise --limit or --max-hops"
# More in one picture is no picture.
_DRAWN = 12

app = typer.Typer(
    cls=ErrorGroup,
    name="explore",
    help="What could go wrong at all: combinations of rights, paths, choke points, cuts.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def prepare(ctx: typer.Context) -> None:
    """Looking through a million facts for garbage again and again costs a fifth of the time."""
    known = spare()
    ctx.call_on_close(lambda: gc.set_threshold(*known))


@app.command(name="combinations")
@spread
def find_combinations(
    *,
    identity: Annotated[str | None, typer.Option("--identity", metavar="ID", help="Only this one's.")] = None,
    pattern: Annotated[str | None, typer.Option("--pattern", metavar="ID", help="Only this pattern.")] = None,
    min_severity: Annotated[
        str, typer.Option("--min-severity", metavar="S", help="low, medium, high or critical.")
    ] = "low",
    fail_on: Annotated[
        str, typer.Option("--fail-on", metavar="S", help="Exit 1 on findings of this severity; `never`.")
    ] = "never",
    limit: Annotated[int, typer.Option("--limit", metavar="N", help="At most so many rows.")] = 10_000,
    scope: Scope,
    form: DrawnForm = Drawn.table,
    at: Place,
) -> None:
    """Rights that an identity holds and that together give more than each.

    Holders of every right are left out: they need no combination. What a combination gives is a hop of
    `explore paths`, and no part of another combination.

    \b
    Examples:
      graphsvc explore combinations --min-severity high
      graphsvc explore combinations --identity arn:aws:iam::123456789012:user/ci --format json
      graphsvc explore combinations --identity ci --format svg > ci.svg
      graphsvc explore combinations --fail-on critical
    """
    from graphsvc.cli.explored import look
    from graphsvc.core.verdict import SEVERITIES
    from graphsvc.errors import BadInput, OutOfTime
    from graphsvc.explore.combination import combinations, gravest_first
    from graphsvc.explore.naming import identity_named

    if min_severity not in SEVERITIES:
        raise BadInput(
            f"--min-severity: `{min_severity}` is none of {', '.join(SEVERITIES)}", field="min_severity"
        )
    if fail_on not in (*SEVERITIES, "never"):
        raise BadInput(f"--fail-on: `{fail_on}` is none of {', '.join(SEVERITIES)}, never", field="fail_on")
    budget = Budget(scope.seconds)
    view, revision = look(scope.policy, at, budget)
    if pattern is not None and pattern not in view.ruleset.by_id:
        raise BadInput(f"--pattern: no pattern `{pattern}` in these packs", field="pattern")
    asked = [identity_named(view, identity)] if identity is not None else view.identities()
    every: list[Combination] = []
    late: OutOfTime | None = None
    try:
        with budget.holds("looking for combinations"):
            every.extend(combinations(view, asked, pattern=pattern, min_severity=min_severity))
    except OutOfTime as error:
        late = error
    found = gravest_first(every)[:limit]
    left_out = (
        f"more than {limit} rows: the less grave are left out; raise --limit" if len(every) > limit else ""
    )
    if late is not None:
        left_out = (
            f"the time of {scope.seconds:g} s was up before all identities were looked at; raise --time"
        )
    _tell_combinations(found, left_out, form, {"revision": revision, "packs": {**view.stamp()}})
    if fail_on != "never" and any(
        SEVERITIES.index(each.severity) >= SEVERITIES.index(fail_on) for each in every
    ):
        raise typer.Exit(1)
    if late is not None and fail_on != "never":
        # Nothing was found that fails; what was not looked at may.
        raise late


@app.command(name="paths")
@spread
def find_paths(
    *,
    start: Annotated[str, typer.Option("--from", metavar="ID", help="The identity to begin with.")],
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="ID|tier:NAME|admin", help="Where to; everything if not given."),
    ] = None,
    max_hops: Annotated[int, typer.Option("--max-hops", metavar="N", min=1, max=64)] = 16,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="At most so many paths.")] = 100,
    scope: Scope,
    form: DrawnForm = Drawn.table,
    at: Place,
) -> None:
    """Who an identity can become and what it can touch, by the shortest way to each.

    Exit 1 when there is no path.

    \b
    Examples:
      graphsvc explore paths --from bot --to tier:crown-jewel
      graphsvc explore paths --from arn:aws:iam::123456789012:user/ci --to admin --format json
      graphsvc explore paths --from bot --to admin --format svg > bot.svg
    """
    from graphsvc.cli.explored import look, path_record
    from graphsvc.cli.output import print_json, print_lines, tell_limit
    from graphsvc.explore.naming import identity_named, wanted
    from graphsvc.explore.path import paths
    from graphsvc.explore.picture import picture_of_paths

    budget = Budget(scope.seconds)
    view, revision = look(scope.policy, at, budget)
    begin, is_wanted = identity_named(view, start), wanted(view, to)
    with budget.holds("looking for paths"):
        found, truncated = paths(view, begin, is_wanted, max_hops=max_hops, limit=limit)
    match form:
        case Drawn.table:
            _tell_paths(found, truncated, {each.id: each.title for each in view.ruleset.patterns})
        case Drawn.jsonl:
            print_lines([path_record(path) for path in found])
            if truncated:
                tell_limit(_MORE_PATHS, form.plain)
        case Drawn.svg | Drawn.dot:
            note = f"{len(found) - _DRAWN} more are not drawn" if len(found) > _DRAWN else ""
            draw(
                picture_of_paths(found[:_DRAWN], note=note or ("a limit was reached" if truncated else "")),
                form,
            )
        case _:
            print_json(
                {
                    "paths": [path_record(path) for path in found],
                    "truncated": truncated,
                    "revision": revision,
                    "packs": view.stamp(),
                }
            )
    if not found:
        raise typer.Exit(1)


@app.command(name="blast-radius")
@spread
def find_blast_radius(
    *,
    start: Annotated[str, typer.Option("--from", metavar="ID", help="The identity to begin with.")],
    max_hops: Annotated[int, typer.Option("--max-hops", metavar="N", min=1, max=64)] = 16,
    scope: Scope,
    form: DrawnForm = Drawn.table,
    at: Place,
) -> None:
    """Everything an identity can become or touch, with the number of hops.

    \b
    Examples:
      graphsvc explore blast-radius --from bot
      graphsvc explore blast-radius --from bot --max-hops 3 --format json
      graphsvc explore blast-radius --from bot --format svg > bot.svg
    """
    from graphsvc.cli.explored import blast_rows, look
    from graphsvc.cli.output import print_json, print_rows, tell_limit
    from graphsvc.explore.combination import combinations
    from graphsvc.explore.naming import identity_named
    from graphsvc.explore.path import blast_radius
    from graphsvc.explore.reach_picture import picture_of_reached

    budget = Budget(scope.seconds)
    view, revision = look(scope.policy, at, budget)
    identity = identity_named(view, start)
    with budget.holds("looking at what is reached"):
        reached = blast_radius(view, identity, max_hops=max_hops)
        rows = blast_rows(view, reached, identity)
        # What it can do that leads to no node: reading every secret of a cluster, say.
        besides = {each.pattern: each.title for each in combinations(view, [identity]) if each.gives is None}
    if form in (Drawn.svg, Drawn.dot):
        draw(picture_of_reached(reached, identity), form)
        return
    if form is Drawn.json:
        print_json(
            {
                "from": identity.removeprefix("identity:"),
                "reached": rows,
                "truncated": reached.truncated,
                "revision": revision,
                "packs": view.stamp(),
            }
        )
        return
    print_rows(rows, form.plain, empty="nothing beyond itself")
    if form is Drawn.table:
        for pattern, title in besides.items():
            print(f"besides, by its rights alone: {title} ({pattern}); see `graphsvc explore combinations`")
    if reached.truncated:
        tell_limit("a limit was reached: there is more; raise --max-hops", form.plain)


@app.command(name="what-if")
@spread
def ask_what_if(
    *,
    add: Annotated[
        list[str] | None, typer.Option("--add", metavar="GRANT", help="An edge more; may be repeated.")
    ] = None,
    remove: Annotated[
        list[str] | None, typer.Option("--remove", metavar="GRANT", help="An edge fewer; may be repeated.")
    ] = None,
    scope: Scope,
    form: Form = Format.table,
    at: Place,
) -> None:
    """Which combinations of rights would appear, and which would vanish; nothing is changed.

    Exit 1 when any would appear.

    \b
    Examples:
      graphsvc explore what-if --add "identity:bot -GRANTED-> permission:p1"
      graphsvc explore what-if --remove "identity:ann -MEMBER_OF-> group:admins" --format json
    """
    from graphsvc.cli.explored import combination_record, combination_rows, read_estate
    from graphsvc.cli.output import print_json, print_rows
    from graphsvc.errors import BadInput
    from graphsvc.explore.what_if import edge_from_text, what_if

    if not add and not remove:
        raise BadInput("name an edge to --add or to --remove", field="add")
    more, fewer = ([edge_from_text(text) for text in each or ()] for each in (add, remove))
    budget = Budget(scope.seconds)
    nodes, edges, policies, revision = read_estate(scope.policy, at, budget)
    with budget.holds("comparing"):
        found = what_if(nodes, edges, policies, add=more, remove=fewer)
    if form is Format.table:
        print("would appear:")
        print_rows(combination_rows(found.appears), form, empty="  nothing")
        print("would vanish:")
        print_rows(combination_rows(found.vanishes), form, empty="  nothing")
    else:
        print_json(
            {
                "appears": [combination_record(each) for each in found.appears],
                "vanishes": [combination_record(each) for each in found.vanishes],
                "truncated": False,
                "revision": revision,
                "packs": {each.pack.id: each.pack.version for each in policies},
            }
        )
    if found.appears:
        raise typer.Exit(1)


register_cuts(app)
register_findings(app)


def _tell_combinations(found: list[Combination], left_out: str, form: Drawn, stamp: dict[str, Json]) -> None:
    from graphsvc.cli.explored import combination_record, combination_rows
    from graphsvc.cli.output import print_json, print_lines, print_rows, tell_limit
    from graphsvc.explore.picture import picture_of_combinations

    match form:
        case Drawn.table:
            print_rows(combination_rows(found), form.plain, empty="no combination found")
            if left_out:
                print(left_out)
        case Drawn.jsonl:
            print_lines([combination_record(each) for each in found])
            if left_out:
                tell_limit(left_out, form.plain)
        case Drawn.svg | Drawn.dot:
            note = f"{len(found) - _DRAWN} more are not drawn" if len(found) > _DRAWN else ""
            note = "; ".join(each for each in (note, left_out) if each)
            draw(picture_of_combinations(found[:_DRAWN], note=note), form)
        case _:
            told = [combination_record(each) for each in found]
            print_json(
                {"combinations": [*told], "complete": not left_out, "truncated": bool(left_out), **stamp}
            )


def _tell_paths(found: list[Way], truncated: bool, titles: dict[str, str]) -> None:
    from graphsvc.cli.explored import told
    from graphsvc.explore.sentence import explained

    if not found:
        print("no path")
    for number, path in enumerate(found, 1):
        print(f"{number}. {told(path)}\n   {explained(path, titles)}")
    if truncated:
        print(_MORE_PATHS)
