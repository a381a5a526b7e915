"""Risk, thresholds and nearness of random cases, by the engine and by the definition."""

import copy
import json
import random
from typing import NamedTuple

from graphsvc.core.near import nearest
from tests.law.engine import steps
from tests.law.strategy import Case, Record
from tests.oracle.definition import completions

__all__ = ["Weight", "by_definition", "by_engine", "weighed"]

_SEVERITIES = ("low", "medium", "high", "critical")
_HARMS = ("fraud", "leak")


class Weight(NamedTuple):
    """What is compared of an action. nearest: pattern, and steps missing, which are not told of patterns that count."""

    action: str
    verdict: str
    before: int
    after: int
    nearest: list[tuple[str, int | None]]


def weighed(case: Case) -> Case:
    """The case with weights of all kinds, thresholds, and signals about those who act; the same case gives the same.

    Traces under one policy have the same weights, for a policy is dear to load.
    """
    has_reviews = any(record["type"] == "approve" or record.get("review") for record in case.trace)
    policy = _weighed(case.policy, random.Random(json.dumps(case.policy)), has_reviews=has_reviews)
    return Case(policy, case.graph, _warned(case.trace, random.Random(json.dumps(case.trace))))


def _weighed(policy: Record, rng: random.Random, *, has_reviews: bool) -> Record:
    policy = copy.deepcopy(policy)
    for pattern in policy["patterns"]:
        pattern |= {"severity": rng.choice(_SEVERITIES), "harm": rng.choice(_HARMS)}
        if not has_reviews and pattern["on_match"] == "monitor" and rng.random() < 0.7:
            pattern["on_match"] = "escalate"
    # What an approved review lets through is defined for completions alone.
    if not has_reviews and rng.random() < 0.5:
        policy["settings"] |= {"escalate_at": rng.choice([0.05, 0.2, 0.3]), "deny_at": rng.choice([0.5, 0.8])}
    return policy


def _warned(trace: list[Record], rng: random.Random) -> list[Record]:
    acting = [record for record in trace if record["type"] == "action"]
    trace = list(trace)
    for _ in range(rng.choice([0, 0, 1, 2])):
        about = rng.choice(acting)
        warned = rng.choice([about["subject"], *(about.get("on_behalf_of") or ())])
        signal = {
            "type": "signal",
            "identity": warned["id"],
            "weight": rng.choice([0.1, 0.5, 1.0]),
            "half_life": rng.choice(["10m", "1h"]),
            "cause": "test",
            "at": min(record["at"] for record in acting),
        }
        trace.insert(rng.randrange(len(trace)), signal)
    return trace


def by_engine(case: Case, *, force: bool) -> list[Weight]:
    """What the engine says of every action."""
    counting = {pattern["id"] for pattern in case.policy["patterns"] if "count" in pattern}
    found: list[Weight] = []
    for world, told in steps(*case, force=force):
        near = nearest(told.scopes, world.facts(), told.at_ms)
        left = [(each.pattern, None if each.pattern in counting else len(each.remaining)) for each in near]
        verdict = "" if force else str(told.verdict)
        found.append(Weight(told.request.id, verdict, told.risk.before_micros, told.risk.after_micros, left))
    return found


def by_definition(case: Case, *, force: bool) -> list[Weight]:
    """What the definition says of every action."""
    counting = {pattern["id"] for pattern in case.policy["patterns"] if "count" in pattern}
    found: list[Weight] = []
    for told in completions([case.policy], case.trace, case.graph, force=force, risks=True):
        assert told.risk is not None
        left: list[tuple[str, int | None]] = [
            (name, None if name in counting else missing) for name, missing in told.nearest
        ]
        found.append(Weight(told.id, "" if force else told.verdict, *told.risk, left))
    return found
