"""`graphsvc audit`: is the log still what was written, what can be handed to an auditor, and under which key."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphsvc.cli.failure import ErrorGroup
from graphsvc.cli.option import ConfigOption, StoreOption
from graphsvc.cli.output import Format, print_rows, warn
from graphsvc.core.value import Json

if TYPE_CHECKING:
    from graphsvc.core.audit.bundle import Checked
    from graphsvc.core.audit.note import VerifierKey
    from graphsvc.decide.audit import AuditLog

__all__ = ["app"]

app = typer.Typer(
    cls=ErrorGroup,
    name="audit",
    help="Prove what was decided, and find what was tampered with.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


class ReportFormat(StrEnum):
    """How a report is written."""

    markdown = "markdown"
    html = "html"
    json = "json"


From = Annotated[str | None, typer.Option("--from", metavar="TIME", help="RFC 3339, inclusive.")]
To = Annotated[str | None, typer.Option("--to", metavar="TIME", help="RFC 3339, exclusive.")]


@app.command()
def verify(
    *,
    export: Annotated[
        Path | None,
        typer.Argument(metavar="[EXPORT]", help="An export to check offline; the store if not given."),
    ] = None,
    key: Annotated[
        str | None, typer.Option("--key", metavar="KEY", help="The key to trust, or a file that holds it.")
    ] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option("--checkpoint", metavar="FILE", help="A checkpoint kept elsewhere, for the store."),
    ] = None,
    whole: Annotated[
        bool,
        typer.Option("--whole", help="Of EXPORT: refuse missing records that nobody signed as cut off."),
    ] = False,
    form: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.table,
    store: StoreOption = None,
    config: ConfigOption = None,
) -> None:
    """Find every changed, missing, added or moved record; exit 1 when there is one.

    Without EXPORT the store is read, each record compared with its leaf, and all of them with the last signed
    checkpoint. With EXPORT nothing else is needed: neither the store nor a network. A log that does not begin with its
    first record is genuine only when a key of the log signed that the others were cut off (`audit truncate`).

    \b
    Examples:
      graphsvc audit verify
      graphsvc audit verify evidence.zip --key "graphsvc/4f2a...+5c1b2d3e+AQ..."
      graphsvc audit verify --checkpoint /mnt/usb/checkpoint.txt
    """
    pinned = _key(key) if key is not None else None
    if export is not None:
        _verify_export(export, pinned, form, whole=whole)
    else:
        _verify_store(pinned, checkpoint, form, store, config)


@app.command()
def export(
    *,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="PATH", help="A new folder, or a file ending in .zip.")
    ],
    start: From = None,
    end: To = None,
    decision: Annotated[
        str | None, typer.Option("--decision", metavar="ID", help="This decision alone.")
    ] = None,
    since: Annotated[
        list[Path] | None,
        typer.Option(
            "--since", metavar="FILE", help="An earlier checkpoint: prove that the log continues it."
        ),
    ] = None,
    store: StoreOption = None,
    config: ConfigOption = None,
) -> None:
    """Write records, a signed checkpoint and proofs, for somebody who trusts neither us nor our store.

    --from and --to choose an unbroken run of records, from the first in that time to the last.

    \b
    Examples:
      graphsvc audit export -o evidence
      graphsvc audit export -o november.zip --from 2026-11-01T00:00:00Z --to 2026-12-01T00:00:00Z
      graphsvc audit export -o newer.zip --since evidence/checkpoint.txt
    """
    from graphsvc.cli.auditing import exported, with_audit
    from graphsvc.cli.session import run
    from graphsvc.core.value import parse_time

    from_ms = parse_time(start, field="--from") if start else None
    to_ms = parse_time(end, field="--to") if end else None
    told = run(
        with_audit(lambda log: exported(log, output, from_ms, to_ms, decision, since or []), store, config)
    )
    print(told, file=sys.stderr)


@app.command()
def report(
    *,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Default: standard output.")
    ] = None,
    start: From = None,
    end: To = None,
    form: Annotated[
        ReportFormat, typer.Option("--format", help="markdown or html for people, json for programs.")
    ] = ReportFormat.markdown,
    store: StoreOption = None,
    config: ConfigOption = None,
) -> None:
    """Say who acted for whom by which right, what was stopped, reviewed, granted, withdrawn and published in a time:
    evidence for NIS2, articles 21 and 23.

    The store is checked first, as `audit verify` does. A log that is not genuine is told in the report, and the exit
    code is 1.

    \b
    Examples:
      graphsvc audit report
      graphsvc audit report -o november.md --from 2026-11-01T00:00:00Z --to 2026-12-01T00:00:00Z
      graphsvc audit report --format html -o november.html --from 2026-11-01T00:00:00Z
      graphsvc audit report --format json
    """
    import msgspec

    from graphsvc.cli.audit_render import as_html, as_markdown
    from graphsvc.cli.audit_report import chapters
    from graphsvc.cli.auditing import reported
    from graphsvc.cli.session import run
    from graphsvc.core.value import parse_time

    from_ms = parse_time(start, field="--from") if start else None
    to_ms = parse_time(end, field="--to") if end else None
    found, integrity = run(reported(from_ms, to_ms, store, config))
    if form is ReportFormat.json:
        document = {"integrity": integrity, "report": found}
        text = msgspec.json.format(msgspec.json.encode(document)).decode() + "\n"
    else:
        document_of = as_html if form is ReportFormat.html else as_markdown
        text = document_of(chapters(found, integrity, (start, end)))
    if output is None:
        sys.stdout.write(text)
    else:
        output.write_text(text, encoding="utf-8")
        print(f"{found.records} records reported in {output}", file=sys.stderr)
    if integrity.problems:
        raise typer.Exit(1)


@app.command()
def truncate(
    *,
    before: Annotated[
        str,
        typer.Option(
            "--before", metavar="TIME", help="RFC 3339: what is older may go. Or an age such as 90d."
        ),
    ],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="The archive, a new .zip file.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    store: StoreOption = None,
    config: ConfigOption = None,
) -> None:
    """Move the oldest records out of the store into an archive, and sign that they are gone.

    The archive holds the records, their proofs and what `restore` needs; it is read back and checked before anything is
    removed. What the records mean stays: rights, rules, chains that are open. Ended chains leave the drawn graph.
    What is left verifies as before, and `audit verify` refuses a log that begins later without a signed statement.

    The service must not run on a SQLite store meanwhile; on Neo4j it may. Settings `retention.days` and
    `retention.archive` make a running service do this by itself every day.

    \b
    Examples:
      graphsvc audit truncate --before 365d --dry-run
      graphsvc audit truncate --before 2026-01-01T00:00:00Z -o 2025.zip
      graphsvc audit verify 2025.zip --key audit.pub
      graphsvc restore 2025.zip today.backup --store sqlite:///whole.db
    """
    from graphsvc.cli.auditing import truncated
    from graphsvc.cli.session import run
    from graphsvc.core.value import format_time
    from graphsvc.errors import BadInput

    if output is None and not dry_run:
        raise BadInput("-o: name the archive, or say --dry-run", field="output")
    found, statement = run(truncated(_older(before), None if dry_run else output, store, config))
    if found is None:
        print(f"nothing is older than {before}")
        return
    what = (
        f"records {found.first} to {found.last} of {found.size} ({found.decisions} decisions), "
        f"the newest of {format_time(found.newest_ms)}"
    )
    if statement is None:
        print(f"would go: {what}")
    else:
        print(f"cut off: {what}; they are in {output}, sha256 {statement.archive}")


def _older(before: str) -> int:
    import time

    from graphsvc.core.duration import parse_duration
    from graphsvc.core.value import parse_time
    from graphsvc.errors import BadInput

    if "T" in before:
        return parse_time(before, field="--before")
    try:
        return time.time_ns() // 1_000_000 - parse_duration(before)
    except ValueError as error:
        raise BadInput(f"--before: {error}; or name a time in RFC 3339", field="before") from None


@app.command()
def key(
    *,
    rotate: Annotated[
        bool, typer.Option("--rotate", help="Retire the key; the new one is vouched for by it.")
    ] = False,
    store: StoreOption = None,
    config: ConfigOption = None,
) -> None:
    """Print the key that signs now, for `--key`; publish it where an auditor finds it.

    \b
    Examples:
      graphsvc audit key
      graphsvc audit key --rotate
    """
    from graphsvc.cli.auditing import with_audit
    from graphsvc.cli.session import run
    from graphsvc.core.audit.key import KeyHistory

    async def ask(log: AuditLog) -> KeyHistory:
        return await log.rotate() if rotate else (await log.checkpoint()).keys

    print(run(with_audit(ask, store, config)).newest)


def _key(given: str) -> VerifierKey:
    from graphsvc.core.audit.note import VerifierKey
    from graphsvc.errors import BadInput

    text = given
    if "+" not in given or Path(given).is_file():
        text = Path(given).read_text(encoding="utf-8")
    try:
        return VerifierKey.parse(text)
    except BadInput as error:
        raise BadInput(f"--key: `{given}` {error}", field="key") from None


def _verify_export(path: Path, pinned: VerifierKey | None, form: Format, *, whole: bool) -> None:
    from graphsvc.core.audit.bundle import check_bundle
    from graphsvc.decide.bundle import read_bundle

    read = read_bundle(path)
    found = check_bundle(
        read.leaves, read.listed, read.checkpoint, read.keys, read.proofs, pinned, whole=whole
    )
    found.problems[:0] = read.problems
    _tell(found, len(read.leaves), form)


def _tell(found: Checked, count: int, form: Format) -> None:
    row: dict[str, Json] = {
        "ok": found.ok, "records": count, "first": found.first, "last": found.last, "size": found.size,
        "complete": found.is_complete, "origin": found.origin, "root": found.root, "key": found.key,
        "pinned": found.is_pinned, "removed": found.removed, "removed_at": found.removed_at, "changed": [*found.changed], "problems": [*found.problems],
    }  # fmt: skip
    if form is not Format.table:
        print_rows([row], form)
    elif found.ok:
        whole = (
            "all there are" if found.is_complete else f"records {found.first} to {found.last} of {found.size}"
        ) + _cut_off(found.removed, found.removed_at)
        print(f"genuine: {count} records, {whole}, of {found.origin}, signed by {found.key}")
    else:
        print("\n".join(f"NOT genuine: {problem}" for problem in found.problems))
    if found.ok and not found.is_pinned:
        warn(
            "the key came with the export: give the key that you trust with --key, or anybody may have made it"
        )
    if not found.ok:
        raise typer.Exit(1)


def _cut_off(removed: int, at: str) -> str:
    return f", the first {removed} cut off by a signed statement of {at}" if removed else ""


def _verify_store(
    pinned: VerifierKey | None, checkpoint: Path | None, form: Format, store: str | None, config: Path | None
) -> None:
    from graphsvc.cli.auditing import checked_store
    from graphsvc.cli.session import run

    kept = checkpoint.read_bytes() if checkpoint is not None else None
    found, key = run(checked_store(pinned, kept, store, config))
    row: dict[str, Json] = {
        "ok": found.ok, "records": found.size, "signed": found.signed, "key": key, "removed": found.removed,
        "changed": [*found.changed], "problems": [*found.problems],
    }  # fmt: skip
    if form is not Format.table:
        print_rows([row], form)
    elif found.ok:
        cut = _cut_off(found.removed, found.removed_at)
        print(f"genuine: {found.size} records, the first {found.signed} as signed by {key or 'nobody'}{cut}")
    else:
        print("\n".join(f"TAMPERED WITH: {problem}" for problem in found.problems))
    if found.ok and found.size > found.signed:
        warn(
            f"{found.size - found.signed} records are not signed yet: whoever can write to the store could change them"
        )
    if not found.ok:
        raise typer.Exit(1)
