"""How far a chain has strayed from what it was declared to be for."""

from __future__ import annotations

import msgspec

from graphsvc.core.state import ChainState
from graphsvc.core.value import Json
from graphsvc.core.verdict import ReasonCode
from graphsvc.core.world import World

__all__ = ["Drift", "drift"]


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """actions: judged in the chain; outside: of these, beyond its intent or one above it; newest: the last such.

    intent: as declared, None when nothing was.
    """

    intent: dict[str, Json] | None
    actions: int
    outside: int
    newest: str | None

    @property
    def share(self) -> float:
        """Of all actions, 0..1."""
        return self.outside / self.actions if self.actions else 0.0


def drift(world: World, chain: str) -> Drift | None:
    """Of a chain by its id; None when there is none."""
    state = world.cells.get(("c", chain))
    if not isinstance(state, ChainState) or not state.used:
        return None
    decided = [
        record
        for name in world.names_of.get(f"s:{state.session}", ())
        if (record := world.decided.get(name)) is not None and record.request.chain == chain
    ]
    strayed = [
        record.request.id
        for record in decided
        if any(reason.code is ReasonCode.outside_intent for reason in record.reasons)
    ]
    return Drift(
        intent=dict(state.intent) if state.intent is not None else None,
        actions=len(decided),
        outside=len(strayed),
        newest=strayed[-1] if strayed else None,
    )
