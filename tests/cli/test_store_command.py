"""Commands on a store: import, export, decide, evaluate, explain, token."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.command import graphsvc, request


def decided(folder: Path, *asked: dict[str, object]) -> list[dict[str, object]]:
    answers = []
    for each in asked:
        (folder / "request.json").write_text(json.dumps(each))
        ended = graphsvc("decide", "request.json", "--format", "json")
        answer = ended.json()
        assert ended.code == (0 if answer["verdict"] == "PERMIT" else 1)
        answers.append(answer)
    return answers


def test_export_and_import_give_the_same_graph(filled: Path) -> None:
    """The whole graph goes out and in again without a change, unknown fields included."""
    graphsvc("export", "jsonl", "-o", "one.jsonl")
    graphsvc("import", "jsonl", "one.jsonl", "--source", "copy", "--store", "sqlite:///copy.db")
    graphsvc("export", "jsonl", "-o", "two.jsonl", "--store", "sqlite:///copy.db")
    text = (filled / "one.jsonl").read_text()
    assert text == (filled / "two.jsonl").read_text()
    assert '"colour":"blue"' in text
    assert '"since":2024' in text


def test_a_dry_run_counts_and_stores_nothing(folder: Path) -> None:
    """`--dry-run` reads and reports; there is no store afterwards."""
    ended = graphsvc("import", "jsonl", "estate.jsonl", "--source", "hr", "--dry-run", "--format", "json")
    assert ended.json()["counts"] == {"edges": 2, "nodes": 4}
    assert ended.json()["revision"] is None
    assert not (folder / "graphsvc.db").exists()


def test_replace_drops_what_a_source_no_longer_says(filled: Path) -> None:
    """Without `--replace` earlier facts of the source stay; with it they go."""
    (filled / "less.jsonl").write_text('{"node":{"type":"identity","id":"carol","kind":"human"}}\n')
    graphsvc("import", "jsonl", "less.jsonl", "--source", "hr")
    assert '"id":"bot"' in graphsvc("export", "jsonl").out
    graphsvc("import", "jsonl", "less.jsonl", "--source", "hr", "--replace")
    assert '"id":"bot"' not in graphsvc("export", "jsonl").out


def test_decide_and_explain(filled: Path) -> None:
    """Three actions, each valid; the third completes the path, and `explain` tells the path later."""
    first, second, third = decided(
        filled,
        request("mail:Read", "mailbox:inbox"),
        request("crm:Read", "record:r1"),
        request("mail:Send", "mailbox:inbox", to="x@evil.example"),
    )
    assert [first["verdict"], second["verdict"], third["verdict"]] == ["PERMIT", "PERMIT", "DENY"]
    told = graphsvc("explain", str(third["id"]))
    assert told.code == 0
    for text in ("DENY", "pattern_completed [leak]", "untrusted: bot: mail:Read", "out: bot: mail:Send"):
        assert text in told.out
    assert (
        graphsvc("explain", str(third["id"]), "--format", "json").json()["completions"][0]["pattern"]["id"]
        == "leak"
    )


def test_evaluate_changes_nothing(filled: Path) -> None:
    """The same question gets the same answer, and history stays empty."""
    (filled / "request.json").write_text(json.dumps(request("mail:Read", "mailbox:inbox")))
    ended = graphsvc("evaluate", "request.json", "--format", "json")
    assert (ended.code, ended.json()["verdict"]) == (0, "PERMIT")
    assert '"type":"action"' not in graphsvc("export", "trace").out


def test_evaluate_as_of_a_revision(filled: Path) -> None:
    """What completes the path now completed nothing after the first action; a revision of elsewhere is told."""
    first, _ = decided(filled, request("mail:Read", "mailbox:inbox"), request("crm:Read", "record:r1"))
    (filled / "send.json").write_text(json.dumps(request("mail:Send", "mailbox:inbox", to="x@evil.example")))
    ask = ("evaluate", "send.json", "--format", "json")
    assert graphsvc(*ask).json()["verdict"] == "DENY"
    assert graphsvc(*ask, "--as-of", str(first["revision"])).json()["verdict"] == "PERMIT"
    ended = graphsvc(*ask, "--as-of", "x.1")
    assert (ended.code, "--as-of" in ended.error) == (2, True)


def test_exported_history_replays_to_the_same_verdicts(filled: Path) -> None:
    """What `export trace` writes gives every verdict again."""
    answers = decided(
        filled,
        request("mail:Read", "mailbox:inbox"),
        request("crm:Read", "record:r1"),
        request("mail:Send", "mailbox:inbox", to="x@evil.example"),
    )
    graphsvc("export", "trace", "-o", "history.jsonl")
    lines = graphsvc("replay", "history.jsonl", "--policy", "policy.yaml").lines()
    assert [(f"decision:{line['id']}", line["verdict"]) for line in lines] == [
        (answer["id"], answer["verdict"]) for answer in answers
    ]
    assert [line["risk"]["after"] for line in lines] == [answer["risk"]["after"] for answer in answers]  # type: ignore[index]


def test_a_token_stands_alone_on_stdout(folder: Path) -> None:
    """`graphsvc token` prints a JWT and nothing else; its key is readable by its owner only."""
    ended = graphsvc("token", "--role", "pep", "--subject", "gateway-1", "--ttl", "30m")
    assert ended.code == 0
    assert ended.out.count(".") == 2
    assert len(ended.out.splitlines()) == 1
    (key,) = (folder / ".graphsvc").glob("*.pem")
    assert key.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--role", "king", "--subject", "x"), "`king` is none of the roles"),
        (("--role", "pep", "--subject", "x", "--ttl", "soon"), "`soon` is no duration"),
        (("--role", "pep", "--subject", "x", "--scope", "all"), "`all` is neither"),
    ],
)
def test_a_token_that_cannot_be(folder: Path, arguments: tuple[str, ...], told: str) -> None:
    """Unknown roles, durations and scopes are bad input."""
    ended = graphsvc("token", *arguments)
    assert (ended.code, told in ended.error) == (2, True)


def test_real_accounts_go_out_and_in_again(folder: Path, real_data: Path) -> None:
    """A real account's graph survives export and import."""
    dump = real_data / "aws" / "account-small.json"
    assert graphsvc("import", "aws", dump, "--source", "aws", "--lenient").code == 0
    graphsvc("export", "jsonl", "-o", "one.jsonl")
    graphsvc("import", "jsonl", "one.jsonl", "--source", "copy", "--store", "sqlite:///copy.db")
    graphsvc("export", "jsonl", "-o", "two.jsonl", "--store", "sqlite:///copy.db")
    assert (folder / "one.jsonl").read_bytes() == (folder / "two.jsonl").read_bytes()


def test_cloudtrail_events_become_estate_and_trace(folder: Path, real_data: Path) -> None:
    """The events' identities go into the graph, and the trace replays in that estate."""
    events = real_data / "cloudtrail" / "aws.persistence.iam-create-admin-user.json"
    ended = graphsvc("import", "cloudtrail", events, "--source", "trail", "--trace", "events.jsonl")
    assert ended.code == 0
    graphsvc("export", "jsonl", "-o", "estate.jsonl")
    lines = graphsvc("replay", "events.jsonl", "--graph", "estate.jsonl", "--entitlement", "required").lines()
    assert lines
    assert {line["verdict"] for line in lines} == {"PERMIT"}
