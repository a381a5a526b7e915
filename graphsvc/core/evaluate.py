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
from graphsvc.core.place import Place, find_place
from graphsvc.core.progress import combine, measure
from graphsvc.core.record import Decided
from graphsvc.core.register import Advance, advance
from graphsvc.core.request import AccessRequest
from graphsvc.core.rights import Rights
from graphsvc.core.ruleset import Ruleset
from graphsvc.core.state import ChainState, Delta, Happened, Progress, StateView
from graphsvc.core.verdict import (
    SEVERITIES,
    Completion,
    Reason,
    ReasonCode,
    Risk,
    Verdict,
    most_severe,
)

__all__ = ["MAX_PRINCIPALS", "Evaluation", "Facts", "decided", "evaluate"]

MAX_PRINCIPALS = 8
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
    place = find_place(request, at_ms, facts.view, fed)
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
    if force is None and facts.ruleset.settings.observe and verdict is not Verdict.PERMIT:
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


def decided(
    evaluation: Evaluation,
    *,
    by: str = "",
    dedupe: str = "",
    digest: str = "",
    enforced: Verdict | None = None,
) -> Decided:
    """The record of an evaluation. enforced: what was answered; None: what the evaluation says."""
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
    place: Place,
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
