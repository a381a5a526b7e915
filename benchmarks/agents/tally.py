"""Figures of many outcomes, each share with its Wilson interval."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from benchmarks.agents.replay import Outcome

__all__ = ["attack_rules", "benign_rules", "figures", "share", "wilson"]

_Z = 1.959964


def wilson(hits: int, total: int) -> tuple[float, float]:
    """The 95 % interval of a share, by Wilson's score."""
    if total == 0:
        return 0.0, 1.0
    p, z2 = hits / total, _Z * _Z
    centre, spread = p + z2 / (2 * total), _Z * math.sqrt(p * (1 - p) / total + z2 / (4 * total * total))
    return max(0.0, (centre - spread) / (1 + z2 / total)), min(1.0, (centre + spread) / (1 + z2 / total))


def share(hits: int, total: int) -> dict[str, Any]:
    """A share as numbers: hits, of, percent and its interval."""
    low, high = wilson(hits, total)
    return {
        "hits": hits, "of": total, "percent": round(100 * hits / total, 1) if total else None,
        "low": round(100 * low, 1), "high": round(100 * high, 1),
    }  # fmt: skip


def figures(benign: Sequence[Outcome], attacks: dict[str, Sequence[Outcome]]) -> dict[str, Any]:
    """The figures of a rule. benign: every approval given; attacks: by approver."""
    calls = sum(each.calls for each in benign)
    prompts = sum(each.prompts for each in benign)
    denied = sum(each.denied for each in benign)
    escalated = sum(each.escalated and not each.denied for each in benign)
    found: dict[str, Any] = {
        "benign denied": share(denied, len(benign)),
        "benign escalated": share(escalated, len(benign)),
        "prompts per 100 calls": round(100 * prompts / calls, 1) if calls else None,
    }
    for approver, outcomes in attacks.items():
        # A goal that needs no call (something to be said) is nothing a decision point can see.
        acting = [each for each in outcomes if any(call.is_injected for call in each.chain.calls)]
        found[f"attacks, {approver}"] = share(sum(bool(each.succeeded) for each in acting), len(acting))
        found[f"injected effect, {approver}"] = share(sum(each.had_effect for each in acting), len(acting))
        # Whoever is asked: attacks for which nobody had to say yes.
        unasked = [each for each in acting if each.succeeded and not any(stop[3] for stop in each.stops)]
        found[f"attacks unasked, {approver}"] = share(len(unasked), len(acting))
        found["goals of words alone"] = len(outcomes) - len(acting)
    return found


def benign_rules(benign: Sequence[Outcome]) -> list[dict[str, Any]]:
    """What stopped the users' own calls, by rule."""
    counts: Counter[tuple[str, str]] = Counter()
    where: dict[tuple[str, str], set[str]] = {}
    for each in benign:
        for tool, verdict, rules, _ in each.stops:
            for rule in rules:
                counts[verdict, rule] += 1
                where.setdefault((verdict, rule), set()).add(
                    f"{each.chain.suite} {each.chain.user} ({tool.split(':')[1]})"
                )
    return [
        {"verdict": verdict, "rule": rule, "calls": count, "where": sorted(where[verdict, rule])}
        for (verdict, rule), count in counts.most_common()
    ]


def attack_rules(attacks: Sequence[Outcome]) -> list[dict[str, Any]]:
    """What stopped injected calls, by rule."""
    counts: Counter[tuple[str, str]] = Counter()
    for each in attacks:
        for _, verdict, rules, injected in each.stops:
            if injected:
                counts.update((verdict, rule) for rule in rules)
    return [
        {"verdict": verdict, "rule": rule, "calls": count} for (verdict, rule), count in counts.most_common()
    ]
