"""What a run of comparisons says in the end."""

from collections.abc import Iterator, Sequence

from tests.fuzz.campaign import Campaign, Progress
from tests.fuzz.stage import Stage
from tests.law.fuzz import FILES, LEAST_PER_MILLION, LEAST_SAMPLED
from tests.oracle.rule import NAIVE

__all__ = ["failures", "lines", "per_million", "untested"]


def lines(campaign: Campaign, stages: Sequence[Stage]) -> Iterator[str]:
    """The summary of every stage, and how often each rule decided."""
    minutes = campaign.seconds / 60
    yield f"seed {campaign.seed}, {minutes:,.1f} min"
    for stage in stages:
        progress = campaign.of(stage)
        more = ", ".join(
            f"{number:,} {name}"
            for name, number in sorted(progress.counts.items())
            if not name.startswith(("decided ", "sampled"))
        )
        yield (
            f"{stage.name}: {progress.amount:,} of {stage.wanted:,} {stage.unit}, {len(progress.mismatches)} mismatches"
            + (f" ({more})" if more else "")
        )
    engine = campaign.stages.get("engine")
    if engine is not None and engine.amount:
        yield from _rules(engine)


def _rules(engine: Progress) -> Iterator[str]:
    yield f"rules that decided a verdict, per million ({engine.counts.get('sampled', 0):,} verdicts sampled):"
    for rule, naive in {**NAIVE, FILES: "a file with a mistake is loaded"}.items():
        yield f"  {rule:4s} {per_million(engine, rule):9,.0f}   else: {naive}"
    if engine.counts.get("sampled", 0) < LEAST_SAMPLED:
        yield f"too few to tell whether every rule was put to the test: {LEAST_SAMPLED:,} sampled are needed"


def per_million(engine: Progress, rule: str) -> float:
    """How many of a million verdicts the rule decided."""
    if rule == FILES:
        return engine.counts.get("refused files", 0) * 1_000_000 / max(engine.amount, 1)
    return engine.counts.get(f"decided {rule}", 0) * 1_000_000 / max(engine.counts.get("sampled", 0), 1)


def untested(engine: Progress) -> list[str]:
    """Rules that decided too few verdicts, where enough were sampled to tell."""
    if engine.counts.get("sampled", 0) < LEAST_SAMPLED:
        return []
    return [rule for rule in (*NAIVE, FILES) if per_million(engine, rule) < LEAST_PER_MILLION]


def failures(campaign: Campaign, stages: Sequence[Stage]) -> list[str]:
    """Everything for which the run has failed."""
    found = [f"{stage.name}: {text}" for stage in stages for text in campaign.of(stage).mismatches]
    engine = campaign.stages.get("engine")
    if engine is not None:
        found += [
            f"{rule} decided fewer than {LEAST_PER_MILLION:,} of a million verdicts: not put to the test"
            for rule in untested(engine)
        ]
    return found
