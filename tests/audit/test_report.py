"""The report of a time: its figures counted again from the export, and what it says of a changed log."""

import json
import sqlite3
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from graphsvc.cli.audit_render import as_html, as_markdown
from graphsvc.cli.audit_report import Integrity, chapters
from graphsvc.core.audit.governing_shape import governing
from graphsvc.core.audit.report import Summary
from graphsvc.core.governing import FindingRegistered, FindingReleased
from tests.audit.conftest import live
from tests.cli.command import graphsvc


def records(folder: Path) -> list[dict[str, object]]:
    assert graphsvc("audit", "export", "-o", "evidence").code == 0
    return [json.loads(line) for line in (folder / "evidence/records.jsonl").read_bytes().splitlines()]


def test_the_figures_are_those_of_the_records(folder: Path) -> None:
    """Counted again with nothing but the export."""
    told = graphsvc("audit", "report", "--format", "json")
    assert told.code == 0, told
    document = json.loads(told.out)
    found = document["report"]
    # The report itself is a reading that the export holds.
    held = [each for each in records(folder) if each["kind"] != "audit_read"]
    decided = [each for each in held if each["kind"] == "decided"]
    assert found["records"] == len(held)
    assert found["verdicts"] == dict(Counter(each["answered"] for each in decided))
    assert len(found["stopped"]) == sum(bool(each["completions"]) for each in decided) > 0
    assert [each["what"] for each in found["rights"]] == ["grant", "revoke", "suspend", "reinstate"]
    assert "policy" in [each["what"] for each in found["policies"]]
    assert document["integrity"]["problems"] == []
    assert document["integrity"]["signed"] == document["integrity"]["size"] == len(held)


def test_every_blocked_or_escalated_action_is_listed_with_its_rule(folder: Path) -> None:
    """Each record whose verdict is not PERMIT, by whom, what was answered, and which rule spoke."""
    found = json.loads(graphsvc("audit", "report", "--format", "json").out)["report"]["refused"]
    held: list[Any] = [
        each for each in records(folder) if each["kind"] == "decided" and each["verdict"] != "PERMIT"
    ]
    assert [each["decision"] for each in found] == [each["decision"] for each in held] != []
    assert {each["subject"] for each in found} == {"bot"}
    for told, record in zip(found, held, strict=True):
        assert (told["verdict"], told["answered"]) == (record["verdict"], record["answered"])
        named = {f"{each['code']} {each['rule']}" for each in record["reasons"] if each["rule"]}
        assert named <= set(told["rules"])
    assert any(rule.startswith("pattern_completed ") for each in found for rule in each["rules"])
    assert "## Blocked and escalated actions" in graphsvc("audit", "report").out


