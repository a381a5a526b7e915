"""Where an action stands: its chain and session, what happened before it, and the edges that say so.

Rules R3 to R8 of docs/semantics.md: sessions, spawning, joining, declared parents.
"""

from __future__ import annotations

from typing import cast

import msgspec

from graphsvc.core.register import merge_heads
from graphsvc.core.request import AccessRequest
from graphsvc.core.state import ChainState, Delta, Happened, Head, StateView

__all__ = ["Place", "find_place", "open_chain"]

_EMPTY_HEAD: Head = {}


class Place(msgspec.Struct, frozen=True, gc=False):
    """Where an action stands in its chain and what lies before it."""

    chain: ChainState
    head: Head
    edges: tuple[tuple[str, str], ...]
    opened: tuple[str, ...]
    delta: Delta


def find_place(
    request: AccessRequest, at_ms: int, view: StateView, fed: tuple[str, ...] | None = None
) -> Place:
    """The place of a request; fed: the declared parents that counted when it was judged first."""
    delta: Delta = {}
    chain = cast("ChainState | None", view.get(("c", request.chain)))
    heads: list[Head] = []
    edges: list[tuple[str, str]] = []
    if chain is None or not chain.used:
        chain = open_chain(request.chain, request.session, request.parent_chain, at_ms, view, delta)
        opened = (*(key[1] for key in delta if isinstance(key, tuple)), request.chain)
    else:
        opened = ()
    if chain.index == 0 and chain.spawned_from is not None:
        edges.append(("SPAWN", chain.spawned_from))
    elif chain.last_action is not None:
        edges.append(("NEXT", chain.last_action))
    if chain.head:
        heads.append(chain.head)
    for joined in request.joins:
        other = cast("ChainState | None", view.get(("c", joined)))
        # Joins to unknown chains or to chains of other sessions give no edge (R5).
        if other is None or other.session != chain.session:
            continue
        if other.head:
            heads.append(other.head)
        if other.last_action is not None:
            edges.append(("JOIN", other.last_action))
    for parent in fed if fed is not None else request.parents or ():
        happened = cast("Happened | None", view.get(("e", parent)))
        # A declared parent counts, joined or not, when it happened earlier in the session (R7, R8).
        counts = fed is not None or (happened is not None and happened.in_history)
        if happened is not None and counts and happened.session == chain.session:
            heads.append(happened.head)
            edges.append(("FED", parent))
    head = merge_heads(heads) if len(heads) > 1 else heads[0] if heads else _EMPTY_HEAD
    return Place(chain, head, tuple(edges), opened, delta)


def open_chain(
    chain: str, session: str | None, parent_chain: str | None, at_ms: int, view: StateView, delta: Delta
) -> ChainState:
    """A chain as of its first record: its session is fixed here (R3), its SPAWN edge too (R4).

    A parent that is unknown is opened empty by the mention, in `delta`.
    """
    mentioned = cast("ChainState | None", view.get(("c", chain)))
    session, head, spawned_from = session or chain, None, None
    if mentioned is not None and not mentioned.used:
        session = mentioned.session
    if parent_chain is not None and parent_chain != chain:
        parent = cast("ChainState | None", view.get(("c", parent_chain)))
        if parent is None:
            parent = ChainState(session=parent_chain, opened_ms=at_ms)
            delta["c", parent_chain] = parent
        session, head, spawned_from = parent.session, parent.head, parent.last_action
    return ChainState(
        session=session, head=head, parent=parent_chain, spawned_from=spawned_from, opened_ms=at_ms, used=True
    )
