"""The long run itself: that it finds, keeps, goes on and says what it did."""

import json
from pathlib import Path

import pytest

from tests.fuzz import stage as stages
from tests.fuzz.__main__ import main
from tests.fuzz.campaign import Campaign, Progress
from tests.fuzz.report import failures
from tests.fuzz.stage import STAGES, engine_chunk, rights_chunk
from tests.law import fuzz
from tests.law.deciding import Answer
from tests.law.fuzz import FILES, LEAST_PER_MILLION, LEAST_SAMPLED
from tests.law.strategy import Case
from tests.oracle.rule import NAIVE


def test_a_run_ends_with_a_summary_and_can_be_gone_on_with(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A second sitting adds to the first, with other seeds."""
    state = tmp_path / "run.json"
    asked = [
        "--verdicts",
        "0",
        "--checks",
        "0",
        "--cypher",
        "0",
        "--distances",
        "0",
        "--decisions",
        "0",
        "--workers",
        "1",
        "--state",
        str(state),
    ]
    assert main([*asked, "--closures", "1", "--seed", "3"]) == 0
    first = Campaign.load(state)
    assert main([*asked, "--closures", str(first.stages["closures"].amount + 1), "--resume"]) == 0
    second = Campaign.load(state)
    assert (first.seed, first.stages["closures"].chunks) == (3, 1)
    assert (second.seed, second.stages["closures"].chunks) == (3, 2)
    assert second.stages["closures"].amount > first.stages["closures"].amount
    assert "0 mismatches" in capsys.readouterr().out


def test_a_run_ends_when_its_time_is_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With no time at all nothing is compared, which is said and is no failure."""
    assert (
        main(
            [
                "--minutes",
                "0",
                "--cypher",
                "0",
                "--distances",
                "0",
                "--decisions",
                "0",
                "--state",
                str(tmp_path / "run.json"),
            ]
        )
        == 0
    )
    assert "not finished" in capsys.readouterr().out


def test_a_mismatch_is_made_small_and_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An engine that misses every completion of one action is caught, and the case left over is about that action."""

    def blind(case: Case, *, force: bool) -> list[Answer]:
        told = fuzz._definition(case, force=force)
        actions = [record for record in case.trace if record["type"] == "action"]
        missed = {record["id"] for record in actions if record["action"]["name"] == "d:Write"}
        return [(one[0], [], *one[2:]) if one[0] in missed else one for one in told]

    monkeypatch.setattr(fuzz, "_engine", blind)
    monkeypatch.setattr(fuzz, "MISMATCHES", tmp_path)
    outcome = engine_chunk(11)
    assert any(str(tmp_path) in text for text in outcome.mismatches)
    kept = json.loads(next(tmp_path.glob("*.json")).read_text(encoding="utf-8"))
    assert kept["trace"][-1]["action"]["name"] == "d:Write"
    assert len(kept["policy"]["patterns"]) == 1
    assert len(kept["trace"]) <= 6


def test_a_crash_is_a_mismatch_that_can_be_seen_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a comparison raises is told with the command that raises it again."""

    def fail(*_: object, **__: object) -> int:
        raise AssertionError("not alike")

    monkeypatch.setattr(stages, "check_rights", fail)
    assert rights_chunk(7).mismatches == ["python -m tests.rights.fuzz --seed 7: not alike"]


@pytest.mark.parametrize("sampled", [LEAST_SAMPLED, LEAST_SAMPLED - 1])
def test_a_rule_that_hardly_decides_is_a_failure(sampled: int) -> None:
    """A rule below its least share fails the run, once enough was sampled to tell."""
    counts = {f"decided {rule}": sampled for rule in NAIVE} | {"sampled": sampled, "refused files": 10**6}
    counts["decided R13"] = sampled * LEAST_PER_MILLION // 1_000_000 - 1
    campaign = Campaign(1, stages={"engine": Progress(1, 10**6, counts)})
    told = failures(campaign, STAGES)
    assert [text.split()[0] for text in told] == (["R13"] if sampled == LEAST_SAMPLED else [])
    assert FILES not in NAIVE
