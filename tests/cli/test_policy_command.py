"""`graphsvc policy`: lint, test, publish, list."""

from __future__ import annotations

from pathlib import Path

from tests.cli.command import POLICY, graphsvc


def test_policy_tests_pass(folder: Path) -> None:
    """A file whose tests hold ends with 0 and says how many ran."""
    ended = graphsvc("policy", "test", "policy.yaml")
    assert (ended.code, ended.out) == (0, "1 tests, 0 failed\n")


def test_a_failing_policy_test_names_file_and_line(folder: Path) -> None:
    """A wrong expectation ends with 1 and is told at its line, with what came instead."""
    (folder / "policy.yaml").write_text(POLICY.replace("expect: DENY", "expect: PERMIT"))
    line = POLICY[: POLICY.index("x@evil.example")].count("\n") + 1
    ended = graphsvc("policy", "test", "policy.yaml")
    assert ended.code == 1
    assert f"policy.yaml:{line}:" in ended.out
    assert "`mail:Send` is DENY" in ended.out
    assert "1 failed" in ended.out


def test_failures_as_json(folder: Path) -> None:
    """`--format json` gives the failures with their places."""
    (folder / "policy.yaml").write_text(POLICY.replace("completes: [leak]", "completes: []"))
    found = graphsvc("policy", "test", "policy.yaml", "--format", "json").json()
    assert found["tests"] == 1
    assert "completes `leak`, expected nothing" in found["failures"][0]["message"]


def test_lint_of_an_unknown_key(folder: Path) -> None:
    """An unknown key is refused with file, line, column and a suggestion; exit 2."""
    (folder / "policy.yaml").write_text(POLICY.replace("severity:", "severety:"))
    ended = graphsvc("policy", "lint", "policy.yaml")
    assert ended.code == 2
    assert "policy.yaml:11:" in ended.out
    assert "severity" in ended.out


def test_publishing_a_broken_file_stores_nothing(filled: Path) -> None:
    """A file that does not parse is one line with its place; the packs in force stay."""
    before = graphsvc("policy", "list", "--format", "json").json()
    (filled / "broken.yaml").write_text("graphsvc: 1\npack: {id: other\n")
    ended = graphsvc("policy", "publish", "policy.yaml", "broken.yaml")
    assert ended.code == 2
    assert ended.error.startswith("broken.yaml:")
    assert graphsvc("policy", "list", "--format", "json").json() == before


def test_list_tells_patterns(filled: Path) -> None:
    """`policy list` prints each pattern with its pack."""
    (row,) = graphsvc("policy", "list", "--format", "jsonl").lines()
    assert (row["id"], row["pack"], row["onMatch"]) == ("leak", "mail", "deny")
