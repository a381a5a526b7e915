"""What differs between two judgements of an action: the stored one and its replay, or under two rule sets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from graphsvc.core.evaluate import Evaluation
from graphsvc.core.trace import StoredVerdict
from graphsvc.core.value import Json
from graphsvc.core.verdict import ReasonCode

__all__ = ["Tally", "as_table", "difference", "outside_the_rules", "stored_differences"]

# Answers that no rule gives: the caller's token or the state of the service did.
_OUTSIDE = frozenset(
    code.value for code in ReasonCode if code.retryable or code is ReasonCode.caller_not_allowed
)


def outside_the_rules(stored: StoredVerdict) -> bool:
    """True when the stored answer cannot come from a replay, since no rule gave it."""
    return not _OUTSIDE.isdisjoint(stored.reasons or ())


def stored_differences(stored: StoredVerdict, evaluation: Evaluation) -> Iterator[dict[str, Json]]:
    """A row for everything in which a replay differs from what was stored: id, what, stored, replayed."""
    completed = _completed(evaluation)
    pairs: list[tuple[str, Json, Json]] = [
        ("verdict", stored.verdict.value, evaluation.verdict.value),
        ("enforced", stored.enforced.value, evaluation.enforced.value),
    ]
    if stored.completed is not None:
        pairs.append(("completed", [*sorted(stored.completed)], [*completed]))
    if stored.risk is not None:
        pairs.append(("risk before", stored.risk.before_micros, evaluation.risk.before_micros))
        pairs.append(("risk after", stored.risk.after_micros, evaluation.risk.after_micros))
    for what, was, now in pairs:
        if was != now:
            yield {"id": evaluation.request.id, "what": what, "stored": was, "replayed": now}


def difference(before: Evaluation, after: Evaluation) -> dict[str, Json] | None:
    """The two answers to one action, None when verdict and completions are the same."""
    was, now = _answer(before), _answer(after)
    return None if was == now else {"id": before.request.id, "before": was, "after": now}


def as_table(rows: Sequence[dict[str, Json]]) -> list[dict[str, Json]]:
    """The same differences with one value a column, for people."""
    flat: list[dict[str, Json]] = []
    for row in rows:
        line: dict[str, Json] = {"id": row["id"]}
        for side in ("before", "after"):
            answer = row[side]
            assert isinstance(answer, dict)
            line |= {side: answer["verdict"], f"completed {side}": answer["completed"]}
        flat.append(line)
    return flat


class Tally:
    """How many actions were judged twice, and how their verdicts moved."""

    def __init__(self) -> None:
        self.actions = 0
        self.differing = 0
        self._moves: Counter[str] = Counter()

    def count(self, before: Evaluation, after: Evaluation, *, differs: bool) -> None:
        """Take one action into account."""
        self.actions += 1
        if not differs:
            return
        self.differing += 1
        was, now = before.enforced.value, after.enforced.value
        self._moves[f"{was} -> {now}" if was != now else "other completions"] += 1

    def __str__(self) -> str:
        """One line for people."""
        moves = ", ".join(f"{count:,} {move}" for move, count in sorted(self._moves.items()))
        return f"{self.actions:,} actions, {self.differing:,} differ" + (f": {moves}" if moves else "")


def _answer(evaluation: Evaluation) -> dict[str, Json]:
    return {"verdict": evaluation.enforced.value, "completed": [*_completed(evaluation)]}


def _completed(evaluation: Evaluation) -> list[str]:
    return sorted(completion.pattern for completion in evaluation.completions)
