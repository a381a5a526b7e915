"""Trials, drafts, signatures and replay diffs on the command line; on a store and on a server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.command import POLICY, graphsvc, request
from tests.cli.test_serve_command import served

DRAFT = POLICY.replace('version: "1"', 'version: "2"').replace(
    "patterns:", "patterns:\n  - {id: reads, on_match: escalate, steps: {a: {action: 'mail:Read'}}}"
)


def _token(subject: str) -> str:
    return graphsvc("token", "--role", "admin", "--subject", subject).out.strip()


@pytest.fixture
def used(filled: Path) -> Path:
    """The folder with a store in which two actions were decided, and a draft beside it."""
    (filled / "draft.yaml").write_text(DRAFT)
    for number, (action, resource) in enumerate((("mail:Read", "mailbox:inbox"), ("crm:Read", "record:1"))):
        (filled / "request.json").write_text(
            json.dumps({**request(action, resource), "idempotencyKey": f"k{number}"})
        )
        graphsvc("decide", "request.json")
    return filled


def test_a_replay_diff_on_a_store(used: Path) -> None:
    """Totals, moves and examples for people; everything as JSON; nothing is stored."""
    told = graphsvc("policy", "diff", "draft.yaml", "--replay")
    assert told.code == 0
    assert "2 decisions, 1 differ" in told.out
    assert "reads" in told.out
    found = graphsvc("policy", "diff", "draft.yaml", "--replay", "--format", "json").json()
    assert found["moves"] == [{"before": "PERMIT", "after": "ESCALATE", "count": 1}]
    (example,) = graphsvc("policy", "diff", "draft.yaml", "--replay", "--format", "jsonl").lines()
    assert (example["subject"], example["completedAfter"]) == ("bot", ["reads"])
    assert graphsvc("policy", "diff", "--replay").code == 2
    assert graphsvc("policy", "diff", "--replay", "--as-of", "nonsense").code == 2


def test_a_trial_on_a_store(used: Path) -> None:
    """Begun, counted, told in the report, ended."""
    began = graphsvc("policy", "shadow", "draft.yaml", "--comment", "try")
    assert (began.code, "trying mail 2 from revision" in began.out) == (0, True)
    assert "settings (entitlement) have no effect on trial" in began.err
    (used / "request.json").write_text(
        json.dumps({**request("mail:Read", "mailbox:inbox"), "idempotencyKey": "later"})
    )
    assert graphsvc("decide", "request.json").code == 0
    (row,) = graphsvc("policy", "trials", "--format", "json").json()
    assert (row["pack"], row["version"], row["decisions"], row["spoke"], row["differs"]) == (
        "mail",
        "2",
        1,
        1,
        1,
    )
    told = graphsvc("policy", "stopped")
    assert "1 escalated" in told.out
    assert "mail/reads" in told.out
    assert graphsvc("policy", "stopped", "--since", "soon").code == 2
    assert "ended the trial of mail" in graphsvc("policy", "shadow", "--end", "mail").out
    assert "no pack is on trial" in graphsvc("policy", "trials").out
    assert graphsvc("policy", "shadow").code == 2


def test_a_signed_pack_where_one_is_asked_for(folder: Path) -> None:
    """Without the signature beside it the pack is refused with its place; with it it is in force."""
    made = graphsvc("policy", "sign", "--new", "rules-team", "--key", "rules.key")
    assert made.code == 0
    assert (folder / "rules.key").stat().st_mode & 0o077 == 0
    assert graphsvc("policy", "sign", "--new", "rules-team", "--key", "rules.key").code == 2
    (folder / "settings.toml").write_text(f'[publishing]\ntrusted_keys = ["{made.out.strip()}"]\n')
    refused = graphsvc("policy", "publish", "policy.yaml", "--config", "settings.toml")
    assert refused.code == 2
    assert "is not signed" in refused.err
    assert graphsvc("policy", "sign", "policy.yaml", "--key", "rules.key").out == "policy.yaml.sig\n"
    assert graphsvc("policy", "publish", "policy.yaml", "--config", "settings.toml").code == 0
    (folder / "settings.toml").write_text('[publishing]\ntrusted_keys = ["nonsense"]\n')
    assert "trusted_keys" in graphsvc("policy", "list", "--config", "settings.toml").err


def test_a_second_person_over_a_server(used: Path) -> None:
    """Drafted by one token, refused to the same, published by another; the same commands as on a store."""
    (used / "settings.toml").write_text("[publishing]\nsecond_person = true\n")
    alone = graphsvc("policy", "publish", "draft.yaml", "--config", "settings.toml")
    assert (alone.code, "second person" in alone.err) == (2, True)
    with served("--store", "sqlite:///graphsvc.db", "--config", "settings.toml") as (url, _):

        def ask(subject: str, *command: str) -> tuple[int, str]:
            ended = graphsvc("policy", *command, "--server", url, "--token", _token(subject))
            return ended.code, ended.out + ended.err

        code, told = ask("ann", "draft", "draft.yaml")
        draft = told.splitlines()[0]
        assert code == 0
        assert ask("ann", "publish", "--draft", draft)[0] == 2
        assert draft in ask("bob", "drafts")[1]
        assert ask("bob", "publish", "--draft", draft)[0] == 0
        assert ask("bob", "drafts")[1] == "no draft waits\n"
        assert "1 differ" in ask("bob", "diff", "policy.yaml", "--replay")[1]
        assert "0 denied" in ask("bob", "stopped")[1]
        assert "0 reviews of 2 actions" in ask("bob", "reviews")[1]
        assert ask("bob", "shadow", "policy.yaml")[0] == 0
        assert "mail" in ask("bob", "trials")[1]
