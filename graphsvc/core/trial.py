"""Packs on trial: their patterns run beside those in force, and what they would have said is told, without effect.

Each pattern is compiled like any other, under a name of its own and as one that only watches, so that it costs what a
pattern costs and moves no score. What actions mean is taken from the packs as they would be with the one on trial
published. In a share of sessions, chosen by the hash of their name, a completion takes effect: it can only add to what
the rules in force say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from graphsvc.core.condition import EventTest
from graphsvc.core.event import Declaration, Event
from graphsvc.core.level import Levels, compile_levels
from graphsvc.core.pattern import CompiledPattern, Matcher, compile_pattern
from graphsvc.core.policy.document import Policy
from graphsvc.core.score import Weights

__all__ = ["Declare", "Shadow", "Trial", "compile_trials", "in_share", "unjudged"]

_MARK = "~trial"
_WHOLE_PPM = 1_000_000

Declare = Callable[[str], Declaration]


@dataclass(frozen=True, slots=True)
class Trial:
    """A pack on trial. share_ppm: of sessions in which it takes effect."""

    policy: Policy
    share_ppm: int = 0


@dataclass(frozen=True, slots=True)
class Shadow:
    """A pattern on trial by the name it was written with. on_match: what it would have done."""

    pattern: str
    pack: str
    version: str
    on_match: str
    share_ppm: int
    levels: Levels = ()


def in_share(session: str, share_ppm: int) -> bool:
    """True for that share of all names; the same name always gets the same answer, and stays in when it grows."""
    digest = sha256(session.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8]) * _WHOLE_PPM < share_ppm << 64


def unjudged(policy: Policy) -> list[str]:
    """What of a pack a trial cannot judge, in words."""
    told = [
        f"the pattern `{pattern.id}` speaks of rights held; `graphsvc policy diff --replay` judges it"
        for pattern in policy.patterns
        if pattern.kind in {"rights", "reach"}
    ]
    settings = [name for name, value in policy.settings if value is not None]
    if settings:
        told.append(f"settings ({', '.join(settings)}) have no effect on trial")
    if policy.provenance is not None:
        told.append("the provenance table has no effect on trial")
    return told


def compile_trials(
    trials: Sequence[Trial],
    declares: Callable[[Policy], Declare],
    declare: Declare,
    weights: Weights,
    *,
    number: int,
    harm_number: int,
    slots: Iterator[int],
    bits: Iterator[int],
) -> tuple[list[CompiledPattern], dict[str, Shadow]]:
    """Their patterns, and what each stands for by its compiled name.

    declares: what actions mean were a pack in force; declare: what they mean now. number, harm_number: the first
    that are free.
    """
    patterns: list[CompiledPattern] = []
    shadows: dict[str, Shadow] = {}
    for trial in trials:
        policy = trial.policy
        general = compile_levels(policy.levels)
        meaning = _Meaning(declares(policy), declare, policy)
        for pattern in policy.patterns:
            if pattern.kind in {"rights", "reach"}:
                continue
            name = f"{pattern.id}{_MARK}"
            watching = pattern.model_copy(update={"id": name, "on_match": "monitor", "harm": name})
            compiled = compile_pattern(
                policy,
                watching,
                weights,
                number=number + len(patterns),
                harm_number=harm_number + len(patterns),
                slots=slots,
                bits=bits,
            )
            patterns.append(meaning.given(compiled))
            shadows[name] = Shadow(
                pattern.id,
                policy.pack.id,
                policy.pack.version,
                pattern.on_match,
                trial.share_ppm,
                (*compile_levels(pattern.levels), *general),
            )
    return patterns, shadows


class _Meaning:
    """What actions mean to a pack on trial."""

    def __init__(self, trial: Declare, now: Declare, policy: Policy) -> None:
        self._trial = trial
        self._now = now
        # Most drafts change patterns only; then nothing has to be asked twice.
        self._changes_labels = any(
            set(entry.result.labels) - set(now(glob).result_labels) for glob, entry in policy.actions.items()
        )

    def given(self, pattern: CompiledPattern) -> CompiledPattern:
        """The pattern with its conditions on effects and declared labels judged by this meaning."""
        return replace(
            pattern,
            steps=tuple(replace(step, matcher=self._matcher(step.matcher)) for step in pattern.steps),
            guards=tuple(replace(guard, matcher=self._matcher(guard.matcher)) for guard in pattern.guards),
            cuts=tuple(replace(cut, matcher=self._matcher(cut.matcher)) for cut in pattern.cuts),
            resets=tuple(replace(reset, matcher=self._matcher(reset.matcher)) for reset in pattern.resets),
            count=replace(pattern.count, matcher=self._matcher(pattern.count.matcher))
            if pattern.count
            else None,
        )

    def _matcher(self, matcher: Matcher) -> Matcher:
        fits, declare = matcher.fits_action, self._trial

        def fits_action(action: str, _: Declaration) -> bool:
            return fits(action, declare(action))

        if matcher.labels is None or not self._changes_labels:
            return replace(matcher, fits_action=fits_action)
        fitting = matcher.labels

        def test(event: Event) -> bool:
            return fitting(event.labels.union(declare(event.request.action).result_labels))

        tests: tuple[EventTest, ...] = (test, *matcher.tests)
        return replace(matcher, fits_action=fits_action, labels=None, tests=tests, reads_labels=True)
