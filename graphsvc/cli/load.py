"""What every `graphsvc import` ends with: compare, store all or nothing, and tell what was read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from graphsvc.cli.option import Place
from graphsvc.cli.output import Format, print_json, print_lines, progress
from graphsvc.core.value import Json

if TYPE_CHECKING:
    from graphsvc.cli.session import Admin
    from graphsvc.importers.difference import Change, Difference
    from graphsvc.importers.result import Imported

__all__ = ["Known", "Reader", "Target", "load"]

Known = Callable[[str], bool]
# Given which nodes the store holds, the facts of the input.
Reader = Callable[[Known], "Imported"]
_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Options of every import: whose facts they are, and how they are stored and told."""

    source: Annotated[
        str, typer.Option("--source", metavar="NAME", help="Whose facts these are; replaced as a whole.")
    ]
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read, and tell what would change; store nothing.")
    ] = False
    replace: Annotated[
        bool, typer.Option("--replace", help="Facts of this source that the files lack go.")
    ] = False
    form: Annotated[Format, typer.Option("--format", help="How to print the report.")] = Format.table


def load(read: Reader, to: Target, at: Place) -> None:
    """Store what is read (all or nothing) and print the account of it; with `dry_run` only print."""
    from graphsvc.errors import BadInput

    if not to.source.strip():
        raise BadInput("--source: must not be empty; name where the facts come from", field="source")
    imported, change, revision, untold = (_tried if to.dry_run else _stored)(read, to, at)
    _print(imported, change, revision, untold, to)


_Done = tuple["Imported", "Difference | None", str | None, str | None]


def _stored(read: Reader, to: Target, at: Place) -> _Done:
    from graphsvc.cli.session import run_admin
    from graphsvc.importers.difference import difference

    async def store(admin: Admin) -> _Done:
        held = {node.key for node in (await admin.facts())[0]} if at.server is None else None
        imported = read(lambda key: held is None or key in held)
        change = None
        if at.server is None:
            change = difference(
                await admin.source(to.source), (imported.nodes, imported.edges), replace=to.replace
            )
        with progress(f"importing {to.source}", len(imported.nodes) + len(imported.edges)) as advance:
            revision = await admin.load(
                to.source, imported.nodes, imported.edges, replace=to.replace, staged=advance
            )
        return imported, change, revision, _untold(at)

    return run_admin(store, at)


def _tried(read: Reader, to: Target, at: Place) -> _Done:
    """Read and compare; neither a store that is absent nor one that cannot be opened hinders reading."""
    from graphsvc.cli.session import run_admin
    from graphsvc.errors import StoreAbsent, StoreError, StoreUnavailable
    from graphsvc.importers.difference import difference

    if at.server is not None:
        return read(lambda _key: True), None, None, _untold(at)

    async def compare(admin: Admin) -> _Done:
        held = {node.key for node in (await admin.facts())[0]}
        imported = read(held.__contains__)
        change = difference(
            await admin.source(to.source), (imported.nodes, imported.edges), replace=to.replace
        )
        return imported, change, None, None

    try:
        return run_admin(compare, at, create=False)
    except StoreAbsent:
        imported = read(lambda _key: False)
        return (
            imported,
            difference(([], []), (imported.nodes, imported.edges), replace=to.replace),
            None,
            None,
        )
    except (StoreError, StoreUnavailable) as error:
        return read(lambda _key: True), None, None, f"not compared with the store: {error}"


def _untold(at: Place) -> str | None:
    return None if at.server is None else "not compared with the store: --server does not offer it"


def _print(
    imported: Imported, change: Difference | None, revision: str | None, untold: str | None, to: Target
) -> None:
    import msgspec

    report = imported.report
    record: dict[str, Json] = {
        "source": to.source,
        "revision": revision,
        "counts": dict(report.counts),
        "diff": msgspec.to_builtins(change),
        "skipped": [{"place": skip.place, "reason": skip.reason} for skip in report.skipped],
        "notes": [*report.notes, *([untold] if untold else [])],
        "incomplete": list(report.incomplete),
    }
    if to.form is Format.json:
        print_json(record)
        return
    if to.form is Format.jsonl:
        print_lines([record])
        return
    width = max((len(name) for name in report.counts), default=0)
    for name, count in report.counts.items():
        print(f"{name.replace('_', ' ').ljust(width)}  {count:>8,}")
    if change is not None:
        for name, part in (("nodes", change.nodes), ("edges", change.edges)):
            _tell(name, part, to)
    for title, texts in (
        ("skipped", [f"{skip.place}: {skip.reason}" for skip in report.skipped]),
        ("note", [*report.notes, *([untold] if untold else [])]),
        ("incomplete", list(report.incomplete)),
    ):
        for text in texts:
            print(f"{title}: {text}")
    print(
        f"imported `{to.source}` at revision {revision}"
        if revision
        else f"`{to.source}` was read only: nothing is stored"
    )


def _tell(name: str, part: Change, to: Target) -> None:
    signs = (("+", part.added), ("~", part.changed), ("-", part.removed))
    print(f"{name}: {len(part.added):,} added, {len(part.changed):,} changed, {len(part.removed):,} removed")
    if not to.dry_run:
        return
    for sign, facts in signs:
        for fact in facts[:_SHOWN]:
            print(f"  {sign} {fact}")
        if len(facts) > _SHOWN:
            print(f"  {sign} and {len(facts) - _SHOWN:,} more; `--format json` lists all")
