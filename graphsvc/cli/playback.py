"""A trace played through one replayer or two, and what is printed of it."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator

from graphsvc.cli.comparison import Tally, as_table, difference, outside_the_rules, stored_differences
from graphsvc.cli.output import Format, print_rows, progress, warn
from graphsvc.cli.pack import PackChoice
from graphsvc.cli.replayer import Replayer, encode, outcome_record
from graphsvc.cli.warning import Warnings
from graphsvc.core.evaluate import Evaluation
from graphsvc.core.trace import TraceAction, TraceItem, warnings_of
from graphsvc.core.value import Json
from graphsvc.errors import BadInput

__all__ = ["Playback"]

_NOTHING = "the trace holds no actions"


class Playback:
    """Items to play once. Each way to play tells warnings on stderr and True when something differs."""

    def __init__(self, items: Iterable[TraceItem], choice: PackChoice) -> None:
        self._items = items
        self._choice = choice
        self._warnings = Warnings()

    def judge(self, replayer: Replayer, form: Format, *, micros: bool) -> bool:
        """Every verdict; nothing to differ from. micros: also how long each took."""
        rows: list[dict[str, Json]] = []
        for _, (evaluation,), took_ns in self._steps(replayer):
            row = outcome_record(evaluation, took_ns if micros else None)
            if form is Format.jsonl:
                sys.stdout.buffer.write(encode(row))
            else:
                rows.append(row)
        if form is not Format.jsonl:
            print_rows(rows, form, empty=_NOTHING)
        return False

    def verify(self, replayer: Replayer, form: Format) -> bool:
        """What differs from the verdicts that the trace holds; BadInput when it holds none."""
        rows: list[dict[str, Json]] = []
        actions = compared = outside = 0
        for item, (evaluation,), _ in self._steps(replayer):
            actions += 1
            if item.stored is None:
                continue
            if outside_the_rules(item.stored):
                outside += 1
                continue
            compared += 1
            rows += stored_differences(item.stored, evaluation)
        if actions and not compared + outside:
            raise BadInput(
                "--check: no action of the trace holds a stored verdict; "
                "use one that `graphsvc export trace` wrote",
                field="check",
            )
        if rows or form is not Format.table:
            print_rows(rows, form)
        differing = len({row["id"] for row in rows})
        told = [f"{compared:,} stored verdicts compared, {differing:,} differ"]
        if outside:
            told.append(f"{outside:,} not given by rules")
        if untold := actions - compared - outside:
            told.append(f"{untold:,} actions without a stored verdict")
        print("; ".join(told), file=sys.stderr)
        return bool(rows)

    def compare(self, before: Replayer, after: Replayer, form: Format) -> bool:
        """The actions that two sets of packs answer differently."""
        rows: list[dict[str, Json]] = []
        tally = Tally()
        for _, (was, now), _ in self._steps(before, after):
            row = difference(was, now)
            tally.count(was, now, differs=row is not None)
            if row is None:
                continue
            if form is Format.jsonl:
                sys.stdout.buffer.write(encode(row))
            else:
                rows.append(row)
        if form is not Format.jsonl:
            print_rows(as_table(rows) if form is Format.table else rows, form, empty="nothing differs")
        print(tally, file=sys.stderr)
        return tally.differing > 0

    def _steps(self, *replayers: Replayer) -> Iterator[tuple[TraceAction, tuple[Evaluation, ...], int]]:
        """Every action with one evaluation a replayer, and how long they took together."""
        with progress("replaying") as advance:
            for item in self._items:
                for message in (*warnings_of(item), *self._choice.warnings(item)):
                    self._warnings.tell(message)
                if self._choice.takes(item):
                    for replayer in replayers:
                        self._choice.prove(item, replayer.world)
                    started = time.perf_counter_ns()
                    evaluations = tuple(filter(None, [replayer.step(item) for replayer in replayers]))
                    took_ns = time.perf_counter_ns() - started
                    # Both say the same: warnings are about the trace, not about rules.
                    for message in replayers[0].warnings:
                        self._warnings.tell(message)
                    for replayer in replayers:
                        replayer.warnings.clear()
                    if isinstance(item, TraceAction):
                        yield item, evaluations, took_ns
                advance()
        self._warnings.close()


def warn_of_packs(missing: Iterable[str], live: str) -> None:
    """Packs that are in force in a live store, and that nobody gave for the comparison."""
    for pack in sorted(missing):
        warn(f"--policy: `{pack}` is in force in `{live}` but not given; it counts before only")
