"""Random comparisons for as long as one likes: `python -m tests.fuzz --help`.

Engine against definition, rights and closures against theirs, and the engine against Cypher on a real Neo4j where
Java is. Mismatches of the engine are made small and kept in tests/law/mismatch, where a test replays them for ever after.
Ends with 1 when anything differed, or when a rule decided too few verdicts to be called tested.
"""

import argparse
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from tests.fuzz.campaign import Campaign, cores, run
from tests.fuzz.report import failures, lines
from tests.fuzz.stage import STAGES, Stage, cypher_stage

_STATE = Path(".fuzz/run.json")
_QUIET_S = 60.0  # between lines where there is no terminal


def main(arguments: list[str] | None = None) -> int:
    """Run, show progress, print what was compared."""
    asked = _parser().parse_args(arguments)
    seed = int(time.time()) if asked.seed is None else asked.seed
    campaign = Campaign.load(asked.state) if asked.resume else Campaign(seed)
    wanted = {"engine": asked.verdicts, "rights": asked.checks, "closures": asked.closures}
    wanted |= {"reach": asked.distances, "entitlement": asked.decisions}
    stages = [stage._replace(wanted=wanted[stage.name]) for stage in STAGES]
    until = None if asked.minutes is None else time.monotonic() + asked.minutes * 60
    left_out: list[str] = []
    with ExitStack() as stack:
        if asked.cypher:
            found = stack.enter_context(cypher_stage(asked.cypher))
            if isinstance(found, Stage):
                stages.append(found)
            else:
                left_out.append(f"cypher: not run: {found}")
        stages = [stage for stage in stages if stage.wanted]
        told = stack.enter_context(_Teller(campaign, stages, asked.state))
        stopped = False
        try:
            run(campaign, stages, workers=asked.workers, until=until, told=told.tell)
        except KeyboardInterrupt:
            stopped = True
    campaign.save(asked.state)
    for line in [*lines(campaign, stages), *left_out]:
        print(line)
    found_wrong = failures(campaign, stages)
    for line in found_wrong:
        print(line)
    if stopped or any(campaign.of(stage).amount < stage.wanted for stage in stages):
        print(f"not finished; go on with: --resume --state {asked.state}")
    return 1 if found_wrong else 130 if stopped else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz", description=(__doc__ or "").partition("\n")[0]
    )
    amounts = {stage.name: stage.wanted for stage in STAGES}
    parser.add_argument(
        "--verdicts", type=int, default=amounts["engine"], help="of the engine (default %(default)s)"
    )
    parser.add_argument(
        "--checks", type=int, default=amounts["rights"], help="of rights (default %(default)s)"
    )
    parser.add_argument(
        "--closures", type=int, default=amounts["closures"], help="of rights (default %(default)s)"
    )
    parser.add_argument(
        "--distances", type=int, default=amounts["reach"], help="to a tier (default %(default)s)"
    )
    parser.add_argument(
        "--decisions", type=int, default=amounts["entitlement"], help="of entitlement (default %(default)s)"
    )
    parser.add_argument(
        "--cypher", type=int, default=20_000, help="verdicts compared with Cypher (default %(default)s)"
    )
    parser.add_argument("--minutes", type=float, default=None, help="end after so long, finished or not")
    parser.add_argument("--seed", type=int, default=None, help="default: the time")
    parser.add_argument("--workers", type=int, default=cores(), help="processes (default %(default)s)")
    parser.add_argument("--resume", action="store_true", help="go on where the last run ended")
    parser.add_argument(
        "--state", type=Path, default=_STATE, help="what --resume reads (default %(default)s)"
    )
    return parser


class _Teller:
    """Bars on a terminal, a line now and then elsewhere; and the state on the disk after each chunk."""

    def __init__(self, campaign: Campaign, stages: list[Stage], state: Path) -> None:
        self._campaign, self._stages, self._state = campaign, stages, state
        self._said = time.monotonic()
        console = Console(stderr=True)
        self._bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[wrong]} mismatches"),
            console=console,
            disable=not console.is_terminal,
        )
        self._tasks = {
            stage.name: self._bars.add_task(stage.name, total=stage.wanted, wrong=0) for stage in stages
        }

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._bars.stop()

    def tell(self) -> None:
        """Show and save how far everything is."""
        self._campaign.save(self._state)
        for stage in self._stages:
            progress = self._campaign.of(stage)
            self._bars.update(
                self._tasks[stage.name], completed=progress.amount, wrong=len(progress.mismatches)
            )
        if self._bars.disable and time.monotonic() - self._said > _QUIET_S:
            self._said = time.monotonic()
            parts = [
                f"{stage.name} {self._campaign.of(stage).amount:,} of {stage.wanted:,}"
                for stage in self._stages
            ]
            wrong = sum(len(progress.mismatches) for progress in self._campaign.stages.values())
            print(f"{'; '.join(parts)}; {wrong} mismatches", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
