"""What an action leaves behind once it is history: before the next one of its chain, in its scopes, in its resource."""

from __future__ import annotations

from typing import cast

from immutables import Map

from graphsvc.core.advance import Advance
from graphsvc.core.family import joined
from graphsvc.core.gain.gains import Gained
from graphsvc.core.mark import Mark, marked
from graphsvc.core.part import CAUSAL, CAUSAL_DATA, FLOW, FLOW_DATA
from graphsvc.core.plain import marks_after
from graphsvc.core.progress import Measure
from graphsvc.core.register import after
from graphsvc.core.ruleset import Ruleset
from graphsvc.core.state import EMPTY, NEW_SCOPE, Delta, Front, Register, Registers, Scope, Slot
from graphsvc.core.sweep import swept

__all__ = ["data_after", "front_after", "scopes_after"]


def front_after(advance: Advance, ruleset: Ruleset, known: bool) -> Front:
    """What lies before the next action of the chain. known: the inputs of this one are."""
    front = advance.front
    if not (advance.bits or advance.own or advance.cut):
        return front
    marks, flow_marks = marks_after(advance, ruleset, known=known)
    if not (advance.own or advance.cut):
        return Front(front.causal, front.flow, front.causal_data, front.flow_data, marks, flow_marks)
    causal = after(advance, CAUSAL)
    causal_data = after(advance, CAUSAL_DATA) if ruleset.has_data else EMPTY
    if not known:
        return Front(causal, causal, causal_data, causal_data, marks, flow_marks)
    flow = after(advance, FLOW) if ruleset.has_flow else EMPTY
    flow_data = after(advance, FLOW_DATA) if ruleset.has_flow and ruleset.has_data else EMPTY
    return Front(causal, flow, causal_data, flow_data, marks, flow_marks)


def scopes_after(
    delta: Delta,
    advance: Advance,
    gained: Gained | None,
    measures: dict[str, Measure],
    ruleset: Ruleset,
) -> None:
    """What an action that is history changes in the scopes it lies in, and in everybody's guards.

    measures: of scopes where it changed, see `danger`.
    """
    session, cells, scope = advance.session, advance.cells, advance.held
    logged = advance.bits & ruleset.log_bits
    held = gained.held if gained is not None else scope.held
    if logged or session in measures or session in cells or held != scope.held:
        marks = marked(scope.marks, logged, advance.event.request.id) if logged else scope.marks
        delta[session] = _scope_after(
            scope, cells.get(session), measures.get(session), marks, held, advance, ruleset
        )
    for name in {**measures, **cells} if cells else measures:
        if name != session:
            scope = advance.scope(name) or NEW_SCOPE
            delta[name] = _scope_after(
                scope, cells.get(name), measures.get(name), scope.marks, scope.held, advance, ruleset
            )
    if advance.foreign:
        delta.update(advance.foreign)


def _scope_after(
    scope: Scope,
    cells: dict[Slot, object] | None,
    measure: Measure | None,
    marks: Mark,
    held: tuple[tuple[str, str], ...],
    advance: Advance,
    ruleset: Ruleset,
) -> Scope:
    of = measure or scope
    after = Scope(
        scope.cells.update(cells) if cells else scope.cells, of.levels, of.best, of.total, of.due_ms, scope.limit,
        marks, held,
    )  # fmt: skip
    is_full = cells is not None and len(after.cells) > after.limit
    return swept(after, ruleset.windows, advance.event.at_ms) if is_full else after


def data_after(held: Registers, front: Front, ruleset: Ruleset, at_ms: int) -> Registers:
    """What a resource carries once an action has written into it (rule R23)."""
    oldest = {slot: at_ms - within_ms for slot, within_ms in ruleset.windows.items() if within_ms is not None}
    carried: dict[Slot, Register] = {}
    for registers, is_flow in ((front.causal_data, False), (front.flow_data, True)):
        for slot, register in registers.items():
            number = slot if isinstance(slot, int) else cast("int", slot[0])
            if (number in ruleset.flow_slots) is is_flow and register.start_ms >= oldest[number]:
                carried[slot] = register
    return joined(held, Map(carried))
