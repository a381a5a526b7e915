"""Patterns that another one makes superfluous: whatever completes them completes it, and it answers no less severely."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from graphsvc.core.policy.document import Policy
from graphsvc.core.policy.pattern import Pattern

__all__ = ["shadowed_patterns"]

_MATCHES: Final = ("monitor", "escalate", "deny")
_SEVERITIES: Final = ("low", "medium", "high", "critical")
# What must be the same; steps by their names too.
_SAME: Final = ("scope", "principal", "effective_relation", "steps", "count", "rights", "reach", "levels")
# What only takes completions away, so that the other may lack it.
_NARROWS: Final = ("unless", "sanitized_by", "without", "distinct")


def shadowed_patterns(policies: Sequence[Policy]) -> Iterator[tuple[Policy, int, Policy, Pattern]]:
    """Each such pattern by its pack and place, with the pack and pattern that shadows it; of two alike the later one."""
    every = [(policy, place, pattern) for policy in policies for place, pattern in enumerate(policy.patterns)]
    for at, (policy, place, pattern) in enumerate(every):
        for other_at, (other_policy, _, other) in enumerate(every):
            if other_at != at and _covers(other, pattern) and (other_at < at or not _covers(pattern, other)):
                yield policy, place, other_policy, other
                break


def _covers(other: Pattern, pattern: Pattern) -> bool:
    return (
        all(getattr(other, name) == getattr(pattern, name) for name in _SAME)
        and all(
            not held or held == getattr(pattern, name) for name in _NARROWS for held in [getattr(other, name)]
        )
        and (
            other.within_ms is None
            or (pattern.within_ms is not None and other.within_ms >= pattern.within_ms)
        )
        and _MATCHES.index(other.on_match) >= _MATCHES.index(pattern.on_match)
        and _SEVERITIES.index(other.severity) >= _SEVERITIES.index(pattern.severity)
    )
