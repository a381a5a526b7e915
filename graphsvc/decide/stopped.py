"""What would have been stopped: actions that were permitted although rules spoke against them.

Those are rules that are observed, or on trial, or that an emergency went past. Told from the decisions as they were
recorded, so it says what was judged then, not what would be now.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from graphsvc.core.governance import glass_of
from graphsvc.core.record import Decided
from graphsvc.core.verdict import ReasonCode, Verdict, most_severe

__all__ = ["Stopped", "StoppedAction", "StoppedTally", "would_have_stopped"]


@dataclass(frozen=True, slots=True)
class StoppedAction:
    """One action. answered: what the caller was told; would_be: what would have been. why: observed, trial or emergency."""

    seq: int
    decided: Decided
    answered: Verdict
    would_be: Verdict
    why: str
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StoppedTally:
    """How often: by a name, the verdict that would have been given, and the count."""

    name: str
    verdict: Verdict
    count: int


@dataclass(slots=True)
class Stopped:
    """decisions: how many were looked at. examples: the newest first. truncated: there are more than the examples."""

    decisions: int = 0
    denied: int = 0
    escalated: int = 0
    by_rule: list[StoppedTally] = field(default_factory=list)
    by_identity: list[StoppedTally] = field(default_factory=list)
    examples: list[StoppedAction] = field(default_factory=list)
    truncated: bool = False


def would_have_stopped(
    decisions: Iterable[tuple[int, Decided]], *, limit: int, trials: bool = True
) -> Stopped:
    """decisions: with their numbers, newest first. trials: whether rules on trial count as well."""
    found = Stopped()
    rules: Counter[tuple[str, Verdict]] = Counter()
    identities: Counter[tuple[str, Verdict]] = Counter()
    for seq, decided in decisions:
        found.decisions += 1
        action = _stopped(seq, decided, trials=trials)
        if action is None:
            continue
        if action.would_be is Verdict.DENY:
            found.denied += 1
        else:
            found.escalated += 1
        rules.update((rule, action.would_be) for rule in action.rules)
        identities[decided.request.subject.id, action.would_be] += 1
        if len(found.examples) < limit:
            found.examples.append(action)
        else:
            found.truncated = True
    found.by_rule = _tallied(rules)
    found.by_identity = _tallied(identities)
    return found


def _stopped(seq: int, decided: Decided, *, trials: bool) -> StoppedAction | None:
    answered = decided.answered
    told = [shadow for shadow in decided.shadow if not shadow.enforced] if trials else []
    shadow = most_severe(*[each.verdict for each in told])
    would_be = most_severe(decided.verdict, shadow)
    if most_severe(answered, would_be) is answered:
        return None
    if decided.verdict is would_be:
        spoke = [
            reason.rule or reason.code.value
            for reason in decided.reasons
            if reason.verdict is would_be and reason.code is not ReasonCode.observe_only
        ]
        why = "emergency" if glass_of(decided) is not None else "observed"
        return StoppedAction(seq, decided, answered, would_be, why, tuple(dict.fromkeys(spoke)))
    names = dict.fromkeys(f"{each.pack}/{each.pattern}" for each in told if each.verdict is would_be)
    return StoppedAction(seq, decided, answered, would_be, "trial", tuple(names))


def _tallied(counter: Counter[tuple[str, Verdict]]) -> list[StoppedTally]:
    ordered = sorted(counter.items(), key=lambda item: (-item[1], item[0][0], item[0][1]))
    return [StoppedTally(name, verdict, count) for (name, verdict), count in ordered[:100]]
