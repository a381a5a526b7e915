"""`graphsvc policy diff`: what other packs would change, by meaning and in past decisions."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, cast

import msgspec
import typer

from graphsvc.cli.option import Place
from graphsvc.cli.output import Format, print_json, print_rows
from graphsvc.cli.spread import spread
from graphsvc.core.value import Json

__all__ = ["diff"]

_SIGNS = {"added": "+", "removed": "-", "changed": "~"}
_MAX_SHOWN = 60


@spread
def diff(
    *,
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE...", help="Policy files, or folders of them.", show_default=False),
    ] = None,
    replay: Annotated[
        bool,
        typer.Option(
            "--replay", help="Which past decisions would have been different, for whom, with examples."
        ),
    ] = False,
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of", metavar="REVISION", help="With --replay, by the packs of then instead of FILEs."
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=0, max=200, help="With --replay: how many examples.")] = 20,
    form: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.table,
    at: Place,
) -> None:
    """What publishing these files would change of what is in force, by meaning; nothing is published.

    With --replay stored history is judged again: by the packs in force, and as if these files were in force too.

    \b
    Examples:
      graphsvc policy diff packs/agents.yaml
      graphsvc policy diff packs/ --format json
      graphsvc policy diff packs/agents.yaml --replay
      graphsvc policy diff --replay --as-of 9f3c.120 --server http://127.0.0.1:8080 --token "$TOKEN"
    """
    from graphsvc.cli.file import read_texts
    from graphsvc.cli.session import run_admin
    from graphsvc.core.policy.diff import policy_changes
    from graphsvc.core.policy.load import load_policies, load_policy
    from graphsvc.errors import BadInput

    if replay:
        _replay_diff(files or [], as_of, limit, form, at)
        return
    if not files or as_of is not None:
        raise BadInput("give policy FILEs; --as-of goes with --replay", field="file")
    new = load_policies(read_texts(files))
    held, _ = run_admin(lambda admin: admin.packs(), at)
    changes = policy_changes([load_policy(text, file) for text, file in held], new)
    if form is not Format.table:
        print_rows([msgspec.to_builtins(change) for change in changes], form)
        return
    for change in changes:
        print(f"{_SIGNS[change.kind]} {change.what} {change.name} ({change.pack})")
        for field in change.fields:
            print(f"    {field.path or change.what}: {_short(field.old)} -> {_short(field.new)}")
    if not changes:
        print("nothing would change")


def _replay_diff(
    files: list[Path],
    as_of: str | None,
    limit: int,
    form: Format,
    at: Place,
) -> None:
    from graphsvc.cli.pack_file import read_packs
    from graphsvc.cli.ruling import ruling
    from graphsvc.cli.session import run_admin
    from graphsvc.errors import BadInput

    if bool(files) is (as_of is not None):
        raise BadInput("give policy FILEs to judge history by, or --as-of REVISION", field="file")
    packs = read_packs(files)
    found = run_admin(
        lambda admin: ruling(admin).replay_diff(packs, as_of, None, None, limit),
        at,
    )
    if form is Format.json:
        print_json(found)
        return
    examples = cast("list[dict[str, Json]]", found["examples"])
    if form is not Format.table:
        print_rows(examples, form)
        return
    print(f"{found['decisions']:,} decisions, {found['differing']:,} differ")
    if found["undecidable"]:
        print(f"{found['undecidable']:,} cannot be judged: nobody asked for these attributes then")
        print_rows(cast("list[dict[str, Json]]", found["unstored"]), form)
    if not found["complete"]:
        print("warning: the time was over before all of history was judged", file=sys.stderr)
    for title, name in (("verdicts", "moves"), ("identities", "identities"), ("patterns", "patterns")):
        rows = cast("list[dict[str, Json]]", found[name])
        if rows:
            print(f"\n{title}")
            print_rows(rows, form)
    if examples:
        print("\nexamples" + (", the oldest of them" if found["differing"] != len(examples) else ""))
        names = (
            "at",
            "subject",
            "action",
            "resource",
            "before",
            "after",
            "completedBefore",
            "completedAfter",
        )
        print_rows([{each: row[each] for each in names} for row in examples], form)


def _short(value: object) -> str:
    text = "none" if value is None else msgspec.json.encode(value).decode()
    return text if len(text) <= _MAX_SHOWN else f"{text[: _MAX_SHOWN - 1]}…"
