"""`graphsvc explore choke-points` and `cut`: where ways to something are narrow, and what closes them all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from graphsvc.cli.budget import Budget
from graphsvc.cli.explore_option import Drawn, DrawnForm, Limited, draw
from graphsvc.cli.option import Place
from graphsvc.cli.output import Format
from graphsvc.cli.spread import spread

if TYPE_CHECKING:
    from graphsvc.core.value import Json
    from graphsvc.explore.choke import ChokePoint
    from graphsvc.explore.cut import Cut
    from graphsvc.explore.picture import Picture

__all__ = ["register"]

# More in one picture is no picture.
_DRAWN, _POINTS = 8, 12
# How much longer a step may take after which a search tells how far it came, rather than nothing.
_GRACE_S = 1.0

To = Annotated[str, typer.Option("--to", metavar="tier:NAME|admin|ID", help="Where the ways lead.")]
Starts = Annotated[
    list[str] | None,
    typer.Option("--from", metavar="ID", help="Only ways of this identity; may be repeated."),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(name="choke-points")(find_choke_points)
    app.command(name="cut")(find_cut)


@spread
def find_choke_points(
    *,
    to: To = "admin",
    start: Starts = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="At most so many rows.")] = 50,
    scope: Limited,
    form: DrawnForm = Drawn.table,
    at: Place,
) -> None:
    """Nodes and hops that every way of many identities to something goes through.

    A node that cuts off 40 of 50 identities is where one change helps most. Exit 1 when nobody gets there.

    \b
    Examples:
      graphsvc explore choke-points --to admin
      graphsvc explore choke-points --to tier:crown-jewel --format json
      graphsvc explore choke-points --to admin --format svg > narrow.svg
    """
    from graphsvc.cli.explored import look
    from graphsvc.cli.output import print_json, print_rows, tell_limit
    from graphsvc.explore.choke import choke_points
    from graphsvc.explore.choke_picture import picture_of_choke_points
    from graphsvc.explore.naming import identity_named, wanted
    from graphsvc.explore.way_graph import way_graph

    budget = Budget(scope.seconds)
    view, revision = look(scope.policy, at, budget)
    starts = [identity_named(view, each, "from") for each in start] if start else view.identities()
    with budget.holds("looking for choke points"):
        graph = way_graph(view, starts)
        # What one alone comes through is no place where a picture helps.
        most, least = (min(limit, _POINTS), 2) if form in (Drawn.svg, Drawn.dot) else (limit, 1)
        found = choke_points(graph, starts, wanted(view, to), limit=most, least=least)
    rows = [_point(each, found.sources) for each in found.points]
    if form in (Drawn.svg, Drawn.dot):
        draw(picture_of_choke_points(found, to), form)
    elif form is Drawn.json:
        print_json(
            {
                "to": to,
                "choke_points": rows,
                "sources": found.sources,
                "truncated": found.truncated,
                "revision": revision,
                "packs": view.stamp(),
            }
        )
    else:
        empty = "no choke point: everybody has more than one way" if found.sources else "nobody gets there"
        shown = [
            {**row, "such_as": each.such_as[0].removeprefix("identity:")}
            for row, each in zip(rows, found.points, strict=True)
        ]
        print_rows(shown, form.plain, empty=empty)
        if found.truncated:
            tell_limit(f"more than {limit} points: the rest is left out; raise --limit", form.plain)
    if not found.sources:
        raise typer.Exit(1)


@spread
def find_cut(
    *,
    to: To = "admin",
    start: Starts = None,
    pin: Annotated[
        list[str] | None,
        typer.Option("--pin", metavar="GRANT", help="An edge that must stay; may be repeated."),
    ] = None,
    budget: Annotated[
        int | None,
        typer.Option("--budget", metavar="N", min=1, help="Exit 1 when it takes more than N grants."),
    ] = None,
    scope: Limited,
    form: DrawnForm = Drawn.table,
    at: Place,
) -> None:
    """The smallest set of grants whose removal leaves no way to something; nothing is changed.

    Grants are edges that somebody gave: GRANTED, MEMBER_OF, HAS_ROLE, INHERITS, CAN_ASSUME. The answer says whether it is
    proven that fewer do not suffice. Exit 1 when it cannot be done: by pinned grants, the budget, or the time.

    \b
    Examples:
      graphsvc explore cut --to tier:crown-jewel
      graphsvc explore cut --to admin --pin "identity:root -GRANTED-> permission:all" --budget 5
      graphsvc explore cut --to tier:crown-jewel --from bot --format json
      graphsvc explore cut --to admin --format svg > cut.svg
    """
    from graphsvc.cli.explored import indexed, read_estate
    from graphsvc.cli.output import print_json, print_rows, tell_limit
    from graphsvc.explore.cut import cut
    from graphsvc.explore.naming import identity_named, wanted
    from graphsvc.explore.what_if import edge_from_text

    kept = [edge_from_text(text, "pin") for text in pin or ()]
    clock = Budget(scope.seconds)
    nodes, edges, policies, revision = read_estate(scope.policy, at, clock)
    view = indexed(nodes, edges, policies, clock)
    with clock.holds("looking for a cut", grace_s=_GRACE_S):
        found = cut(
            nodes,
            edges,
            policies,
            lambda view: (
                [identity_named(view, each, "from") for each in start] if start else view.identities()
            ),
            lambda view: wanted(view, to),
            pinned=[(edge.type, edge.start, edge.end) for edge in kept],
            is_over=clock.is_over,
            left_s=clock.left_s,
            view=view,
        )
    # What ran out of time on the way is no cut.
    rows = _cut_rows(found) if found.removed is not None and not found.truncated else None
    over = budget is not None and (found.at_least if rows is None else len(rows)) > budget
    if form is Drawn.json:
        within = None if budget is None else rows is not None and not over
        packs: dict[str, Json] = {each.pack.id: each.pack.version for each in policies}
        print_json(
            {"to": to, **_record(found, rows), "within_budget": within, "revision": revision, "packs": packs}
        )
    elif form is Drawn.table:
        _tell(found, rows)
        if over:
            print(f"more than the budget of {budget}")
    elif form in (Drawn.svg, Drawn.dot):
        draw(_picture(found, to), form)
    else:
        print_rows(rows or [], form.plain, empty="")
        if rows is None:
            tell_limit(_why_none(found), form.plain)
    if rows is None or over:
        raise typer.Exit(1)


def _record(found: Cut, rows: list[dict[str, Json]] | None) -> dict[str, Json]:
    from graphsvc.cli.explored import path_record

    return {
        "cut": None if rows is None else [*rows],
        "size": None if rows is None else len(rows),
        "lower_bound": found.at_least,
        "proven": found.proven,
        "uncut": None if found.uncut is None else path_record(found.uncut),
        "sources": found.sources,
        "truncated": found.truncated,
    }


def _picture(found: Cut, to: str) -> Picture:
    from graphsvc.explore.picture import counted, picture_of_cut

    ways = list(found.ways)
    if found.uncut is not None:
        title, ways = (
            f"No cut keeps everybody from {to}: this way stands on nothing that may be removed",
            [found.uncut],
        )
    else:
        title = f"{counted(len(found.removed or ()), 'grant')} to remove, so that nobody gets to {to}"
    note = f"{len(ways) - _DRAWN} more ways are not drawn" if len(ways) > _DRAWN else ""
    drawn = ways[:_DRAWN]
    nodes = {node for way in drawn for hop in way.hops for node in (hop.start, hop.end)}
    removed = [edge for edge in found.removed or () if edge[1] in nodes or edge[2] in nodes]
    return picture_of_cut(removed, drawn, _DRAWN, title=title, note=note)


def _tell(found: Cut, rows: list[dict[str, Json]] | None) -> None:
    from graphsvc.cli.explored import told
    from graphsvc.cli.output import print_rows
    from graphsvc.explore.picture import counted

    if rows is not None:
        print_rows(rows, Format.table, empty="nobody gets there: nothing to remove")
        if rows:
            proof = (
                "proven: fewer do not suffice" if found.proven else f"at least {found.at_least} are needed"
            )
            closed = "closes" if len(rows) == 1 else "close"
            whose = counted(found.sources, "identity", "identities")
            print(f"{counted(len(rows), 'grant')} {closed} the ways of {whose}; {proof}")
    else:
        print(_why_none(found))
        if found.uncut is not None:
            print(told(found.uncut))


def _why_none(found: Cut) -> str:
    if found.uncut is not None:
        return "no cut: this way stands on nothing that may be removed"
    return f"the time ran out; at least {found.at_least} grants are needed; raise --time"


def _cut_rows(found: Cut) -> list[dict[str, Json]]:
    rows: list[dict[str, Json]] = [
        {"type": kind, "from": begin, "to": end, "ways": found.severed.get((kind, begin, end), 0)}
        for kind, begin, end in found.removed or ()
    ]
    return sorted(rows, key=lambda row: (-int(str(row["ways"])), str(row["from"]), str(row["to"])))


def _point(point: ChokePoint, sources: int) -> dict[str, Json]:
    name = (point.node or "").removeprefix("identity:")
    if point.node is None:
        start, end = ((each or "").removeprefix("identity:") for each in (point.start, point.end))
        name = f"{start} -> {end}"
    return {
        "point": name,
        "kind": "hop" if point.node is None else point.node.partition(":")[0],
        "how": point.how,
        "cuts_off": point.cuts_off,
        "share": round(point.cuts_off / sources, 3),
        "such_as": [each.removeprefix("identity:") for each in point.such_as],
    }
