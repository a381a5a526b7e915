"""`graphsvc policy`: the life of rule packs, from a file to the store."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from graphsvc.cli.failure import ErrorGroup
from graphsvc.cli.option import Place
from graphsvc.cli.output import Format, print_json, print_rows
from graphsvc.cli.policy_diff import diff
from graphsvc.cli.policy_life import register as register_life
from graphsvc.cli.spread import spread
from graphsvc.cli.tool import schema, suggest, tools
from graphsvc.core.value import Json

__all__ = ["app"]

app = typer.Typer(
    cls=ErrorGroup,
    name="policy",
    help="Check, test and publish rule packs.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="Policy files, or folders of them.")]


@app.command()
@spread
def lint(
    *,
    files: Files,
    fail_on: Annotated[
        str,
        typer.Option(metavar="SEVERITY", help="Exit 1 from this severity on: info, warning, error or never."),
    ] = "warning",
    graph: Annotated[
        list[str] | None,
        typer.Option("--graph", metavar="GRAPH.jsonl", help="Also find steps that nobody in it may do."),
    ] = None,
    at: Place,
    form: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.table,
) -> None:
    """Find what is refused and what is doubtful, with file, line and column.

    \b
    Examples:
      graphsvc policy lint packs/agents.yaml
      graphsvc policy lint packs/agents.yaml --graph estate.jsonl
      graphsvc policy lint packs/agents.yaml --store sqlite:///graphsvc.db
      graphsvc policy lint packs/ --format json --fail-on never
    """
    from graphsvc.cli.file import read_texts
    from graphsvc.core.policy.lint import lint as find
    from graphsvc.core.policy.load import load_policy, problems, set_problems
    from graphsvc.errors import BadInput

    ranks = {"info": 0, "warning": 1, "error": 2, "never": 3}
    if fail_on not in ranks:
        raise BadInput(f"--fail-on: `{fail_on}` is none of {', '.join(ranks)}", field="fail_on")
    texts = read_texts(files)
    refused = [problem for text, file in texts for problem in problems(text, file)]
    findings: list[Any] = []
    if not refused:
        policies = tuple(load_policy(text, file) for text, file in texts)
        refused = set_problems(policies)
        findings = find(policies)
        if not refused and (graph or at.store or at.server):
            from graphsvc.cli.estate import lint_estate

            findings += lint_estate(policies, graph or (), at)
            findings.sort()
    rows: list[dict[str, Json]] = [
        {
            "file": each.file, "line": each.line, "column": each.column, "severity": "error", "code": each.rule,
            "message": each.reason,
        }
        for each in refused
    ]  # fmt: skip
    rows += [
        {
            "file": each.file, "line": each.line, "column": each.column, "severity": each.severity, "code": each.code,
            "message": each.message,
        }
        for each in findings
    ]  # fmt: skip
    if form is Format.table:
        for row in rows:
            print("{file}:{line}:{column}: {severity}: {message} [{code}]".format(**row))
        if not rows:
            print(f"{len(texts)} file{'s' if len(texts) != 1 else ''}: nothing to report")
    else:
        print_rows(rows, form)
    if refused:
        raise typer.Exit(2)
    if any(ranks.get(str(row["severity"]), 1) >= ranks[fail_on] for row in rows):
        raise typer.Exit(1)


@app.command(name="test")
def run_pack_tests(
    files: Files,
    coverage: Annotated[
        bool, typer.Option("--coverage", help="Also show what of the rules the tests exercise.")
    ] = False,
    min_coverage: Annotated[
        float | None,
        typer.Option(
            metavar="PERCENT",
            min=0,
            max=100,
            help="Exit 1 when less of the patterns, steps and guards is covered.",
        ),
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.table,
) -> None:
    """Run the tests inside policy files; all files are in force together.

    A pattern is covered when a test completes it; a step, count or guard when an event of a test matches it.

    \b
    Examples:
      graphsvc policy test packs/agents.yaml
      graphsvc policy test packs/ --coverage
      graphsvc policy test packs/ --min-coverage 90 --format json
    """
    from graphsvc.cli.coverage import Coverage
    from graphsvc.cli.file import read_policies
    from graphsvc.cli.scenario import run_tests

    policies = read_policies(files)
    covering = Coverage(policies)
    ran, failures = run_tests(policies, covering)
    percent = covering.percent()
    if form is Format.table:
        for failure in failures:
            print(failure)
        print(f"{ran} tests, {len({(each.file, each.test) for each in failures})} failed")
        if coverage or min_coverage is not None:
            print_rows(covering.rows(), form, empty="no patterns")
            parts = covering.parts()
            print(f"covered: {sum(each.covered for each in parts)} of {len(parts)} parts, {percent:.1f} %")
    else:
        rows: list[dict[str, Json]] = [
            {
                "file": each.file, "line": each.line, "column": each.column, "test": each.test,
                "message": each.message,
            }
            for each in failures
        ]  # fmt: skip
        if form is Format.json:
            print_json({"tests": ran, "failures": rows, "coverage": covering.as_json()})
        else:
            print_rows(rows, form)
    if not ran:
        print("warning: the files hold no tests", file=sys.stderr)
    is_thin = min_coverage is not None and percent < min_coverage
    if is_thin:
        print(f"coverage {percent:.1f} % is below {min_coverage:g} %", file=sys.stderr)
        for part in covering.parts():
            if not part.covered:
                print(part, file=sys.stderr)
    if failures or is_thin:
        raise typer.Exit(1)


app.command()(tools)
app.command()(suggest)
app.command()(schema)


@app.command()
@spread
def publish(
    *,
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE...", help="Policy files, or folders of them.", show_default=False),
    ] = None,
    draft: Annotated[
        str | None,
        typer.Option("--draft", metavar="ID", help="Publish what `graphsvc policy draft` handed in."),
    ] = None,
    comment: Annotated[str, typer.Option(help="Why, for the record.")] = "",
    at: Place,
) -> None:
    """Put packs into force, all of them at one place of the log; packs of the same id are replaced.

    \b
    Examples:
      graphsvc policy publish packs/agents.yaml --comment "first version"
      graphsvc policy publish packs/ --server http://127.0.0.1:8080 --token "$TOKEN"
      graphsvc policy publish --draft 0193a2... --server http://127.0.0.1:8080 --token "$TOKEN"
    """
    from graphsvc.cli.pack_file import read_packs
    from graphsvc.cli.ruling import ruling
    from graphsvc.cli.session import run_admin
    from graphsvc.core.policy.load import load_policies
    from graphsvc.errors import BadInput

    if (draft is None) is (not files):
        raise BadInput("give policy FILEs to publish, or --draft ID", field="file")
    if draft is not None:
        drafted = draft
        revision = run_admin(
            lambda admin: ruling(admin).publish_draft(drafted, comment),
            at,
        )
        print(f"published draft {draft} at revision {revision}")
        return
    packs = read_packs(files or ())
    # Refused before a store or a server is touched, with places in the files as named here.
    policies = load_policies([(pack.text, pack.file) for pack in packs])
    revision = run_admin(
        lambda admin: ruling(admin).publish(packs, comment),
        at,
    )
    names = ", ".join(f"{policy.pack.id} {policy.pack.version}" for policy in policies)
    print(f"published {names} at revision {revision}")


@app.command()
@spread
def rollback(
    *,
    pack: Annotated[str, typer.Argument(metavar="PACK", help="The id of a pack in force.")],
    to: Annotated[
        str | None, typer.Option("--to", metavar="VERSION", help="Default: the text before the present one.")
    ] = None,
    comment: Annotated[str, typer.Option(help="Why, for the record.")] = "",
    at: Place,
) -> None:
    """Put an earlier text of a pack into force again, as a new publication: history stays as it was.

    \b
    Examples:
      graphsvc policy rollback agents --comment "too many false alarms"
      graphsvc policy rollback agents --to 3 --server http://127.0.0.1:8080 --token "$TOKEN"
    """
    from graphsvc.cli.session import run_admin

    revision = run_admin(
        lambda admin: admin.rollback(pack, to, comment),
        at,
    )
    print(f"rolled back {pack} at revision {revision}")


@app.command(name="list")
@spread
def list_(
    *,
    versions: Annotated[
        bool, typer.Option("--versions", help="Every publication of every pack instead, newest first.")
    ] = False,
    form: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.table,
    at: Place,
) -> None:
    """The patterns in force.

    \b
    Examples:
      graphsvc policy list
      graphsvc policy list --versions
      graphsvc policy list --format json --server http://127.0.0.1:8080 --token "$TOKEN"
    """
    from graphsvc.cli.session import run_admin

    rows = run_admin(
        lambda admin: admin.versions() if versions else admin.patterns(),
        at,
    )
    print_rows(rows, form, empty="no policy is published; `graphsvc policy publish FILE...` does it")


app.command()(diff)
register_life(app)
