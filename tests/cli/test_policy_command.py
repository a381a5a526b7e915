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


def test_a_pattern_without_steps_is_listed_without(folder: Path) -> None:
    """What is counted is a step of its own; nearness to a tier has none."""
    (folder / "more.yaml").write_text(
        "graphsvc: 1\npack: {id: more, version: '1'}\nactions: {'mail:Read': {effects: [read]}}\npatterns:\n"
        "  - {id: many, on_match: escalate, within: 10m, count: {step: {effects: [read]}, more_than: 5}}\n"
        "  - {id: near, on_match: escalate, reach: {tier: crown-jewel, nearer_than: 2}}\n"
    )
    assert graphsvc("policy", "publish", "more.yaml").code == 0
    steps = {row["id"]: row["steps"] for row in graphsvc("policy", "list", "--format", "jsonl").lines()}
    assert steps == {"many": ["counted"], "near": []}


def test_the_schema_for_editors_is_written(folder: Path) -> None:
    """The file that ships, to standard output or a file."""
    from graphsvc.core.policy.schema import schema_text

    assert graphsvc("policy", "schema").out == schema_text()
    assert graphsvc("policy", "schema", "-o", "policy.schema.json").code == 0
    assert (folder / "policy.schema.json").read_text() == schema_text()


def test_coverage_of_the_tests(folder: Path) -> None:
    """`--coverage` tells what is completed and matched, `--format json` with every part and its line."""
    ended = graphsvc("policy", "test", "policy.yaml", "--coverage")
    assert ended.code == 0
    assert "covered: " in ended.out
    found = graphsvc("policy", "test", "policy.yaml", "--format", "json").json()["coverage"]
    (pattern,) = found["patterns"]
    assert pattern["completed"] is True
    assert found["percent"] == 100.0
    assert all(part["covered"] and part["line"] > 1 for part in pattern["parts"])


def test_thin_coverage_fails(folder: Path) -> None:
    """Below `--min-coverage` the exit is 1 and every part that no test reaches is named with its line."""
    more = "  - {id: other, on_match: deny, steps: {a: {action: 'never:Done', then: b}, b: {action: 'mail:Send'}}}\n"
    (folder / "policy.yaml").write_text(POLICY.replace("tests:\n", f"{more}tests:\n"))
    line = POLICY[: POLICY.index("tests:\n")].count("\n") + 1
    ended = graphsvc("policy", "test", "policy.yaml", "--min-coverage", "90")
    assert ended.code == 1
    assert f"policy.yaml:{line}: `other` is never completed by a test" in ended.err
    assert f"policy.yaml:{line}: `other` step `a` is never matched by a test" in ended.err
    assert "step `b`" not in ended.err
    assert graphsvc("policy", "test", "policy.yaml", "--min-coverage", "50").code == 0


def test_lint_with_a_graph(folder: Path) -> None:
    """`--graph` finds steps that nobody in it may do."""
    (folder / "graph.jsonl").write_text('{"node":{"type":"identity","id":"bot","kind":"agent"}}\n')
    (folder / "policy.yaml").write_text(POLICY.replace('entitlement: "off"', "entitlement: required", 1))
    ended = graphsvc("policy", "lint", "policy.yaml", "--graph", "graph.jsonl")
    assert ended.code == 1
    assert "nobody in the graph can do the step" in ended.out