def test_a_time_can_be_chosen(folder: Path) -> None:
    """--from and --to cut the records; nothing in that time is no error."""
    times = sorted(int(str(each["at_ms"])) for each in records(folder))
    middle = times[len(times) // 2]
    from graphsvc.core.value import format_time

    at = format_time(middle)
    before = json.loads(graphsvc("audit", "report", "--format", "json", "--to", at).out)["report"]
    after = json.loads(graphsvc("audit", "report", "--format", "json", "--from", at).out)["report"]
    # Reading the log adds to it, at the time of the reading.
    counted = [each["records"] - sum(each["reads"].values()) for each in (before, after)]
    assert counted[0] == sum(each < middle for each in times)
    assert sum(counted) == len(times)
    empty = graphsvc("audit", "report", "--from", "2099-01-01T00:00:00Z")
    assert (empty.code, ": 0 records." in empty.out) == (0, True)


def test_the_report_of_a_changed_log_says_so(folder: Path) -> None:
    """One changed byte of one entry: exit 1, and the report names the record."""
    live(1, start=50)
    with sqlite3.connect(folder / "graphsvc.db") as store:
        for seq, body in store.execute("SELECT seq, body FROM entry ORDER BY seq DESC").fetchall():
            if b"mail:Send" in body:
                changed = body.replace(b"mail:Send", b"mail:Read")
                store.execute("UPDATE entry SET body = ? WHERE seq = ?", (changed, seq))
                break
    told = graphsvc("audit", "report")
    assert told.code == 1
    assert "NOT genuine." in told.out
    assert "not as written: record" in told.out


@pytest.mark.parametrize("name", ["a|b", "<script>x</script>", "two\nlines"])
def test_names_cannot_break_the_tables(name: str) -> None:
    """Every row of a table has as many cells as its head, whatever callers call themselves."""
    summary = Summary()
    summary.add({
        "kind": "decided", "at_ms": 1, "answered": "DENY", "verdict": "DENY", "decision": "d", "action": name, "on_behalf_of": [], "by": name, "grants": [], "review": None,
        "subject": {"id": name, "type": "agent"}, "resource": {"id": name, "type": "t"}, "reasons": [],
        "completions": [{"pattern": name, "severity": "high", "path": [
            {"subject": name, "action": name, "resource": name}]}],
    })  # fmt: skip
    held = chapters(summary.report(), Integrity("o", 1, 1, "r", "k", ()), (None, None))
    text = as_markdown(held)
    assert "<script" not in text
    page = as_html(held)
    assert "<script" not in page
    assert ("&lt;script" in page) is ("<script" in name)
    rows = [line for line in text.splitlines() if line.startswith("| 1970")]
    assert [row.replace("\\|", "").count("|") for row in rows] == [7, 7]


def test_an_accepted_risk_is_told_with_who_and_until_when() -> None:
    """And that it was taken back; beside the policies, as what was decided about risks."""
    summary = Summary()
    entry = FindingRegistered(
        at_ms=1, by="dana", id="e1", pattern="aws-*", identity="*:role/ops", accepted_until=date(2026, 10, 31), reason="sealed"
    )  # fmt: skip
    for record in (entry, FindingReleased(at_ms=2, by="eve", entry="e1", reason="over")):
        summary.add({**governing(record), "at_ms": record.at_ms})
    told = [(each.what, each.target, each.by, each.reason) for each in summary.report().policies]
    assert told == [
        ("risk accepted", "aws-* on *:role/ops until 2026-10-31 (e1)", "dana", "sealed"),
        ("register", "e1 withdrawn", "eve", "over"),
    ]


def test_who_acted_for_whom_by_which_right_is_told(folder: Path) -> None:
    """Each identity with its delegators and caller; grants that were relied on; what followed a withdrawal."""
    document = json.loads(graphsvc("audit", "report", "--format", "json").out)["report"]
    held = [each for each in records(folder) if each["kind"] == "decided"]
    (bot,) = document["acts"]
    assert (bot["subject"], bot["on_behalf_of"]) == ("bot", [])
    assert bot["permitted"] == sum(each["answered"] == "PERMIT" for each in held)
    assert bot["denied"] == sum(each["answered"] == "DENY" for each in held)
    by_grant = [each for each in held if each["answered"] == "PERMIT" and each["grants"]]
    assert bot["standing"] == bot["permitted"] - len(by_grant)
    assert len(bot["grants"]) == 1
    effects = {each["what"]: each for each in document["effects"]}
    for what in ("revoke", "suspend"):
        assert effects[what]["permitted_after"] == 0
        assert effects[what]["refused_after"] == 1
        assert effects[what]["first_refusal_ms"] >= 0


def test_the_report_is_a_page_that_loads_nothing(folder: Path) -> None:
    """HTML with every chapter, the NIS2 mapping with its limits, and neither script nor address."""
    ended = graphsvc("audit", "report", "--format", "html", "-o", "report.html")
    assert ended.code == 0, ended
    page = (folder / "report.html").read_text()
    for told in (
        "Who acted, for whom, by which right",
        "When withdrawals took effect",
        "21(2)(d)",
        "notification of significant",
    ):
        assert told in page
    for absent in ("<script", "http:", "https:", "src=", "url("):
        assert absent not in page


def test_reading_the_log_is_in_the_log(folder: Path) -> None:
    """A report and an export leave a record each, which the next report tells."""
    graphsvc("audit", "report")
    graphsvc("audit", "export", "-o", "evidence")
    document = json.loads(graphsvc("audit", "report", "--format", "json").out)["report"]
    assert document["reads"] == {"export by operator": 1, "report by operator": 1}
    assert graphsvc("audit", "verify").code == 0


def test_what_is_kept_of_a_person_can_be_given_to_them(folder: Path) -> None:
    """Every record that names the identity, facts of imports included, and none that does not."""
    document = graphsvc("export", "person", "bot").json()
    kinds = {each["record"]["kind"] for each in document["records"]}
    assert kinds >= {"decided", "granted", "suspended", "reinstated", "graph_staged"}
    staged = [each["record"] for each in document["records"] if each["record"]["kind"] == "graph_staged"]
    facts = [fact for each in staged for fact in each["facts"]]
    assert facts
    assert all("identity:bot" in str(fact) for fact in facts)
    other = graphsvc("export", "person", "partner@acme.example").json()
    assert {each["record"]["kind"] for each in other["records"]} == {"graph_staged"}
    assert graphsvc("export", "person", "nobody").json()["records"] == []


def test_what_followed_a_suspension_is_counted_as_long_as_it_lasts() -> None:
    """Permitted in spite of it (as an emergency, say), refused by it, and nothing more once its time is over."""
    summary = Summary()
    suspended = {
        "kind": "suspended",
        "by": "dana",
        "target_kind": "identity",
        "target": "bot",
        "reason": "odd",
    }
    decided: dict[str, Any] = {
        "kind": "decided", "verdict": "PERMIT", "answered": "PERMIT", "decision": "d", "action": "a", "by": "gw",
        "subject": {"id": "bot"}, "on_behalf_of": [], "resource": {"id": "r", "type": "t"}, "grants": [], "reasons": [],
        "completions": [], "review": None,
    }  # fmt: skip
    refused = {
        **decided,
        "verdict": "DENY",
        "answered": "DENY",
        "reasons": [{"code": "subject_suspended", "verdict": "DENY"}],
    }
    summary.add({**suspended, "at_ms": 1, "until_ms": 50})
    for at_ms, line in ((10, decided), (20, refused), (30, refused), (60, decided), (70, refused)):
        summary.add({**line, "at_ms": at_ms})
    (effect,) = summary.report().effects
    assert (effect.permitted_after, effect.refused_after, effect.first_refusal_ms) == (1, 2, 19)
