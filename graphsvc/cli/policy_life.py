"""`graphsvc policy`: trials, drafts, signatures, and what rules would have done."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated, cast

import typer

from graphsvc.cli.option import Place
from graphsvc.cli.output import Format, print_json, print_rows
from graphsvc.cli.spread import spread
from graphsvc.core.value import Json

__all__ = ["register"]

FormOption = Annotated[Format, typer.Option("--format", help="How to print.")]
CommentOption = Annotated[str, typer.Option(help="Why, for the record.")]
Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="Policy files, or folders of them.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(shadow)
    app.command()(trials)
    app.command()(draft)
    app.command()(drafts)
    app.command()(withdraw)
    app.command()(sign)
    app.command()(stopped)
    app.command()(reviews)


@spread
def shadow(
    *,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="A policy file.", show_default=False)
    ] = None,
    end: Annotated[str | None, typer.Option("--end", metavar="PACK", help="End the trial of a pack.")] = None,
    canary: Annotated[
        float, typer.Option(min=0, max=100, metavar="PERCENT", help="Of sessions in which it takes effect.")
    ] = 0.0,
    comment: CommentOption = "",
    at: Place,
) -> None:
    """Try a pack on live traffic: judged on every action beside the rules in force, without effect.

    With --canary it takes effect in a share of sessions, chosen by the hash of their names; it can only tighten there.
    What came of it: `graphsvc policy trials` and `graphsvc policy stopped`.

    \b
    Examples:
      graphsvc policy shadow draft.yaml
      graphsvc policy shadow draft.yaml --canary 5 --comment "a twentieth"
      graphsvc policy shadow --end payments
    """
    from graphsvc.cli.pack_file import read_packs
    from graphsvc.cli.ruling import ruling
    from graphsvc.cli.session import run_admin
    from graphsvc.core.policy.load import load_policy
    from graphsvc.errors import BadInput

    if (file is None) is (end is None):
        raise BadInput("give a policy FILE to try, or --end PACK", field="file")
    if end is not None:
        pack = end
        revision = run_admin(
            lambda admin: ruling(admin).end_trial(pack, comment),
            at,
        )
        print(f"ended the trial of {end} at revision {revision}")
        return
    assert file is not None
    packs = read_packs([file])
    if len(packs) != 1:
        raise BadInput(f"`{file}` holds {len(packs)} policy files; try one at a time", field="file")
    policy = load_policy(packs[0].text, packs[0].file)
    answer = run_admin(
        lambda admin: ruling(admin).shadow(packs[0], canary / 100, comment),
        at,
    )
    effect = f", in effect in {canary:g} % of sessions" if canary else ""
    print(f"trying {policy.pack.id} {policy.pack.version}{effect} from revision {answer['revision']}")
    for told in cast("list[str]", answer["unjudged"]):
        print(f"warning: not judged on trial: {told}", file=sys.stderr)


@spread
def trials(
    *,
    form: FormOption = Format.table,
    at: Place,
) -> None:
    """Packs on trial, and what came of them since.

    \b
    Examples:
      graphsvc policy trials
      graphsvc policy trials --format json --server http://127.0.0.1:8080 --token "$TOKEN"
    """
    from graphsvc.cli.ruling import ruling
    from graphsvc.cli.session import run_admin

    rows = run_admin(lambda admin: ruling(admin).trials(), at)
    if form is Format.table:
        names = ("pack", "version", "since", "canary", "decisions", "spoke", "denies", "escalates", "differs")
        rows = [{name: row[name] for name in names} for row in rows]
    print_rows(rows, form, empty="no pack is on trial; `graphsvc policy shadow FILE` begins one")


@spread
def draft(
    *,
    files: Files,
    comment: CommentOption = "",
    at: Place,
) -> None:
    """Hand packs in for somebody else to publish, with `graphsvc policy publish --draft ID`.

    \b
    Examples:
      graphsvc policy draft packs/payments.yaml --comment "two more steps" --server http://127.0.0.1:8080 --token "$TOKEN"
    """
    from graphsvc.cli.pack_file import read_packs
    from graphsvc.cli.ruling import ruling
    from graphsvc.cli.session import run_admin

    packs = read_packs(files)
    answer = run_admin(
        lambda admin: ruling(admin).draft(packs, comment),
        at,
    )
    print(answer["draft"])
    print(f"drafted at revision {answer['revision']}", file=sys.stderr)


@spread
def drafts(
    *,
    form: FormOption = Format.table,
    at: Place,
) -> None:
    """Packs that wait for somebody to publish them, newest first.

    \b
    Examples:
      graphsvc policy drafts --server http://127.0.0.1:8080 --token "$TOKEN"
    """
    from graphsvc.cli.ruling import ruling
    from graphsvc.cli.session import run_admin

    rows = run_admin(lambda admin: ruling(admin).drafts(), at)
    print_rows(rows, form, empty="no draft waits")


@spread
def withdraw(
    *,
    draft_id: Annotated[str, typer.Argument(metavar="DRAFT", help="The id of an open draft.")],
    comment: CommentOption = "",
    at: Place,
) -> None:
    """Take a draft back.

    \b
    Examples:
      graphsvc policy withdraw 0193a2... --server http://127.0.0.1:8080 --token "$TOKEN"
    """
    from graphsvc.cli.ruling import ruling
    from graphsvc.cli.session import run_admin

    revision = run_admin(
        lambda admin: ruling(admin).withdraw_draft(draft_id, comment),
        at,
    )
    print(f"withdrew {draft_id} at revision {revision}")


def sign(
    *,
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="FILE...", help="Policy files.", show_default=False)
    ] = None,
    key: Annotated[Path, typer.Option("--key", metavar="FILE", help="The private key; made with --new.")],
    new: Annotated[
        str | None,
        typer.Option("--new", metavar="NAME", help="Make the key, print its public half, sign nothing."),
    ] = None,
) -> None:
    """Sign packs with an Ed25519 key; each signature is written beside its file, as FILE.sig.

    A service whose settings name trusted keys (`[publishing] trusted_keys`) takes only packs that one of them signed.

    \b
    Examples:
      graphsvc policy sign --new rules-team --key rules.key
      graphsvc policy sign packs/payments.yaml --key rules.key
    """
    from graphsvc.cli.pack_file import make_key, read_key, sign_file
    from graphsvc.errors import BadInput

    if (new is None) is (not files):
        raise BadInput("give policy FILEs to sign, or --new NAME to make a key", field="file")
    if new is not None:
        print(make_key(new, key))
        return
    signing = read_key(key)
    for file in files or ():
        print(sign_file(file, signing))


@spread
def stopped(
    *,
    since: Annotated[str, typer.Option(metavar="WHEN", help="A time, or how long ago: 7d, 12h.")] = "7d",
    to: Annotated[str | None, typer.Option(metavar="WHEN", help="Until when; now if left out.")] = None,
    limit: Annotated[int, typer.Option(min=0, max=200, help="How many examples.")] = 20,
    form: FormOption = Format.table,
    at: Place,
) -> None:
    """What would have been stopped: by rules that are observed or on trial, or gone past in an emergency.

    \b
    Examples:
      graphsvc policy stopped
      graphsvc policy stopped --since 24h --limit 5
      graphsvc policy stopped --since 2026-11-01T00:00:00Z --format json
    """
    from graphsvc.cli.ruling import ruling
    from graphsvc.cli.session import run_admin

    from_ms, to_ms = _moment(since, "since"), _moment(to, "to") if to is not None else None
    found = run_admin(
        lambda admin: ruling(admin).stopped(from_ms, to_ms, limit),
        at,
    )
    if form is not Format.table:
        print_json(found) if form is Format.json else print_rows(
            cast("list[dict[str, Json]]", found["examples"]), form
        )
        return
    print(
        f"{found['decisions']:,} decisions; would have been stopped: {found['denied']:,} denied, "
        f"{found['escalated']:,} escalated"
    )
    for title, name in (("by rule", "byRule"), ("by identity", "byIdentity")):
        rows = cast("list[dict[str, Json]]", found[name])
        if rows:
            print(f"\n{title}")
            print_rows(rows, form)
    examples = cast("list[dict[str, Json]]", found["examples"])
    if examples:
        print("\nexamples" + (", the newest of them" if found["truncated"] else ""))
        names = ("at", "subject", "action", "resource", "answered", "wouldBe", "why", "rules")
        print_rows([{each: row[each] for each in names} for row in examples], form)


@spread
def reviews(
    *,
    since: Annotated[str, typer.Option(metavar="WHEN", help="A time, or how long ago: 7d, 12h.")] = "7d",
    form: FormOption = Format.table,
    at: Place,
) -> None:
    """How much work reviews are: per hundred actions, by rule, and how long they wait.

    \b
    Examples:
      graphsvc policy reviews --since 30d
      graphsvc policy reviews --format json --server http://127.0.0.1:8080 --token "$TOKEN"
    """
    from graphsvc.cli.ruling import ruling
    from graphsvc.cli.session import run_admin

    from_ms = _moment(since, "since")
    load = run_admin(
        lambda admin: ruling(admin).review_load(from_ms),
        at,
    )
    rows = cast("list[dict[str, Json]]", load["byRule"])
    if form is Format.json:
        print_json(load)
    elif form is not Format.table:
        print_rows(rows, form)
    else:
        print(
            f"{load['opened']:,} reviews of {load['actions']:,} actions, {load['per100']} per 100; "
            f"{load['waiting']:,} wait; {load['capped']:,} denied by a cap"
        )
        if load["medianMs"] is not None:
            median, p90 = cast("int", load["medianMs"]) / 1000, cast("int", load["p90Ms"]) / 1000
            print(f"answered after {median:,.0f} s (median), {p90:,.0f} s (nine of ten)")
        print_rows(rows, form, empty="no reviews")


def _moment(text: str, option: str) -> int:
    """A time as Unix milliseconds: RFC 3339, or how long ago."""
    from graphsvc.core.policy.scalar import parse_duration
    from graphsvc.core.value import parse_time
    from graphsvc.errors import BadInput

    try:
        return int(time.time() * 1000) - parse_duration(text)
    except ValueError:
        pass
    try:
        return parse_time(text)
    except BadInput:
        raise BadInput(
            f"--{option}: `{text}` is neither a time such as 2026-11-01T00:00:00Z nor a duration such as 7d",
            field=option,
        ) from None
