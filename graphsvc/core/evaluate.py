"""The decision: a function of a request and of facts, without I/O, clock or randomness.

`evaluate` changes nothing. It answers with the verdict, every reason, every completion with one
witness, the risk before and after, and the delta that a recorded decision brings about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import msgspec

from graphsvc.core.entitlement import Grants, check_entitlement
from graphsvc.core.estate import Estate
from graphsvc.core.event import Event, build_event
from graphsvc.core.explanation import explain
from graphsvc.core.progress import combine, measure, steps_reached
from graphsvc.core.register import Advance, advance, merge_heads
from graphsvc.core.request import AccessRequest
from graphsvc.core.rights import Rights
from graphsvc.core.ruleset import Ruleset
from graphsvc.core.state import ChainState, Delta, Happened, Head, Progress, StateView
from graphsvc.core.verdict import (
    SEVERITIES,
    Completion,
    NearHarm,
    Reason,
    ReasonCode,
    Risk,
    Verdict,
    most_severe,
)

__all__ = ["MAX_PRINCIPALS", "Evaluation", "Facts", "evaluate", "nearest"]

MAX_PRINCIPALS = 8
_EMPTY_HEAD: Head = {}
_ON_MATCH = {"deny": Verdict.DENY, "escalate": Verdict.ESCALATE, "monitor": Verdict.PERMIT}
_REASON_ORDER = {code: place for place, code in enumerate(ReasonCode)}


@dataclass(frozen=True, slots=True)
class Facts:
    """What a decision may read, as of one place of the log."""

    estate: Estate
    rights: Rights
    ruleset: Ruleset
    grants: Grants
    view: StateView
    entitlement: str | None = None  # overrides the packs' setting when given


class Evaluation(msgspec.Struct, frozen=True, gc=False):
    """The answer, and what recording it changes.

    verdict is what the rules say; `enforced` what the caller gets (PERMIT while observing).
    delta: state after the action took its place with this verdict. cells: names it belongs to.
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


class _Place(msgspec.Struct, frozen=True, gc=False):
    """Where an action stands in its chain and what lies before it."""

    chain: ChainState
    head: Head
    edges: tuple[tuple[str, str], ...]
    opened: tuple[str, ...]
    delta: Delta


def evaluate(
    request: AccessRequest,
    at_ms: int,
    facts: Facts,
    *,
    seq: int = 0,
    force: bool | None = None,
    known: Event | None = None,
    reported: tuple[str, ...] = (),
    fed: tuple[str, ...] | None = None,
) -> Evaluation:
    """Judge a request at a time. seq: the number its record will take, for ordering only.

    force: take the action into history (True) or not (False) whatever the verdict: how stored
    decisions are folded again, and how a trace is replayed as it happened. known: the action's facts
    as of when it was judged first; reported: labels learned since; fed: the
    declared parents that counted then (they are judged once, a later cancel does not reopen them).
    """
    place = _place(request, at_ms, facts.view, fed)
    chain = place.chain
    candidates = facts.ruleset.candidates(request.action)
    index = chain.index + 1
    if known is not None:
        event = known.as_of(declaration=candidates.declaration, reported=reported, index=index)
    else:
        event = build_event(
            request,
            at_ms=at_ms,
            session=chain.session,
            index=index,
            declaration=candidates.declaration,
            estate=facts.estate,
        )
    scopes = tuple(
        dict.fromkeys((f"s:{event.session}", *(f"p:{principal}" for principal in event.principals)))
    )
    if candidates.is_empty:
        moved = Advance(place.head)
    else:
        moved = advance(event, candidates, place.head, facts.view)
    progress, risk = _risk(scopes, moved, facts, at_ms)
    completions = _completions(event, moved, facts)
    reasons: tuple[Reason, ...] = ()
    if force is None:
        reasons = _reasons(request, event, chain, moved, completions, risk, facts)
        verdict = most_severe(*(reason.verdict for reason in reasons))
        in_history = verdict is Verdict.PERMIT and request.executed
    else:
        verdict = Verdict.PERMIT if force else Verdict.DENY
        in_history = force
    enforced = verdict
    if facts.ruleset.settings.observe and verdict is not Verdict.PERMIT:
        reasons = (
            *reasons,
            Reason(
                ReasonCode.observe_only, f"observing only: {verdict} would have been answered", Verdict.PERMIT
            ),
        )
        enforced, in_history = Verdict.PERMIT, request.executed
    delta = _delta(request, event, place, moved, progress, scopes, seq, in_history=in_history)
    return Evaluation(
        request=request,
        at_ms=at_ms,
        verdict=verdict,
        enforced=enforced,
        reasons=reasons,
        completions=completions,
        risk=risk,
        session=event.session,
        index=index,
        scopes=scopes,
        edges=place.edges,
        opened=place.opened,
        event=event,
        delta=delta,
    )


