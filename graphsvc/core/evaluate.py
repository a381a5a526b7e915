"""The decision: a function of a request and of facts, without I/O, clock or randomness.

`evaluate` changes nothing. It answers with the verdict, every reason, every completion with one
witness, the risk before and after, and the delta that a recorded decision brings about.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from msgspec.structs import replace

from graphsvc.core.advance import Advance, advance_guard, advance_reset, is_guarded
from graphsvc.core.aftermath import data_after, front_after, scopes_after
from graphsvc.core.cap import reached_cap
from graphsvc.core.count import advance_count
from graphsvc.core.danger import risk_of
from graphsvc.core.evaluation import Evaluation, decided
from graphsvc.core.event import Event
from graphsvc.core.explanation import explain
from graphsvc.core.facts import Facts
from graphsvc.core.gain.gains import Gained
from graphsvc.core.gain.telling import completions_of
from graphsvc.core.intent import find_lineage, with_intent
from graphsvc.core.intent_amount import spend
from graphsvc.core.mark import NOTHING
from graphsvc.core.part import Values
from graphsvc.core.pattern import Lacking
from graphsvc.core.plain import advance_plain, reached_before
from graphsvc.core.progress import Measure
from graphsvc.core.protection import set_apart
from graphsvc.core.reason import find_reasons, missing_key
from graphsvc.core.record import Granted
from graphsvc.core.register import advance_cut, advance_tree
from graphsvc.core.request import AccessRequest
from graphsvc.core.retire import has_ended
from graphsvc.core.ruleset import Ruleset
from graphsvc.core.settle import settle
from graphsvc.core.standing import WRITE, Standing, find_standing
from graphsvc.core.state import EMPTY, NEW_SCOPE, ChainState, Delta, Front, Happened, Scope
from graphsvc.core.unseen import note_unseen
from graphsvc.core.verdict import DENY, PERMIT, SEVERITIES, Completion, ShadowVerdict, most_severe

__all__ = ["Evaluation", "decided", "evaluate"]

_NO_VALUES: Values = []


def evaluate(
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
    standing = find_standing(request, at_ms, facts, past, reviewed, exact)
    place, event, ruleset = standing.place, standing.event, facts.ruleset
    advance = _advance(standing, facts)
    gained = facts.gains.judge(event, *_held(advance, facts)) if facts.gains is not None else None
    risk, changed = risk_of(advance, standing.scopes, facts)
    chain = place.chain
    if reviewed is None and (not chain.index or request.intent is not None):
        chain = _chain_before(standing, facts)
    lineage = find_lineage(chain, facts.view) if chain.parent is not None else ()
    completions: tuple[Completion, ...] = ()
    lacking: Sequence[Lacking] = ()
    shadow: tuple[ShadowVerdict, ...] = ()
    grants: tuple[str, ...] = ()
    if (force is None or tell) and (
        advance.matches or gained is not None or None in advance.values or advance.unseen
    ):
        completions, lacking, shadow = _told(standing, advance, gained, facts)
    if force is None:
        cap = reached_cap(place, advance, ruleset, facts.view) if place.opened or advance.cells else None
        reasons, grants = find_reasons(event, chain, lineage, completions, lacking, risk, facts, cap)
        verdict = most_severe(*[reason.verdict for reason in reasons]) if reasons else PERMIT
    else:
        reasons = tuple(map(missing_key, lacking))
        verdict = PERMIT if force else DENY
    enforced = verdict
    if force is None and verdict is not PERMIT:
        reasons, verdict, enforced = settle(event, reasons, risk, facts)
    in_history = enforced is PERMIT and request.executed if force is None else force
    # What was spawned from or joined lies before the next action whatever becomes of this one (R5).
    front, delta = place.front, place.delta
    if in_history:
        front = _left_behind(delta, standing, advance, gained, changed, ruleset)
        if past is None and reviewed is None and request.action_properties:
            # Told again, an action has spent already.
            delta.update(spend(event, (request.chain, *lineage), facts.view))
    if reviewed is None:
        delta["c", request.chain] = _chain_after(chain, request, front)
    reported = past.reported if past is not None else ()
    happened = Happened(seq, event, in_history, standing.scopes, front, place.inputs, reported)
    held = () if gained is None else tuple([key[9:] for key, _ in gained.held])
    return Evaluation(
        request, event.at_ms, verdict, enforced, reasons, completions, risk, chain.session, event.index,
        standing.scopes, place.edges, place.opened, event, delta, happened, grants, held, lineage, shadow,
    )  # fmt: skip


def _advance(standing: Standing, facts: Facts) -> Advance:
    """The action judged against every pattern that it can concern."""
    event, candidates, front = standing.event, standing.candidates, standing.front
    get, names = facts.view.get, standing.scopes
    scopes: dict[str, Scope | None] = dict(zip(names, map(get, names), strict=True))
    concerned = candidates.concerned(event.labels)
    values = candidates.values(event) if candidates.paths else _NO_VALUES
    logged = scopes[names[0]]
    marks = logged.marks if logged is not None else NOTHING
    reached = reached_before(marks, front.marks, front.flow_marks, facts.ruleset)
    # Registers in log order are in their scope: the first is never read.
    before = EMPTY, front.causal, front.flow, front.causal_data, front.flow_data
    held = logged or NEW_SCOPE
    advance = Advance(
        event, standing.live, values, front, before, reached, scopes, names[0], held, facts.view
    )  # fmt: skip
    if concerned.finishing or concerned.bits & ~reached or reached & ~held.best & concerned.near:
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
    if candidates.keyed and None in values:
        note_unseen(candidates, advance)
    return advance


def _held(advance: Advance, facts: Facts) -> tuple[tuple[tuple[str, str], ...], list[Granted]]:
    """What the session holds, and the situational grants in force for whoever it holds or acts in it."""
    scope = advance.scopes[advance.session]
    held = scope.held if scope is not None else ()
    identities = {advance.event.who.ids[0], *(key.removeprefix("identity:") for key, _ in held)}
    return held, [
        grant
        for identity in sorted(identities)
        for grant in facts.grants.running(identity, advance.event.at_ms)
    ]


def _told(
    standing: Standing, advance: Advance, gained: Gained | None, facts: Facts
) -> tuple[tuple[Completion, ...], Sequence[Lacking], tuple[ShadowVerdict, ...]]:
    """What patterns say: completions, those whose key is missing, and what those on trial would have said."""
    event, ruleset, candidates = standing.event, facts.ruleset, standing.candidates
    completions: tuple[Completion, ...] = ()
    if advance.matches or gained is not None:
        completions = _completions(event, advance, gained, facts)
    lacking: Sequence[Lacking] = ()
    if candidates.keyed:
        lacking = [Lacking(pattern, False) for pattern in candidates.lacking(event, advance.values)]
    if advance.unseen:
        known = [each.pattern for each in lacking]
        unseen = dict.fromkeys(pattern for pattern in advance.unseen if pattern not in known)
        lacking = [*lacking, *(Lacking(pattern, True) for pattern in unseen)]
    if ruleset.sorts:
        return set_apart(completions, lacking, event, ruleset.protection, ruleset.shadows)
    return completions, lacking, ()


def _completions(
    event: Event, advance: Advance, gained: Gained | None, facts: Facts
) -> tuple[Completion, ...]:
    found: dict[str, Completion] = {}
    happened = facts.view.happened
    if len(advance.matches) > 1 or gained is not None:
        happened = cache(happened)  # many paths lead through the same actions
    for match in advance.matches:
        if match.pattern.id not in found:
            found[match.pattern.id] = explain(match, event, happened)
    if gained is not None:
        for each in completions_of(gained, event, happened):
            pattern = facts.ruleset.by_id[each.pattern]
            guards = tuple((guard, ()) for guard in pattern.guards)
            if not is_guarded(pattern, guards, advance.session, advance):
                found[each.pattern] = each
    return tuple(sorted(found.values(), key=lambda item: (-SEVERITIES.index(item.severity), item.pattern)))


def _chain_before(standing: Standing, facts: Facts) -> ChainState:
    """The chain as the action finds it, with the intent that it declares; closed when its session is over."""
    place, request = standing.place, standing.request
    chain = place.chain
    if not chain.index and has_ended(facts.view, chain.session, (request.chain, *place.opened)):
        # Nothing of the session is left to judge it by.
        chain = replace(chain, closed=True)
    return with_intent(chain, request) if request.intent is not None else chain


def _left_behind(
    delta: Delta,
    standing: Standing,
    advance: Advance,
    gained: Gained | None,
    changed: dict[str, Measure],
    ruleset: Ruleset,
) -> Front:
    """What an action that is history changes of scopes and data; and what lies before the next one of its chain."""
    event = standing.event
    front = front_after(advance, ruleset, standing.place.inputs.known)
    if changed or advance.cells or advance.bits or advance.foreign or gained is not None:
        scopes_after(delta, advance, gained, changed, ruleset)
    if ruleset.has_data and WRITE in event.declaration.effects:
        delta[event.what.cell] = data_after(standing.stored, front, ruleset, event.at_ms)
    return front


def _chain_after(chain: ChainState, request: AccessRequest, front: Front) -> ChainState:
    return ChainState(
        chain.session, chain.index + 1, front, request.id, chain.parent, chain.spawned_from, chain.closed, chain.owner,
        chain.shared_with, chain.opened_ms, chain.intent, True,
    )  # fmt: skip
