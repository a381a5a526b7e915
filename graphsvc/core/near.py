"""Which harm is nearest: the patterns under way in some scopes, those with the fewest missing steps first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from graphsvc.core.evaluate import Facts
from graphsvc.core.progress import steps_reached
from graphsvc.core.state import Progress
from graphsvc.core.verdict import SEVERITIES, NearHarm

__all__ = ["nearest"]


def nearest(scopes: Sequence[str], facts: Facts, at_ms: int, *, limit: int = 5) -> tuple[NearHarm, ...]:
    """The patterns that are furthest under way in some scopes, fewest missing steps first.

    The names of missing steps are the last ones of the pattern when which of them are missing
    depends on the key; feasible is not judged here and is True.
    """
    best: dict[str, int] = {}
    for scope in scopes:
        held = cast("Progress | None", facts.view.get(("v", scope)))
        for pattern_id, levels in held.levels.items() if held is not None else ():
            pattern = facts.ruleset.by_id.get(pattern_id)
            if pattern is not None:
                reached = steps_reached(levels, pattern.within_ms, at_ms)
                if reached > 0:
                    missing = len(levels) - reached
                    best[pattern_id] = min(missing, best.get(pattern_id, missing))
    found = []
    for pattern_id, missing in best.items():
        pattern = facts.ruleset.by_id[pattern_id]
        names = tuple(step.name for step in pattern.steps)
        remaining = names[len(names) - missing :] if names else ("counted",) * min(missing, 1)
        found.append((missing, -SEVERITIES.index(pattern.severity), pattern_id, remaining))
    found.sort()
    return tuple(
        NearHarm(
            pattern=pattern_id,
            title=facts.ruleset.by_id[pattern_id].title,
            severity=facts.ruleset.by_id[pattern_id].severity,
            remaining=remaining if missing else (),
            feasible=True,
        )
        for missing, _, pattern_id, remaining in found[:limit]
    )
