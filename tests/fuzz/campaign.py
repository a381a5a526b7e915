"""The running of stages: chunks in several processes, every stage equally far, and a file to go on from."""

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
from pathlib import Path

from tests.fuzz.stage import Outcome, Stage, prepare_worker

__all__ = ["Campaign", "Progress", "run"]


@dataclass
class Progress:
    """How far a stage is. chunks: begun so far, which makes the seed of the next."""

    chunks: int = 0
    amount: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    mismatches: list[str] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """Count a finished chunk."""
        self.amount += outcome.amount
        self.counts = dict(Counter(self.counts) + Counter(outcome.counts))
        self.mismatches += outcome.mismatches


@dataclass
class Campaign:
    """A whole run. seconds: spent so far, over all sittings."""

    seed: int
    seconds: float = 0.0
    stages: dict[str, Progress] = field(default_factory=dict)

    def of(self, stage: Stage) -> Progress:
        """The progress of a stage."""
        return self.stages.setdefault(stage.name, Progress())

    def save(self, path: Path) -> None:
        """Write everything down; a crash leaves the file of before."""
        path.parent.mkdir(parents=True, exist_ok=True)
        written = path.with_suffix(".new")
        written.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")
        written.replace(path)

    @classmethod
    def load(cls, path: Path) -> "Campaign":
        """Read what `save` wrote."""
        record = json.loads(path.read_text(encoding="utf-8"))
        stages = {name: Progress(**progress) for name, progress in record["stages"].items()}
        return cls(record["seed"], record["seconds"], stages)


def run(
    campaign: Campaign,
    stages: Sequence[Stage],
    *,
    workers: int,
    until: float | None = None,
    told: Callable[[], None] = lambda: None,
) -> None:
    """Compare until every stage has what is wanted, or until a time of the monotonic clock.

    told: called after each chunk that ended, when `campaign` is up to date.
    """
    before = campaign.seconds
    started = time.monotonic()
    # Spawned, not forked: a driver of a database has threads.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=prepare_worker) as pool:
        running: dict[Future[Outcome], Stage] = {}
        try:
            while True:
                if until is None or time.monotonic() < until:
                    for stage in _next(campaign, stages, list(running.values()), workers):
                        progress = campaign.of(stage)
                        seed = campaign.seed + progress.chunks
                        progress.chunks += 1
                        running[pool.submit(stage.compare, seed)] = stage
                if not running:
                    break
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    campaign.of(running.pop(future)).add(future.result())
                campaign.seconds = before + time.monotonic() - started
                told()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _next(campaign: Campaign, stages: Sequence[Stage], running: list[Stage], workers: int) -> Iterator[Stage]:
    """The stages of which a chunk begins now: those that are least far first."""
    while len(running) < workers:
        open_stages = [
            stage
            for stage in stages
            if campaign.of(stage).amount < stage.wanted and running.count(stage) < stage.at_once
        ]
        if not open_stages:
            return
        chosen = min(
            open_stages, key=lambda stage: (campaign.of(stage).amount / stage.wanted, running.count(stage))
        )
        running.append(chosen)
        yield chosen


def cores() -> int:
    """How many processes can work at one time here."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
