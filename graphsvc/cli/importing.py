"""`graphsvc import`: facts of one source into the graph, all or nothing, with an account of what was read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphsvc.cli.failure import ErrorGroup
from graphsvc.cli.option import ConfigOption, ServerOption, StoreOption, TokenOption
from graphsvc.cli.output import Format, print_json, print_lines, progress
from graphsvc.core.value import Json

if TYPE_CHECKING:
    from graphsvc.importers.result import Imported

__all__ = ["app"]

app = typer.Typer(
    cls=ErrorGroup,
    name="import",
    help="Load facts of one source.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Paths = Annotated[
    list[str], typer.Argument(metavar="PATH...", help="Files, gzip-compressed or not; `-` for one.")
]
Source = Annotated[
    str, typer.Option("--source", metavar="NAME", help="Whose facts these are; replaced as a whole.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Read and count; store nothing.")]
Replace = Annotated[bool, typer.Option("--replace", help="Facts of this source that the files lack go.")]
Lenient = Annotated[bool, typer.Option("--lenient", help="Leave malformed parts out and report them.")]
Form = Annotated[Format, typer.Option("--format", help="How to print the report.")]


@app.command()
def aws(
    *,
    paths: Paths,
    source: Source,
    managed_policies: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Documents of AWS managed policies that the dump may lack (JSON Lines)."
        ),
    ] = None,
    dry_run: DryRun = False,
    replace: Replace = False,
    lenient: Lenient = False,
    form: Form = Format.table,
    store: StoreOption = None,
    server: ServerOption = None,
    token: TokenOption = None,
    config: ConfigOption = None,
) -> None:
    """An AWS account: the output of `aws iam get-account-authorization-details`; several files are its pages.

    \b
    Examples:
      graphsvc import aws account.json --source aws-prod
      graphsvc import aws account.json --source aws-prod --dry-run --format json
      graphsvc import aws account.json --source aws-prod --replace
    """
    from graphsvc.cli.file import read_bytes
    from graphsvc.importers.aws import read, read_managed_policies

    managed = (
        read_managed_policies(read_bytes(managed_policies), managed_policies) if managed_policies else None
    )
    pages = [(read_bytes(path), path) for path in paths]
    (data, file), more = pages[0], pages[1:]
    imported = read(data, file, more=more, managed_policies=managed, strict=not lenient)
    _finish(
        imported,
        source,
        dry_run=dry_run,
        replace=replace,
        form=form,
        store=store,
        server=server,
        token=token,
        config=config,
    )


@app.command()
def cloudtrail(
    *,
    paths: Paths,
    source: Source,
    trace: Annotated[
        Path | None,
        typer.Option("--trace", metavar="FILE", help="Write the events as chains, for `graphsvc replay`."),
    ] = None,
    dry_run: DryRun = False,
    replace: Replace = False,
    form: Form = Format.table,
    store: StoreOption = None,
    server: ServerOption = None,
    token: TokenOption = None,
    config: ConfigOption = None,
) -> None:
    """The estate that CloudTrail events show: who acted, on what, with the rights that took.

    \b
    Examples:
      graphsvc import cloudtrail events.json --source trail
      graphsvc import cloudtrail events.json --source trail --trace events.jsonl
    """
    from graphsvc.cli.file import read_bytes
    from graphsvc.importers.cloudtrail import read_events, to_estate, to_trace

    events = [event for path in paths for event in read_events(read_bytes(path), path)]
    imported = to_estate(events)
    if trace is not None and not dry_run:
        import msgspec

        trace.write_bytes(b"".join(msgspec.json.encode(record) + b"\n" for record in to_trace(events)))
    _finish(
        imported,
        source,
        dry_run=dry_run,
        replace=replace,
        form=form,
        store=store,
        server=server,
        token=token,
        config=config,
    )


@app.command()
def jsonl(
    *,
    paths: Paths,
    source: Source,
    dry_run: DryRun = False,
    replace: Replace = False,
    lenient: Lenient = False,
    form: Form = Format.table,
    store: StoreOption = None,
    server: ServerOption = None,
    token: TokenOption = None,
    config: ConfigOption = None,
) -> None:
    """A graph in the interchange format, as `graphsvc export jsonl` writes it; edges may name nodes of the store.

    \b
    Examples:
      graphsvc import jsonl estate.jsonl --source hr
      graphsvc export jsonl | graphsvc import jsonl - --source copy --store sqlite:///copy.db
    """
    from graphsvc.cli.file import read_bytes
    from graphsvc.importers.graph_jsonl import read

    # Files are read one after the other, so that errors name theirs; edges may lead from one to another.
    texts = [(read_bytes(path), path) for path in paths]

    def build(known: Callable[[str], bool]) -> Imported:
        loose = [read(data, path, strict=not lenient, known=lambda _key: True) for data, path in texts]
        keys = {node.key for part in loose for node in part.nodes}
        parts = [
            read(data, path, strict=not lenient, known=lambda key: key in keys or known(key))
            for data, path in texts
        ]
        return _merged(parts)

    _finish(
        build,
        source,
        dry_run=dry_run,
        replace=replace,
        form=form,
        store=store,
        server=server,
        token=token,
        config=config,
    )


def _merged(parts: Sequence[Imported]) -> Imported:
    from collections import Counter

    from graphsvc.importers.result import Imported as Result
    from graphsvc.importers.result import Report

    if len(parts) == 1:
        return parts[0]
    counts: Counter[str] = Counter()
    for part in parts:
        counts.update(part.report.counts)
    report = Report(
        counts=dict(sorted(counts.items())),
        skipped=tuple(skip for part in parts for skip in part.report.skipped),
        notes=tuple(note for part in parts for note in part.report.notes),
        incomplete=tuple(text for part in parts for text in part.report.incomplete),
    )
    nodes = tuple(node for part in parts for node in part.nodes)
    return Result(nodes=nodes, edges=tuple(edge for part in parts for edge in part.edges), report=report)


def _finish(
    what: Imported | Callable[[Callable[[str], bool]], Imported],
    source: str,
    *,
    dry_run: bool,
    replace: bool,
    form: Format,
    store: str | None,
    server: str | None,
    token: str | None,
    config: Path | None,
) -> None:
    """Store what was read (all or nothing) and print the account of it."""
    from graphsvc.cli.session import Admin, run_admin
    from graphsvc.errors import BadInput

    if not source.strip():
        raise BadInput("--source: must not be empty; name where the facts come from", field="source")

    async def load(admin: Admin) -> tuple[Imported, str]:
        if callable(what):
            held = {node.key for node in (await admin.facts())[0]} if server is None else None
            imported = what(lambda key: held is None or key in held)
        else:
            imported = what
        return imported, await admin.load(source, imported.nodes, imported.edges, replace=replace)

    revision: str | None = None
    if dry_run:
        imported = what(lambda _key: True) if callable(what) else what
    else:
        with progress(f"importing {source}") as advance:
            imported, revision = run_admin(load, store=store, server=server, token=token, config=config)
            advance()
    _print(imported, source, revision, form)


def _print(imported: Imported, source: str, revision: str | None, form: Format) -> None:
    report = imported.report
    record: dict[str, Json] = {
        "source": source,
        "revision": revision,
        "counts": dict(report.counts),
        "skipped": [{"place": skip.place, "reason": skip.reason} for skip in report.skipped],
        "notes": list(report.notes),
        "incomplete": list(report.incomplete),
    }
    if form is Format.json:
        print_json(record)
        return
    if form is Format.jsonl:
        print_lines([record])
        return
    width = max((len(name) for name in report.counts), default=0)
    for name, count in report.counts.items():
        print(f"{name.replace('_', ' ').ljust(width)}  {count:>8,}")
    for title, texts in (
        ("skipped", [f"{skip.place}: {skip.reason}" for skip in report.skipped]),
        ("note", list(report.notes)),
        ("incomplete", list(report.incomplete)),
    ):
        for text in texts:
            print(f"{title}: {text}")
    print(
        f"imported `{source}` at revision {revision}"
        if revision
        else f"`{source}` was read only: nothing is stored"
    )
