"""Declaring what a chain is for, after its start."""

from __future__ import annotations

from graphsvc.core.intent import check_intent, check_template, wider
from graphsvc.core.record import IntentDeclared, Record
from graphsvc.core.state import ChainState
from graphsvc.core.value import Json
from graphsvc.decide.cell import chain_cell
from graphsvc.decide.command import Caller
from graphsvc.decide.jobs import ChangeJob, Moment, check_owner
from graphsvc.errors import BadInput, Conflict, NotAllowed

__all__ = ["declare_intent"]

# Others may declare an intent for the first time, or narrow it.
_MAY_WIDEN = frozenset({"approver", "admin"})


def declare_intent(caller: Caller, chain: str, intent: dict[str, Json]) -> ChangeJob:
    """From now on the chain is for this. NotAllowed when it widens what was declared and the caller may only narrow."""
    check_intent(intent)

    def build(now: Moment) -> list[Record]:
        check_template(intent, now.world.ruleset.intents)
        may_widen = bool(caller.roles & _MAY_WIDEN)
        if not may_widen:
            check_owner(now.overlay, caller, chain)
        held = now.overlay.get(("c", chain))
        if not isinstance(held, ChainState) or not held.used:
            raise BadInput(f"no chain `{chain}`; open it with its intent", field="chain")
        if held.closed:
            raise Conflict(f"chain `{chain}` is closed")
        beyond = wider(intent, held.intent) if held.intent and not may_widen else None
        if beyond is not None:
            raise NotAllowed(f"this would widen the declared intent ({beyond}); an approver may do that")
        return [IntentDeclared(at_ms=now.at_ms, chain=chain, intent=intent, by=caller.subject)]

    cells = frozenset((chain_cell(chain),))
    return ChangeJob(build, cells, reads=cells)
