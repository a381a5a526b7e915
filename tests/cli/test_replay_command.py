"""`graphsvc replay`: one verdict a line, the same bytes every time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.cli.command import action, graphsvc

TRACE = [
    action("e1", "mail:Read", 0),
    action("e2", "crm:Read", 1),
    action("e3", "mail:Send", 2, action={"name": "mail:Send", "properties": {"to": "x@evil.example"}}),
]


def replayed(folder: Path, trace: list[dict[str, Any]], *options: str) -> list[Any]:
    (folder / "trace.jsonl").write_text("".join(json.dumps(record) + "\n" for record in trace))
    ended = graphsvc("replay", "trace.jsonl", "--policy", "policy.yaml", *options)
    assert ended.code == 0, ended.err
    return ended.lines()


def test_the_completing_action_is_denied(folder: Path) -> None:
    """Every action gets a line; the one that completes the pattern names it."""
    lines = replayed(folder, TRACE, "--entitlement", "off")
    assert [(line["id"], line["verdict"], line["completed"]) for line in lines] == [
        ("e1", "PERMIT", []),
        ("e2", "PERMIT", []),
        ("e3", "DENY", ["leak"]),
    ]
    assert list(lines[0]) == ["id", "verdict", "completed", "reasons", "risk"]


def test_the_same_input_gives_the_same_bytes(folder: Path) -> None:
    """Two replays write identical bytes."""
    (folder / "trace.jsonl").write_text("".join(json.dumps(record) + "\n" for record in TRACE))
    asked = ("replay", "trace.jsonl", "--policy", "policy.yaml", "--graph", "estate.jsonl")
    assert graphsvc(*asked).out == graphsvc(*asked).out


def test_the_graph_gives_rights_and_partners(folder: Path) -> None:
    """With a graph entitlement holds, and a known partner is no unknown destination."""
    known = action(
        "e4", "mail:Send", 3, action={"name": "mail:Send", "properties": {"to": "partner@acme.example"}}
    )
    lines = replayed(folder, [*TRACE[:2], known], "--graph", "estate.jsonl")
    assert [line["verdict"] for line in lines] == ["PERMIT", "PERMIT", "PERMIT"]


def test_without_rights_everything_is_denied(folder: Path) -> None:
    """Unknown subjects are denied with their reason."""
    lines = replayed(folder, TRACE[:1])
    assert (lines[0]["verdict"], lines[0]["reasons"]) == ("DENY", ["subject_unknown"])


def test_force_takes_the_trace_at_its_word(folder: Path) -> None:
    """With `--force` an action that the trace calls executed is history although it would be denied."""
    again = action("e4", "mail:Send", 3, action={"name": "mail:Send", "properties": {"to": "y@evil.example"}})
    plain = replayed(folder, TRACE, "--entitlement", "required")
    forced = replayed(folder, [*TRACE, again], "--entitlement", "required", "--force")
    assert [line["completed"] for line in plain] == [[], [], []]
    assert [line["completed"] for line in forced] == [[], [], ["leak"], ["leak"]]


def test_an_action_that_was_not_executed_is_no_history(folder: Path) -> None:
    """`executed: false` leaves the action out of what later ones are judged by."""
    trace = [{**TRACE[0], "executed": False}, *TRACE[1:]]
    assert [line["completed"] for line in replayed(folder, trace, "--entitlement", "off")] == [[], [], []]


def test_cancel_and_report_change_what_follows(folder: Path) -> None:
    """A cancelled read is no step any more; a reported label makes one."""
    at = "2026-11-23T10:00:01Z"
    cancel = {"type": "cancel", "action": "e1", "at": at}
    report = {"type": "report", "action": "e0", "at": at, "outcome": "success", "labels": ["untrusted"]}
    cancelled = [TRACE[0], cancel, *TRACE[1:]]
    assert replayed(folder, cancelled, "--entitlement", "off")[-1]["completed"] == []
    chat = {**action("e0", "crm:List", 0)}
    (folder / "policy.yaml").write_text(
        (folder / "policy.yaml")
        .read_text()
        .replace("actions:\n", 'actions:\n  "crm:List": {effects: [read]}\n')
    )
    assert replayed(folder, [chat, report, *TRACE[1:]], "--entitlement", "off")[-1]["completed"] == ["leak"]


def test_a_bad_line_is_told_with_its_place(folder: Path) -> None:
    """Malformed lines and fields are named by file, line and field; exit 2."""
    for line, told in (
        ('{"type":"action"', "trace.jsonl:2: the line ends inside a JSON value"),
        ('{"type":"action","id":"x"}', "trace.jsonl:2: action"),
        ('{"at":"2026-11-23T10:00:00Z"}', "trace.jsonl:2: type is missing"),
        (
            json.dumps({**TRACE[0], "id": "e2", "at": "noon"}),
            "trace.jsonl:2: at: `noon` is not an RFC 3339 time",
        ),
        (json.dumps(TRACE[0]), "trace.jsonl:2: id: `e1` names an earlier action"),
        (
            json.dumps({**TRACE[0], "id": "e2", "labels": "x"}),
            "trace.jsonl:2: labels must be a list of texts",
        ),
    ):
        (folder / "trace.jsonl").write_text(json.dumps(TRACE[0]) + "\n" + line + "\n")
        ended = graphsvc("replay", "trace.jsonl", "--policy", "policy.yaml")
        assert (ended.code, told in ended.error) == (2, True), ended.err


def test_a_chain_cannot_change_its_session(folder: Path) -> None:
    """A later record that names another session is judged in the first one, with a warning (rule R3)."""
    trace = [TRACE[0], {**TRACE[1], "session": "other"}, TRACE[2]]
    (folder / "trace.jsonl").write_text("".join(json.dumps(record) + "\n" for record in trace))
    ended = graphsvc("replay", "trace.jsonl", "--policy", "policy.yaml", "--entitlement", "off")
    assert "warning: trace.jsonl:2: session:" in ended.err
    assert ended.lines()[-1]["completed"] == ["leak"]


def test_several_policy_files(folder: Path) -> None:
    """More files may follow `--policy`; all are in force together."""
    (folder / "more.yaml").write_text("graphsvc: 1\npack: {id: more}\nsettings: {entitlement: 'off'}\n")
    (folder / "trace.jsonl").write_text(json.dumps(TRACE[0]) + "\n")
    ended = graphsvc("replay", "trace.jsonl", "--policy", "policy.yaml", "more.yaml")
    assert ended.code == 0
