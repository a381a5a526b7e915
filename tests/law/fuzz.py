"""Random cases judged by the engine and by the definition; `python -m tests.fuzz` does it for as long as one likes.

A verdict is one action judged against one pattern. Every case draws its own few features, since with all of
them at once most patterns never come far. A mismatch is made small and kept in tests/law/mismatch, where a test replays
it for ever after. One case in ten is also judged with every rule broken in turn, which tells how often that rule
*decided*: how many verdicts are other ones when the definition does what somebody might naively do instead of the rule
(`tests/oracle/rule.py` says what). The whole trace is judged again, so what follows from a changed verdict counts too. A
rule that decides too few is a failure, since it was not put to the test. One case in five is judged with weights,
thresholds and signals too, and the risk of every action and what harm is nearest are compared. The rules for which a file is refused are put to
the test by spoiling policies: there a file that is refused for its mistake counts.
"""

import hashlib
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from tests.law.deciding import Answer, deciding
from tests.law.engine import results
from tests.law.reading import problems_of
from tests.law.spoil import spoil
from tests.law.strategy import ALL_FEATURES, Case, minimise, random_cases
from tests.law.weighing import by_definition, by_engine, weighed
from tests.oracle.definition import completions

__all__ = [
    "FILES",
    "LEAST_PER_MILLION",
    "LEAST_SAMPLED",
    "MISMATCHES",
    "Tally",
    "differs",
    "draw_cases",
    "judge",
    "keep",
]

FILES = "R27"  # the rule that is about files, not verdicts
MISMATCHES = Path(__file__).parent / "mismatch"
_TRACES_A_POLICY = 20
_SAMPLE = 10
_WEIGHED = 5
_SPOILT_A_POLICY = 2
# Of how many policies the last is taken as it comes; how many of its traces must give how many completions, else.
_DRAWS, _TRIED, _LIVELY = 4, 2, 3

# What seldom decides anything alone: how often it is drawn, and what it needs beside it.
_FOCUS: dict[str, tuple[int, set[str]]] = {
    "approvals": (1, {"unless"}),
    "cancels": (11, set()),
    "counting": (5, {"windows"}),
    "data_scope": (8, set()),
    "distinct": (5, {"multi_top"}),
    "flow_relation": (3, {"parents"}),
    "graph": (2, set()),
    "joins": (9, set()),
    "keys": (2, set()),
    "linked": (5, {"principal_scope", "delegation"}),
    "reports": (12, set()),
    "reviews": (7, set()),
    "sanitized": (27, {"flow_relation"}),
    "strangers": (4, {"parents", "flow_relation"}),
    "typed_keys": (8, {"keys"}),
    "unless": (13, {"principal_scope"}),
    "when": (7, set()),
    "windows": (14, {"keys"}),
    "without": (5, set()),
}
# A rule is exercised well enough when it decides this many of a million verdicts; judged only where so many were sampled.
LEAST_PER_MILLION = 1_000
LEAST_SAMPLED = 200_000


class Tally(NamedTuple):
    """What was judged. decided: by rule, verdicts that change without it, among `sampled` verdicts."""

    verdicts: int
    completions: int
    denied: int
    sampled: int
    decided: dict[str, int]
    mismatches: list[tuple[Case, bool]]
    refused: int = 0  # spoilt files refused for the right reason
    accepted: tuple[str, ...] = ()  # mistakes for which a file was not refused
    weights: int = 0  # actions whose risk was compared


def draw_cases(
    rng: random.Random, count: int = _TRACES_A_POLICY, wanted: frozenset[str] = frozenset()
) -> Iterator[Case]:
    """Cases of one random policy with a few random features, and those wanted.

    Most policies under which nothing completes are drawn again: they put few rules to the test.
    """
    for attempt in range(_DRAWS):
        features = {name for name in sorted(ALL_FEATURES) if rng.random() < 0.08}
        focus = rng.choices(list(_FOCUS), [weight for weight, _ in _FOCUS.values()])[0]
        chosen = features | _FOCUS[focus][1] | {focus, "causal_relation"} | wanted
        drawn = list(random_cases(rng, frozenset(chosen), count))
        if attempt + 1 == _DRAWS or _completions(drawn[:_TRIED]) >= _LIVELY:
            break
    return iter(drawn)