def _place(request: AccessRequest, at_ms: int, view: StateView, fed: tuple[str, ...] | None = None) -> _Place:
    delta: Delta = {}
    chain = cast("ChainState | None", view.get(("c", request.chain)))
    heads: list[Head] = []
    edges: list[tuple[str, str]] = []
    if chain is None or not chain.used:
        chain = _open(request, at_ms, view, chain, delta)
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
    return _Place(chain, head, tuple(edges), opened, delta)


def _open(
    request: AccessRequest, at_ms: int, view: StateView, mentioned: ChainState | None, delta: Delta
) -> ChainState:
    """The chain as of its first record: its session is fixed here (R3), its SPAWN edge too (R4)."""
    session, head, spawned_from = request.session or request.chain, None, None
    if mentioned is not None:
        session = mentioned.session
    if request.parent_chain is not None and request.parent_chain != request.chain:
        parent = cast("ChainState | None", view.get(("c", request.parent_chain)))
        if parent is None:
            # Opened empty by the mention.
            parent = ChainState(session=request.parent_chain, opened_ms=at_ms)
            delta["c", request.parent_chain] = parent
        session, head, spawned_from = parent.session, parent.head, parent.last_action
    return ChainState(
        session=session,
        head=head,
        parent=request.parent_chain,
        spawned_from=spawned_from,
        opened_ms=at_ms,
        used=True,
    )


def _risk(
    scopes: Sequence[str], moved: Advance, facts: Facts, at_ms: int
) -> tuple[dict[str, Progress], Risk]:
    before: list[Progress] = []
    after: list[Progress] = []
    changed: dict[str, Progress] = {}
    for scope in scopes:
        held = cast("Progress | None", facts.view.get(("v", scope)))
        if held is not None and held.due_ms is not None and held.due_ms <= at_ms:
            held = measure(held.levels, facts.ruleset, at_ms)
        levels = moved.levels.get(scope)
        if held is not None:
            before.append(held)
        if levels is None:
            if held is not None:
                after.append(held)
            continue
        changed[scope] = measure(
            {**(held.levels if held is not None else {}), **levels}, facts.ruleset, at_ms
        )
        after.append(changed[scope])
    if not after:
        return changed, Risk()
    micros = combine(before) if before else 0
    return changed, Risk(before_micros=micros, after_micros=combine(after) if changed else micros)


def _completions(event: Event, moved: Advance, facts: Facts) -> tuple[Completion, ...]:
    found: dict[str, Completion] = {}
    for match in moved.matches:
        if match.pattern.id not in found:
            found[match.pattern.id] = explain(
                match, event, lambda action: cast("Happened | None", facts.view.get(("e", action)))
            )
    return tuple(sorted(found.values(), key=lambda item: (-SEVERITIES.index(item.severity), item.pattern)))


