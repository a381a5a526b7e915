"""The decision: a function of a request and of facts, without I/O, clock or randomness.

`evaluate` changes nothing. It answers with the verdict, every reason, every completion with one
witness, the risk before and after, and the delta that a recorded decision brings about.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import msgspec
from immutables import Map
from msgspec.structs import replace

from graphsvc.core.advance import Advance, advance_guard, advance_reset, is_guarded
from graphsvc.core.cap import reached_cap
from graphsvc.core.count import advance_count
from graphsvc.core.dispatch import CAUSAL, CAUSAL_DATA, FLOW, FLOW_DATA, Candidates
from graphsvc.core.estate import Estate
from graphsvc.core.event import Event, build_event
from graphsvc.core.explanation import explain
from graphsvc.core.facts import Facts
from graphsvc.core.family import joined
from graphsvc.core.gain.gains import Gained
from graphsvc.core.gain.telling import completions_of
from graphsvc.core.intent import find_lineage, with_intent
from graphsvc.core.intent_amount import spend
from graphsvc.core.known import Parties, parties_of, target_of
from graphsvc.core.mark import NOTHING, marked
from graphsvc.core.pattern import CompiledPattern
from graphsvc.core.place import Place, aside, find_place, with_stored
from graphsvc.core.plain import advance_plain, marks_after, reached_before
from graphsvc.core.progress import combine, measured, with_levels
from graphsvc.core.protection import set_apart
from graphsvc.core.reason import find_reasons, missing_key
from graphsvc.core.record import Decided, Granted
from graphsvc.core.register import advance_cut, advance_tree, after
from graphsvc.core.request import AccessRequest
from graphsvc.core.retire import ended_cell
from graphsvc.core.ruleset import Ruleset
from graphsvc.core.settle import settle
from graphsvc.core.state import (
    EMPTY,
    NEW_SCOPE,
    ChainState,
    Delta,
    Front,
    Happened,
    Register,
    Registers,
    Scope,
    Slot,
    StateView,
)
from graphsvc.core.sweep import swept
from graphsvc.core.verdict import SEVERITIES, Completion, Reason, Risk, ShadowVerdict, Verdict, most_severe

__all__ = ["Evaluation", "decided", "evaluate"]

_WRITE, _READ = "write", "read"
_NO_RISK = Risk()


class Evaluation(msgspec.Struct, frozen=True, gc=False):
    """The answer, and what recording it changes.

    verdict is what the rules say; `enforced` what the caller gets (PERMIT while observing).
    delta: state after the action took its place with this verdict; happened: the action as it is kept then. scopes: its session and principals, as cells.
    grants: ids of situational grants without which it would not be allowed. held: ids of the identities whose
    rights and grants were looked at together. lineage: the chains that its chain was spawned from. shadow: what
    rules on trial said.
    """

    request: AccessRequest
    at_ms: int
    verdict: Verdict
    enforced: Verdict
    reasons: tuple[Reason, ...]
    completions: tuple[Completion, ...]
    risk: Risk
    session: str
    index: int
    scopes: tuple[str, ...]
    edges: tuple[tuple[str, str], ...]
    opened: tuple[str, ...]
    event: Event
    delta: Delta
    happened: Happened
    grants: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    lineage: tuple[str, ...] = ()
    shadow: tuple[ShadowVerdict, ...] = ()


def evaluate(  # noqa: C901  the stages in their order
    request: AccessRequest,
    at_ms: int,
    facts: Facts,
    *,
    seq: int = 0,
    force: bool | None = None,
    past: Happened | None = None,
    reviewed: Event | None = None,
    exact: bool = False,
    tell: bool = False,
) -> Evaluation:
    """Judge a request at a time. seq: the number its record will take, for ordering only.

    force: take the action into history (True) or not (False) whatever the verdict: how stored
    decisions are folded again, and how a trace is replayed as it happened. past: the action as it happened, with
    its facts of then. reviewed: the action that this one approves. exact: the time is a stored one; else it is
    never before the newest record of its session, principals or resource (rule R2). tell: though forced, say what
    patterns say.
    """
    view, ruleset, estate = facts.view, facts.ruleset, facts.estate
    if reviewed is None:
        place = find_place(request, at_ms, view, past.inputs if past is not None else None)
    else:
        place = aside(reviewed.session)
    chain = place.chain
    if past is not None:
        who, what = past.event.who, past.event.what
    else:
        who, what = parties_of(request, estate), target_of(request.resource, estate)
    clocks = (f"ts:{chain.session}", *who.clocks, what.clock)
    if not exact:
        latest = _latest(at_ms, clocks, view)
        if latest != at_ms and place.opened:
            # A chain opened now is opened at the time that is stored, or folding the log would tell another one.
            place = find_place(request, latest, view)
            chain = place.chain
        at_ms = latest
    names = (f"s:{chain.session}", *who.cells)
    get = view.get
    scopes: dict[str, Scope | None] = {name: get(name) for name in names}
    candidates = ruleset.candidates(request.action)
    declaration = candidates.declaration
    index = chain.index + 1
    if past is None:
        event = live = build_event(
            request, at_ms, chain.session, index, who, what, declaration, estate, reviewed
        )
    else:
        event, live = _again(past, candidates, index, reviewed, estate)
    front, stored = place.front, EMPTY
    if ruleset.has_data:
        stored = view.get(what.cell) or EMPTY
        if stored and _READ in declaration.effects:
            front = with_stored(front, stored)
    advance = _advance(candidates, event, live, front, scopes, names[0], facts)
    gained = facts.gains.judge(event, *_held(advance, facts, at_ms)) if facts.gains is not None else None
    risk, changed = _risk(names, advance, facts, who, at_ms)
    completions: tuple[Completion, ...] = ()
    reasons: tuple[Reason, ...] = ()
    grants: tuple[str, ...] = ()
    shadow: tuple[ShadowVerdict, ...] = ()
    lacking: Sequence[CompiledPattern] = ()
    if not chain.index and reviewed is None and get(ended_cell(chain.session)) is not None:
        # Nothing of the session is left to judge it by.
        chain = replace(chain, closed=True)
    chain, lineage = with_intent(chain, request), find_lineage(chain, view)
    if force is None or tell:
        if advance.matches or gained is not None:
            completions = _completions(event, advance, gained, view, ruleset)
        lacking = candidates.lacking(event, advance.values) if candidates.keyed else ()
        if ruleset.sorts:
            completions, lacking, shadow = set_apart(
                completions, lacking, event, ruleset.protection, ruleset.shadows
            )
    if force is None:
        cap = reached_cap(place, advance, ruleset, view) if place.opened or advance.cells else None
        reasons, grants = find_reasons(event, chain, lineage, completions, lacking, risk, facts, cap)
        verdict = most_severe(*[reason.verdict for reason in reasons]) if reasons else Verdict.PERMIT
        in_history = verdict is Verdict.PERMIT and request.executed
    else:
        verdict = Verdict.PERMIT if force else Verdict.DENY
        in_history = force
        reasons = tuple(map(missing_key, lacking))
    enforced = verdict
    if force is None and verdict is not Verdict.PERMIT:
        reasons, verdict, enforced = settle(event, reasons, risk, facts)
        in_history = enforced is Verdict.PERMIT and request.executed
    delta = place.delta
    # What was spawned from or joined lies before the next action whatever becomes of this one (R5).
    front_after = place.front
    if in_history:
        front_after = _front_after(front, place, advance, ruleset)
        _scopes_after(delta, advance, gained, changed, ruleset, at_ms)
        if ruleset.has_data and _WRITE in declaration.effects:
            delta[what.cell] = _data_after(stored, front_after, ruleset, at_ms)
        if past is None and reviewed is None and request.action_properties:
            # Told again, an action has spent already.
            delta.update(spend(event, (request.chain, *lineage), view))
    for name in clocks:
        delta[name] = at_ms
    if reviewed is None:
        delta["c", request.chain] = _chain_after(chain, request, index, front_after)
    reported = past.reported if past is not None else ()
    happened = Happened(seq, event, in_history, names, front_after, place.inputs, reported)
    return Evaluation(
        request, at_ms, verdict, enforced, reasons, completions, risk, chain.session, index, names, place.edges,
        place.opened, event, delta, happened, grants,
        () if gained is None else tuple([key[9:] for key, _ in gained.held]), lineage, shadow,
    )  # fmt: skip


def decided(
    evaluation: Evaluation,
    *,
    by: str = "",
    dedupe: str = "",
    digest: str = "",
    enforced: Verdict | None = None,
    policy: str = "",
) -> Decided:
    """The record of an evaluation. enforced: what was answered; None: what the evaluation says. policy: by which rules."""
    answered = enforced if enforced is not None else evaluation.enforced
    return Decided(
        at_ms=evaluation.at_ms,
        request=evaluation.request,
        verdict=evaluation.verdict,
        reasons=evaluation.reasons,
        completions=evaluation.completions,
        risk=evaluation.risk,
        session=evaluation.session,
        index=evaluation.index,
        scopes=evaluation.scopes,
        edges=evaluation.edges,
        opened=evaluation.opened,
        by=by,
        dedupe=dedupe,
        digest=digest,
        enforced=answered if answered is not evaluation.verdict else None,
        grants=evaluation.grants if answered is Verdict.PERMIT else (),
        shadow=evaluation.shadow,
        policy=policy,
    )


def _latest(at_ms: int, clocks: tuple[str, ...], view: StateView) -> int:
    get = view.get
    for name in clocks:
        newest_ms = get(name)
        if newest_ms is not None and newest_ms > at_ms:
            at_ms = newest_ms
    return at_ms


def _again(
    past: Happened, candidates: Candidates, index: int, reviewed: Event | None, estate: Estate
) -> tuple[Event, Event]:
    """An action that happened, with what is known of it now; and with the facts of the graph as it is now."""
    reported = past.reported if past.in_history else ()
    event = past.event.as_of(candidates.declaration, reported, index, estate)
    if reviewed is not None:
        event = replace(event, reviewed=reviewed)
    return event, event.as_now(reported, estate) if candidates.is_live else event


def _advance(
    candidates: Candidates,
    event: Event,
    live: Event,
    front: Front,
    scopes: dict[str, Scope | None],
    session: str,
    facts: Facts,
) -> Advance:
    """The action judged against every pattern that it can concern."""
    concerned = candidates.concerned(event.labels)
    values = candidates.values(event) if candidates.paths else []
    logged = scopes[session]
    marks = logged.marks if logged is not None else NOTHING
    reached = reached_before(marks, front.marks, front.flow_marks, facts.ruleset)
    advance = Advance(event, live, values, front, reached, scopes, session, facts.view)
    if concerned.finishing or concerned.bits & ~reached:
        advance_plain(concerned, advance)
    if concerned.moves:
        # Resets and cuts first: what the action reaches itself comes after them.
        for reset in concerned.resets:
            advance_reset(reset, advance)
        for cut in concerned.cuts:
            advance_cut(cut, advance)
        for tree in concerned.rich:
            advance_tree(tree, advance)
        for counter in concerned.counters:
            advance_count(counter, advance)
        for guard in concerned.guards:
            advance_guard(guard, advance)
    return advance


def _risk(
    names: tuple[str, ...], advance: Advance, facts: Facts, who: Parties, at_ms: int
) -> tuple[Risk, dict[str, Scope]]:
    """The risk before and after; and the scopes whose measure of it changed."""
    ruleset = facts.ruleset
    before = [advance.scopes[name] for name in names]
    changed: dict[str, Scope] = {}
    for place, scope in enumerate(before):
        if scope is not None and scope.due_ms is not None and scope.due_ms <= at_ms:
            before[place] = changed[names[place]] = measured(scope, ruleset, at_ms)
    micros = moved = combine(before, shared=ruleset.shares_harm)
    if advance.levels or advance.best:
        after = list(before)
        for place, name in enumerate(names):
            levels, best = advance.levels.get(name), advance.best if not place else None
            if levels or best:
                held = after[place] or NEW_SCOPE
                after[place] = changed[name] = with_levels(held, levels, best, ruleset, at_ms)
        moved = combine(after, shared=ruleset.shares_harm)
    if facts.signals.by_identity:
        fading = facts.signals.micros(who, facts.estate, at_ms)
        micros, moved = micros + fading, moved + fading
    return (Risk(before_micros=micros, after_micros=moved) if moved else _NO_RISK), changed


def _held(advance: Advance, facts: Facts, at_ms: int) -> tuple[tuple[tuple[str, str], ...], list[Granted]]:
    """What the session holds, and the situational grants in force for whoever it holds or acts in it."""
    scope = advance.scopes[advance.session]
    held = scope.held if scope is not None else ()
    identities = {advance.event.who.ids[0], *(key.removeprefix("identity:") for key, _ in held)}
    return held, [grant for identity in sorted(identities) for grant in facts.grants.running(identity, at_ms)]


def _completions(
    event: Event, advance: Advance, gained: Gained | None, view: StateView, ruleset: Ruleset
) -> tuple[Completion, ...]:
    found: dict[str, Completion] = {}
    for match in advance.matches:
        if match.pattern.id not in found:
            found[match.pattern.id] = explain(match, event, view.happened)
    if gained is not None:
        for each in completions_of(gained, event, view.happened):
            pattern = ruleset.by_id[each.pattern]
            guards = tuple((guard, ()) for guard in pattern.guards)
            if not is_guarded(pattern, guards, advance.session, advance):
                found[each.pattern] = each
    return tuple(sorted(found.values(), key=lambda item: (-SEVERITIES.index(item.severity), item.pattern)))


def _front_after(front: Front, place: Place, advance: Advance, ruleset: Ruleset) -> Front:
    """What lies before the next action once this one is history."""
    if not (advance.bits or advance.own or advance.cut):
        return front
    marks, flow_marks = marks_after(advance, ruleset, known=place.inputs.known)
    if not (advance.own or advance.cut):
        return Front(front.causal, front.flow, front.causal_data, front.flow_data, marks, flow_marks)
    causal = after(advance, CAUSAL)
    causal_data = after(advance, CAUSAL_DATA) if ruleset.has_data else EMPTY
    if not place.inputs.known:
        return Front(causal, causal, causal_data, causal_data, marks, flow_marks)
    flow = after(advance, FLOW) if ruleset.has_flow else EMPTY
    flow_data = after(advance, FLOW_DATA) if ruleset.has_flow and ruleset.has_data else EMPTY
    return Front(causal, flow, causal_data, flow_data, marks, flow_marks)


def _scopes_after(
    delta: Delta,
    advance: Advance,
    gained: Gained | None,
    changed: dict[str, Scope],
    ruleset: Ruleset,
    at_ms: int,
) -> None:
    """What an action that is history changes in the scopes it lies in, and in everybody's guards."""
    session = advance.session
    logged = advance.bits & ruleset.log_bits
    if logged or (gained is not None and gained.held != advance.held.held):
        scope = changed.get(session) or advance.held
        changed[session] = replace(
            scope,
            marks=marked(scope.marks, logged, advance.event.id) if logged else scope.marks,
            held=gained.held if gained is not None else scope.held,
        )
    for name, cells in advance.cells.items():
        scope = changed.get(name) or advance.scope(name) or NEW_SCOPE
        scope = replace(scope, cells=scope.cells.update(cells))
        changed[name] = swept(scope, ruleset.windows, at_ms)
    delta.update(changed)
    delta.update(advance.foreign)


def _data_after(held: Registers, front: Front, ruleset: Ruleset, at_ms: int) -> Registers:
    """What a resource carries once an action has written into it (rule R23)."""
    oldest = {slot: at_ms - within_ms for slot, within_ms in ruleset.windows.items() if within_ms is not None}
    carried: dict[Slot, Register] = {}
    for registers, is_flow in ((front.causal_data, False), (front.flow_data, True)):
        for slot, register in registers.items():
            number = slot if isinstance(slot, int) else cast("int", slot[0])
            if (number in ruleset.flow_slots) is is_flow and register.start_ms >= oldest[number]:
                carried[slot] = register
    return joined(held, Map(carried))


def _chain_after(chain: ChainState, request: AccessRequest, index: int, front: Front) -> ChainState:
    return ChainState(
        chain.session, index, front, request.id, chain.parent, chain.spawned_from, chain.closed, chain.owner,
        chain.shared_with, chain.opened_ms, chain.intent, True,
    )  # fmt: skip
