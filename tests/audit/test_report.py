"""The report of a time: its figures counted again from the export, and what it says of a changed log."""

import json
import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from graphsvc.cli.audit_report import Integrity, as_markdown
from graphsvc.core.audit.report import Summary
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
    found, held = document["report"], records(folder)
    decided = [each for each in held if each["kind"] == "decided"]
    assert found["records"] == len(held)
    assert found["verdicts"] == dict(Counter(each["answered"] for each in decided))
    assert len(found["stopped"]) == sum(bool(each["completions"]) for each in decided) > 0
    assert [each["what"] for each in found["rights"]] == ["grant", "revoke", "suspend", "reinstate"]
    assert "policy" in [each["what"] for each in found["policies"]]
    assert document["integrity"]["problems"] == []
    assert document["integrity"]["signed"] == document["integrity"]["size"] == len(held)


def test_a_time_can_be_chosen(folder: Path) -> None:
    """--from and --to cut the records; nothing in that time is no error."""
    times = sorted(int(str(each["at_ms"])) for each in records(folder))
    middle = times[len(times) // 2]
    from graphsvc.core.value import format_time

    at = format_time(middle)
    before = json.loads(graphsvc("audit", "report", "--format", "json", "--to", at).out)["report"]
    after = json.loads(graphsvc("audit", "report", "--format", "json", "--from", at).out)["report"]
    assert before["records"] == sum(each < middle for each in times)
    assert before["records"] + after["records"] == len(times)
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
    assert "**NOT genuine.**" in told.out
    assert "not as written: record" in told.out


@pytest.mark.parametrize("name", ["a|b", "<script>x</script>", "two\nlines"])
def test_names_cannot_break_the_tables(name: str) -> None:
    """Every row of a table has as many cells as its head, whatever callers call themselves."""
    summary = Summary()
    summary.add({
        "kind": "decided", "at_ms": 1, "answered": "DENY", "verdict": "DENY", "decision": "d", "action": name,
        "subject": {"id": name, "type": "agent"}, "resource": {"id": name, "type": "t"}, "reasons": [],
        "completions": [{"pattern": name, "severity": "high", "path": [
            {"subject": name, "action": name, "resource": name}]}],
    })  # fmt: skip
    text = as_markdown(summary.report(), Integrity("o", 1, 1, "r", "k", ()), (None, None))
    assert "<script" not in text
    rows = [line for line in text.splitlines() if line.startswith("| 1970")]
    assert [row.replace("\\|", "").count("|") for row in rows] == [7]
