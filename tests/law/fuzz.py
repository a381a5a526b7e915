"""The engine against the definition for as long as one likes: `python -m tests.law.fuzz --help`.

A verdict is one action judged against one pattern. Every case draws its own few features, since with all of
them at once most patterns never come far. A mismatch is made small and kept in tests/law/mismatch, where a test replays
it for ever after. One case in forty is also judged with every rule switched off in turn, which tells how often
that rule decided a verdict.
"""

import argparse
import hashlib
import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import NamedTuple

from tests.law.engine import results
from tests.law.strategy import ALL_FEATURES, Case, minimise, random_cases
from tests.oracle.definition import completions
from tests.oracle.rule import NAIVE, without

__all__ = ["Tally", "differs", "draw_cases", "judge"]

MISMATCHES = Path(__file__).parent / "mismatch"
_TRACES_A_POLICY = 20
_SAMPLE = 40
_CHUNK = 40  # policies a worker judges before it reports

# What seldom decides anything alone, with what it needs beside it.
_FOCUS: dict[str, set[str]] = {
    "distinct": {"multi_top"},
    "sanitized": {"flow_relation"},
    "data_scope": set(),
    "flow_relation": {"parents"},
    "reports": set(),
    "cancels": set(),
    "linked": {"principal_scope", "delegation"},
    "keys": set(),
    "counting": {"windows"},
    "reviews": set(),
    "approvals": {"unless"},
    "graph": set(),
    "unless": {"principal_scope"},
    "windows": {"keys"},
    "without": set(),
}

Answer = tuple[str, list[str], list[str], str]


class Tally(NamedTuple):
    """What was judged. decided: by rule, verdicts that change without it, among `sampled` verdicts."""

    verdicts: int
    completions: int
    denied: int
    sampled: int
    decided: dict[str, int]
    mismatches: list[tuple[Case, bool]]


def draw_cases(
    rng: random.Random, count: int = _TRACES_A_POLICY, wanted: frozenset[str] = frozenset()
) -> Iterator[Case]:
    """Cases of one random policy with a few random features, and those wanted."""
    features = {name for name in sorted(ALL_FEATURES) if rng.random() < 0.08}
    focus = rng.choice(sorted(_FOCUS))
    return random_cases(rng, frozenset(features | _FOCUS[focus] | {focus, "causal_relation"} | wanted), count)


def differs(case: Case, *, force: bool) -> bool:
    """Whether the engine and the definition disagree anywhere, or the engine fails."""
    try:
        return _engine(case, force=force) != _definition(case, force=force)
    except Exception:  # noqa: BLE001  a crash on a valid case is a finding too
        return True


def judge(seed: int, policies: int) -> Tally:
    """Judge the cases of some policies; the same seed gives the same cases."""
    verdicts = completed = denied = sampled = 0
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
            try:
                agrees = _engine(case, force=force) == defined
            except Exception:  # noqa: BLE001  a crash on a valid case is a finding too
                agrees = False
            if not agrees:
                mismatches.append((case, force))
            verdicts += patterns * len(defined)
            completed += sum(len(answer[1]) for answer in defined)
            denied += sum(answer[3] == "DENY" for answer in defined)
            if number % _SAMPLE == 0:
                sampled += patterns * len(defined)
                decided.update(_deciding(case, defined, force=force))
    return Tally(verdicts, completed, denied, sampled, dict(decided), mismatches)


def _engine(case: Case, *, force: bool) -> list[Answer]:
    return [_comparable(answer, force=force) for answer in results(*case, force=force)]


def _definition(case: Case, *, force: bool) -> list[Answer]:
    found = completions([case.policy], case.trace, case.graph, force=force)
    return [
        _comparable((each.id, each.completed, each.key_missing, each.verdict), force=force) for each in found
    ]


def _comparable(answer: Answer, *, force: bool) -> Answer:
    # When the trace says what happened only what was completed is compared (rule R18).
    return (answer[0], answer[1], [], "") if force else answer


def _deciding(case: Case, defined: list[Answer], *, force: bool) -> Counter[str]:
    decided: Counter[str] = Counter()
    for rule in NAIVE:
        with without(rule):
            naive = _definition(case, force=force)
        for one, other in zip(defined, naive, strict=True):
            decided[rule] += len(set(one[1]) ^ set(other[1])) + len(set(one[2]) ^ set(other[2]))
    return decided


def _keep(case: Case, *, force: bool) -> Path:
    small = minimise(case, lambda smaller: differs(smaller, force=force))
    text = json.dumps({"force": force, **small._asdict()}, indent=1, sort_keys=True)
    MISMATCHES.mkdir(exist_ok=True)
    path = MISMATCHES / f"{hashlib.sha256(text.encode()).hexdigest()[:12]}.json"
    path.write_text(text + "\n", encoding="utf-8")
    return path


def main() -> int:
    """Run, show progress, print the table; exit 1 when anything disagreed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--verdicts", type=int, default=1_000_000, help="how many at least (default 1000000)")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="default: the time")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    total = Tally(0, 0, 0, 0, {}, [])
    started = time.monotonic()
    with ProcessPoolExecutor(asked.workers) as pool:
        chunk = 0
        running: set[Future[Tally]] = set()
        while total.verdicts < asked.verdicts:
            while len(running) < asked.workers * 2:
                running.add(pool.submit(judge, asked.seed + chunk, _CHUNK))
                chunk += 1
            done = next(as_completed(running))
            running.discard(done)
            total = _added(total, done.result())
            rate = total.verdicts / (time.monotonic() - started)
            told = f"\r{total.verdicts:,} verdicts, {rate:,.0f}/s, {len(total.mismatches)} mismatches"
            print(told, end="", file=sys.stderr, flush=True)
        for future in running:
            future.cancel()
    print(file=sys.stderr)
    _report(total, asked.seed, time.monotonic() - started)
    for case, force in total.mismatches[:10]:
        print("kept", _keep(case, force=force))
    return 1 if total.mismatches else 0


def _added(one: Tally, other: Tally) -> Tally:
    decided = Counter(one.decided)
    decided.update(other.decided)
    return Tally(
        one.verdicts + other.verdicts,
        one.completions + other.completions,
        one.denied + other.denied,
        one.sampled + other.sampled,
        dict(decided),
        one.mismatches + other.mismatches,
    )


def _report(total: Tally, seed: int, seconds: float) -> None:
    print(
        f"seed {seed}: {total.verdicts:,} verdicts, {total.completions:,} completions, {total.denied:,} actions denied, "
        f"{len(total.mismatches)} mismatches, {seconds:.0f} s"
    )
    print(f"rules that decided a verdict, per million ({total.sampled:,} verdicts sampled):")
    for rule, naive in NAIVE.items():
        share = total.decided.get(rule, 0) * 1_000_000 / max(total.sampled, 1)
        print(f"  {rule:4s} {share:9,.0f}   else: {naive}")


if __name__ == "__main__":
    sys.exit(main())