def _reasons(
    request: AccessRequest,
    event: Event,
    chain: ChainState,
    moved: Advance,
    completions: tuple[Completion, ...],
    risk: Risk,
    facts: Facts,
) -> tuple[Reason, ...]:
    reasons: list[Reason] = []
    if chain.closed:
        reasons.append(Reason(ReasonCode.chain_closed, f"chain `{request.chain}` is closed", Verdict.DENY))
    ends, entitled = check_entitlement(event, facts.estate, facts.rights, facts.grants, _entitlement(facts))
    reasons += entitled
    if ends:
        # An unknown or suspended subject ends the evaluation.
        return tuple(sorted(reasons, key=lambda reason: _REASON_ORDER[reason.code]))
    if len(event.principals) > MAX_PRINCIPALS:
        message = f"{len(event.principals)} principals; at most {MAX_PRINCIPALS} can be judged"
        reasons.append(Reason(ReasonCode.cap_reached, message, Verdict.DENY, "principals"))
    for completion in completions:
        told = f"completes {completion.title}: {completion.explanation}"
        reasons.append(
            Reason(ReasonCode.pattern_completed, told, _ON_MATCH[completion.on_match], completion.pattern)
        )
    for pattern in moved.key_missing:
        told = f"the action fits a step of `{pattern.id}` but lacks its key"
        reasons.append(Reason(ReasonCode.key_missing, told, _ON_MATCH[pattern.on_match], pattern.id))
    reasons += _thresholds(risk, facts.ruleset)
    reasons.sort(key=lambda reason: (_REASON_ORDER[reason.code], _severity_rank(reason.verdict)))
    return tuple(reasons)


def _severity_rank(verdict: Verdict) -> int:
    return {Verdict.DENY: 0, Verdict.ESCALATE: 1, Verdict.PERMIT: 2}[verdict]


def _entitlement(facts: Facts) -> str:
    return facts.entitlement if facts.entitlement is not None else facts.ruleset.settings.entitlement


def _thresholds(risk: Risk, ruleset: Ruleset) -> list[Reason]:
    # Thresholds act only when this action raises the score.
    if risk.after_micros <= risk.before_micros:
        return []
    settings = ruleset.settings
    if settings.deny_at_micros is not None and risk.after_micros >= settings.deny_at_micros:
        return [Reason(ReasonCode.risk_threshold, "risk reaches the deny threshold", Verdict.DENY, "deny_at")]
    if settings.escalate_at_micros is not None and risk.after_micros >= settings.escalate_at_micros:
        told = "risk reaches the escalate threshold"
        return [Reason(ReasonCode.risk_threshold, told, Verdict.ESCALATE, "escalate_at")]
    return []


def _delta(
    request: AccessRequest,
    event: Event,
    place: _Place,
    moved: Advance,
    progress: Mapping[str, Progress],
    scopes: Sequence[str],
    seq: int,
    *,
    in_history: bool,
) -> Delta:
    chain = place.chain
    delta = place.delta
    # What was spawned from or joined lies before the next action whatever becomes of this one (R5).
    head = moved.head if in_history else place.head
    if in_history:
        delta |= moved.delta
        for scope, measured in progress.items():
            delta["v", scope] = measured
    delta["c", request.chain] = ChainState(
        session=chain.session,
        index=event.index,
        head=head,
        last_action=request.id,
        parent=chain.parent,
        spawned_from=chain.spawned_from,
        closed=chain.closed,
        owner=chain.owner,
        shared_with=chain.shared_with,
        opened_ms=chain.opened_ms,
        intent=chain.intent,
        used=True,
    )
    resource = f"{event.resource_type}:{event.resource_id}"
    delta["e", request.id] = Happened(
        id=request.id,
        seq=seq,
        chain=request.chain,
        session=chain.session,
        index=event.index,
        at_ms=event.at_ms,
        subject=event.subject,
        action=request.action,
        resource=resource,
        labels=event.labels,
        effects=event.effects,
        in_history=in_history,
        head=head,
    )
    for cell in scopes:
        delta["m", cell] = event.at_ms
    delta["m", f"r:{resource}"] = event.at_ms
    return delta


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