def _completions(cases: list[Case]) -> int:
    return sum(len(answer[1]) for case in cases for answer in _definition(case, force=False))


def differs(case: Case, *, force: bool) -> bool:
    """Whether the engine and the definition disagree anywhere, risks included, or the engine fails."""
    return _fails(lambda: _engine(case, force=force) != _definition(case, force=force)) or _fails(
        partial(_weighs_otherwise, case, force=force)
    )


def _fails(differ: Callable[[], bool]) -> bool:
    try:
        return differ()
    except Exception:  # noqa: BLE001  a crash on a valid case is a finding too
        return True


def judge(seed: int, policies: int) -> Tally:
    """Judge the cases of some policies; the same seed gives the same cases."""
    verdicts = completed = denied = sampled = refused = weights = 0
    accepted: list[str] = []
    decided: Counter[str] = Counter()
    mismatches: list[tuple[Case, bool]] = []
    number = 0
    for index in range(policies):
        rng = random.Random(seed * 1_000_003 + index)
        for case in draw_cases(rng):
            number += 1
            force = number % 3 == 0
            patterns = len(case.policy["patterns"])
            defined = _definition(case, force=force)
            if _fails(lambda: _engine(case, force=force) != defined):  # noqa: B023  asked at once
                mismatches.append((case, force))
            if number % _WEIGHED == 0:
                heavy = weighed(case)
                weights += len(defined)
                if _fails(partial(_weighs_otherwise, heavy, force=force)):
                    mismatches.append((heavy, force))
            verdicts += patterns * len(defined)
            completed += sum(len(answer[1]) for answer in defined)
            denied += sum(answer[3] == "DENY" for answer in defined)
            if number % _SAMPLE == 0:
                sampled += patterns * len(defined)
                decided.update(deciding(case, defined, partial(_definition, force=force)))
        for _ in range(_SPOILT_A_POLICY):
            spoilt, code, mistake = spoil(case.policy, rng)
            if code in {problem.rule for problem in problems_of(json.dumps(spoilt))}:
                refused += 1
            else:
                accepted.append(mistake)
    return Tally(
        verdicts, completed, denied, sampled, dict(decided), mismatches, refused, tuple(accepted), weights
    )


def _weighs_otherwise(case: Case, *, force: bool) -> bool:
    return by_engine(case, force=force) != by_definition(case, force=force)


def _engine(case: Case, *, force: bool) -> list[Answer]:
    return [_comparable(answer, force=force) for answer in results(*case, force=force)]


def _definition(case: Case, *, force: bool) -> list[Answer]:
    has_thresholds = not {"escalate_at", "deny_at"}.isdisjoint(case.policy["settings"])
    found = completions([case.policy], case.trace, case.graph, force=force, risks=has_thresholds)
    return [
        _comparable((each.id, each.completed, each.key_missing, each.verdict), force=force) for each in found
    ]


def _comparable(answer: Answer, *, force: bool) -> Answer:
    # When the trace says what happened only what was completed is compared (rule R18).
    return (answer[0], answer[1], [], "") if force else answer


def keep(case: Case, *, force: bool) -> Path:
    """Make a case in which the two differ small, and write it where a test replays it."""
    small = minimise(case, lambda smaller: differs(smaller, force=force))
    text = json.dumps({"force": force, **small._asdict()}, indent=1, sort_keys=True)
    MISMATCHES.mkdir(exist_ok=True)
    path = MISMATCHES / f"{hashlib.sha256(text.encode()).hexdigest()[:12]}.json"
    path.write_text(text + "\n", encoding="utf-8")
    return path
