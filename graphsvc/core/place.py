"""Where an action stands: its chain, what happened before it, and the edges that say so (rules R3 to R8)."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from graphsvc.core.family import joined
from graphsvc.core.mark import NOTHING, met
from graphsvc.core.request import AccessRequest
from graphsvc.core.state import (
    EMPTY,
    NOWHERE,
    UNKNOWN_INPUTS,
    ChainState,
    Delta,
    Front,
    Inputs,
    Registers,
    StateView,
)

__all__ = ["Place", "aside", "find_place", "open_chain", "with_stored"]


class Place(msgspec.Struct, frozen=True, gc=False):
    """Where an action stands in its chain and what lies before it.

    front: the registers before it; flow parts are those along its declared inputs, or along happened-before
    where these are unknown. opened: chains that begin here. delta: what a mention alone changes.
    """

    chain: ChainState
    front: Front
    inputs: Inputs
    edges: tuple[tuple[str, str], ...]
    opened: tuple[str, ...]
    delta: Delta


def find_place(request: AccessRequest, at_ms: int, view: StateView, inputs: Inputs | None = None) -> Place:
    """The place of a request. inputs: as found when it was judged first, None to find them."""
    delta: Delta = {}
    chain: ChainState | None = view.get(("c", request.chain))
    opened: tuple[str, ...] = ()
    if chain is None or not chain.used:
        chain = open_chain(request.chain, request.session, request.parent_chain, at_ms, view, delta)
        opened = (*(key[1] for key in delta if isinstance(key, tuple)), request.chain)
    edges: list[tuple[str, str]] = []
    if chain.index == 0 and chain.spawned_from is not None:
        edges.append(("SPAWN", chain.spawned_from))
    elif chain.last_action is not None:
        edges.append(("NEXT", chain.last_action))
    front = chain.front
    if request.joins:
        front = _joined(front, request, chain.session, view, edges)
    if request.parents is None:
        # What happened before may have flowed in.
        if (
            front.flow is not front.causal
            or front.flow_marks is not front.marks
            or front.flow_data is not front.causal_data
        ):
            front = Front(
                front.causal, front.causal, front.causal_data, front.causal_data, front.marks, front.marks
            )
        inputs = UNKNOWN_INPUTS
    else:
        front, inputs = _fed(front, request.parents, chain.session, view, inputs, edges)
    return Place(chain, front, inputs, tuple(edges), opened, delta)


def _joined(
    front: Front, request: AccessRequest, session: str, view: StateView, edges: list[tuple[str, str]]
) -> Front:
    causal, causal_data, marks = front.causal, front.causal_data, front.marks
    for name in request.joins:
        other: ChainState | None = view.get(("c", name))
        # Joins to unknown chains, to chains of other sessions or to oneself give no edge (R5).
        if other is None or other.session != session or name == request.chain:
            continue
        lies = other.front
        causal, causal_data = joined(causal, lies.causal), joined(causal_data, lies.causal_data)
        marks = met(marks, lies.marks)
        if other.last_action is not None:
            edges.append(("JOIN", other.last_action))
    return Front(causal, causal, causal_data, causal_data, marks, marks)


def _fed(
    front: Front,
    parents: tuple[str, ...],
    session: str,
    view: StateView,
    inputs: Inputs | None,
    edges: list[tuple[str, str]],
) -> tuple[Front, Inputs]:
    """What lies before an action whose inputs are declared. inputs: as found before, None to find them."""
    fed: list[str] = []
    known = True
    causal, causal_data, marks = front.causal, front.causal_data, front.marks
    flow = flow_data = EMPTY
    flow_marks = NOTHING
    for parent in parents if inputs is None else inputs.fed:
        lies = view.lies(parent)
        if inputs is None and (lies is None or not lies.in_history or lies.session != session):
            # One that is not what it should be makes the inputs unknown; the good ones stay (R7).
            known = False
            continue
        fed.append(parent)
        # A declared parent counts, joined or not, when it happened earlier in the session (R7, R8).
        before = lies.front  # type: ignore[union-attr]  # what was found when it was judged first is there still
        if before is not front:
            if before.causal is not causal:
                causal = joined(causal, before.causal)
            if before.marks is not marks:
                marks = met(marks, before.marks)
            if before.causal_data:
                causal_data = joined(causal_data, before.causal_data)
        if before.flow_data:
            flow_data = joined(flow_data, before.flow_data)
        if before.flow is not flow:
            flow = joined(flow, before.flow)
        if before.flow_marks is not flow_marks:
            flow_marks = met(flow_marks, before.flow_marks)
        edges.append(("FED", parent))
    if inputs is None:
        inputs = Inputs(tuple(fed), known)
    if not inputs.known:
        flow, flow_data, flow_marks = causal, causal_data, marks
    return Front(causal, flow, causal_data, flow_data, marks, flow_marks), inputs


def with_stored(front: Front, stored: Registers) -> Front:
    """What was written into a resource lies before whoever reads it (R23)."""
    return replace(
        front, causal_data=joined(front.causal_data, stored), flow_data=joined(front.flow_data, stored)
    )


def aside(session: str) -> Place:
    """The place of an approval: in a session, in nobody's chain, with nothing before or after it (R14)."""
    return Place(ChainState(session), NOWHERE, UNKNOWN_INPUTS, (), (), {})


def open_chain(
    chain: str, session: str | None, parent_chain: str | None, at_ms: int, view: StateView, delta: Delta
) -> ChainState:
    """A chain as of its first record: its session is fixed here (R3), its SPAWN edge too (R4).

    A parent that is unknown is opened empty by the mention, in `delta`.
    """
    mentioned: ChainState | None = view.get(("c", chain))
    session, front, spawned_from = session or chain, NOWHERE, None
    if mentioned is not None and not mentioned.used:
        session = mentioned.session
    if parent_chain is not None and parent_chain != chain:
        parent: ChainState | None = view.get(("c", parent_chain))
        if parent is None:
            parent = ChainState(session=parent_chain, opened_ms=at_ms)
            delta["c", parent_chain] = parent
        session, front, spawned_from = parent.session, parent.front, parent.last_action
    return ChainState(
        session=session,
        front=front,
        parent=parent_chain,
        spawned_from=spawned_from,
        opened_ms=at_ms,
        used=True,
    )
