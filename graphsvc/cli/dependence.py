"""Which grants the completions of a decision depended on, worked out from a folded world."""

from __future__ import annotations

from graphsvc.cli.answer import counterfactual_record
from graphsvc.core.record import Decided
from graphsvc.core.value import Json
from graphsvc.core.world import World
from graphsvc.explore.counterfactual import counterfactual

__all__ = ["counterfactuals"]


def counterfactuals(world: World, last: Decided | None) -> list[dict[str, Json]]:
    """For each completion of a decision the grants without which its path would not exist."""
    if last is None:
        return []
    return [
        counterfactual_record(counterfactual(each, world.decided, last, world.estate, world.rights))
        for each in last.completions
    ]
