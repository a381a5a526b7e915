"""Where a request stands when it is judged: who asks for what, when, and what of history it meets."""

from __future__ import annotations

import msgspec

from graphsvc.core.dispatch import Candidates
from graphsvc.core.estate import Estate
from graphsvc.core.event import Event, build_event
from graphsvc.core.facts import Facts
from graphsvc.core.known import parties_of, target_of
from graphsvc.core.place import Place, aside, find_place, with_stored
from graphsvc.core.request import AccessRequest
from graphsvc.core.state import EMPTY, Front, Happened, Registers

__all__ = ["READ", "WRITE", "Standing", "find_standing"]

READ, WRITE = "read", "write"


class Standing(msgspec.Struct, frozen=True, gc=False):
    """event: the action with its facts; live: with those of the graph as it is now, for `at: completion`.

    candidates: what of the rules may concern it. front: what lies before it, what was written into its resource too;
    stored: that alone. scopes: its session and principals, as cells.
    """

    request: AccessRequest
    at_ms: int
    place: Place
    event: Event
    live: Event
    candidates: Candidates
    front: Front
    stored: Registers
    scopes: tuple[str, ...]


def find_standing(
    request: AccessRequest,
    at_ms: int,
    facts: Facts,
    past: Happened | None,
    reviewed: Event | None,
    exact: bool,
) -> Standing:
    """See `evaluate`, which passes on what it was asked."""
    view, ruleset, estate = facts.view, facts.ruleset, facts.estate
    if reviewed is None:
        place = find_place(request, at_ms, view, past.inputs if past is not None else None)
    else:
        place = aside(reviewed.session)
    if past is not None:
        who, what = past.event.who, past.event.what
    else:
        who, what = parties_of(request, estate), target_of(request.resource, estate)
    session = place.chain.session
    within = who.memo.within
    if within is None or within[0] != session:
        within = who.within(session)
    scopes = within[1]
    if not exact and at_ms < view.newest_ms:
        asked_ms, get = at_ms, view.get
        for name in (*within[2], what.clock):
            newest_ms = get(name)
            if newest_ms is not None and newest_ms > at_ms:
                at_ms = newest_ms
        if at_ms != asked_ms and place.opened:
            # A chain opened now is opened at the time that is stored, or folding the log would tell another one.
            place = find_place(request, at_ms, view)
    candidates = ruleset.candidates(request.action)
    declaration, index = candidates.declaration, place.chain.index + 1
    if past is None:
        event = live = build_event(
            request, at_ms, session, index, who, what, declaration, estate, reviewed
        )  # fmt: skip
    else:
        event, live = _again(past, candidates, index, reviewed, estate)
    front, stored = place.front, EMPTY
    if ruleset.has_data:
        stored = view.get(what.cell) or EMPTY
        if stored and READ in declaration.effects:
            front = with_stored(front, stored)
    return Standing(request, at_ms, place, event, live, candidates, front, stored, scopes)


def _again(
    past: Happened, candidates: Candidates, index: int, reviewed: Event | None, estate: Estate
) -> tuple[Event, Event]:
    """An action that happened, with what is known of it now; and with the facts of the graph as it is now."""
    reported = past.reported if past.in_history else ()
    event = past.event.as_of(candidates.declaration, reported, index, estate)
    if reviewed is not None:
        event = msgspec.structs.replace(event, reviewed=reviewed)
    return event, event.as_now(reported, estate) if candidates.is_live else event
