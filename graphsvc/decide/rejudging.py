"""The replay diff: stored history under a draft, or under the packs of another moment, as a summary with examples."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

from graphsvc.core.policy.document import Policy
from graphsvc.core.record import Decided, Record
from graphsvc.core.rejudge import (
    Changed,
    Difference,
    Whole,
    concerned_sessions,
    judged_by,
    only_patterns,
)
from graphsvc.core.undecided import Undecided
from graphsvc.core.verdict import Verdict

__all__ = ["Move", "ReplayDiff", "Touched", "Unstored", "replay_diff"]

_SLICE = 50


@dataclass(frozen=True, slots=True)
class Move:
    """How often a verdict moved."""

    before: Verdict
    after: Verdict
    count: int


@dataclass(frozen=True, slots=True)
class Touched:
    """How often somebody, or a pattern, would have been answered more severely, or milder."""

    name: str
    tightened: int
    loosened: int


@dataclass(frozen=True, slots=True)
class Unstored:
    """An attribute that only the draft reads, and how many decisions lack it."""

    name: str
    decisions: int


@dataclass(slots=True)
class ReplayDiff:
    """What differs. decisions: how many were judged again or known to stay; differing: with other verdict or completions.

    moves: verdicts that changed. whole: every decision was judged by both sets; else only what changed patterns
    concern was, which comes to the same. undecidable: the draft reads attributes of them that no rule asked for then;
    unstored: which. complete: False when the time was over first. examples: the oldest first.
    """

    decisions: int = 0
    differing: int = 0
    passed_over: int = 0
    whole: bool = False
    complete: bool = True
    moves: list[Move] = field(default_factory=list)
    identities: list[Touched] = field(default_factory=list)
    patterns: list[Touched] = field(default_factory=list)
    undecidable: int = 0
    unstored: list[Unstored] = field(default_factory=list)
    examples: list[Difference] = field(default_factory=list)


async def replay_diff(
    read: Callable[[int], AsyncIterator[tuple[int, Record]]],
    held: Sequence[Policy],
    draft: Sequence[Policy],
    *,
    limit: int,
    from_ms: int | None = None,
    to_ms: int | None = None,
    within_s: float | None = None,
    whole: bool = False,
) -> ReplayDiff:
    """read: records behind a number, oldest first. held, draft: every pack in force before and after.

    All of history is followed, for what came before matters; from_ms, to_ms: which decisions are told of. within_s:
    after how long to stop; None: when done. whole: judge everything again though it is not needed.
    """
    loop = asyncio.get_running_loop()
    ends_s = loop.time() + within_s if within_s is not None else None
    records = [each async for each in read(0)]
    reduced = None if whole else only_patterns(held, draft, (record for _, record in records))
    judge: Changed | Whole
    if reduced is not None:
        judge = Changed(*reduced, concerned_sessions(*reduced, (record for _, record in records)))
    else:
        judge = Whole(held, draft, recorded=judged_by(held, (record for _, record in records)))
    undecided = Undecided(held, draft)
    unstored: Counter[str] = Counter()
    found = ReplayDiff(whole=reduced is None)
    tally = _Tally()
    number = 0
    for seq, record in records:
        difference = judge.take(record, seq)
        number += 1
        if number % _SLICE == 0:
            await asyncio.sleep(0)
            if ends_s is not None and loop.time() > ends_s:
                found.complete = False
                break
        if not isinstance(record, Decided):
            continue
        missing = undecided.missing(record, judge.estate)
        if not _between(record.at_ms, from_ms, to_ms):
            continue
        found.decisions += 1
        if missing:
            found.undecidable += 1
            unstored.update(missing)
        elif difference is not None:
            found.differing += 1
            tally.take(difference)
            if len(found.examples) < limit:
                found.examples.append(difference)
    found.passed_over = judge.passed_over if isinstance(judge, Changed) else 0
    tally.tell(found)
    found.unstored = [Unstored(name, count) for name, count in sorted(unstored.items())]
    return found


def _between(at_ms: int, from_ms: int | None, to_ms: int | None) -> bool:
    return (from_ms is None or at_ms >= from_ms) and (to_ms is None or at_ms < to_ms)


_RANK = {Verdict.PERMIT: 0, Verdict.ESCALATE: 1, Verdict.DENY: 2}


class _Tally:
    def __init__(self) -> None:
        self.moves: Counter[tuple[Verdict, Verdict]] = Counter()
        self.identities: dict[str, list[int]] = {}
        self.patterns: dict[str, list[int]] = {}

    def take(self, difference: Difference) -> None:
        was, now = difference.before, difference.after
        if was is not now:
            self.moves[was, now] += 1
            side = 0 if _RANK[now] > _RANK[was] else 1
            self.identities.setdefault(difference.decided.request.subject.id, [0, 0])[side] += 1
        before, after = set(difference.completed_before), set(difference.completed_after)
        for name in after - before:
            self.patterns.setdefault(name, [0, 0])[0] += 1
        for name in before - after:
            self.patterns.setdefault(name, [0, 0])[1] += 1

    def tell(self, found: ReplayDiff) -> None:
        found.moves = [Move(was, now, count) for (was, now), count in sorted(self.moves.items())]
        found.identities, found.patterns = _touched(self.identities), _touched(self.patterns)


def _touched(counts: dict[str, list[int]]) -> list[Touched]:
    ordered = sorted(counts.items(), key=lambda item: (-sum(item[1]), item[0]))
    return [Touched(name, *both) for name, both in ordered[:100]]
