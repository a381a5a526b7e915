"""Every reason for or against an action, in the order in which they are told."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from graphsvc.core.entitlement import check_entitlement
from graphsvc.core.event import Event
from graphsvc.core.facts import Facts
from graphsvc.core.intent import outside
from graphsvc.core.pattern import Lacking
from graphsvc.core.provenance.judge import provenance_reasons
from graphsvc.core.review import covered_by, refusal_of
from graphsvc.core.ruleset import Ruleset
from graphsvc.core.state import ChainState
from graphsvc.core.verdict import Completion, Reason, ReasonCode, Risk, Verdict

__all__ = ["MAX_PRINCIPALS", "find_reasons", "missing_key"]

MAX_PRINCIPALS = 8
_ON_MATCH = {"deny": Verdict.DENY, "escalate": Verdict.ESCALATE, "monitor": Verdict.PERMIT}
_REASON_ORDER = {code: place for place, code in enumerate(ReasonCode)}
_SEVERITY = {Verdict.DENY: 0, Verdict.ESCALATE: 1, Verdict.PERMIT: 2}


def find_reasons(  # noqa: C901  one question a line, in the order they are told
    event: Event,
    chain: ChainState,
    lineage: tuple[str, ...],
    completions: tuple[Completion, ...],
    key_missing: Sequence[Lacking],
    risk: Risk,
    facts: Facts,
    cap: tuple[str, str] | None = None,
) -> tuple[tuple[Reason, ...], tuple[str, ...]]:
    """Reasons without those that an approved review of this request covers (rule R12), and grants relied on.

    lineage: the chains that the chain was spawned from. cap: a limit that was reached, and what to tell of it. An unknown or suspended subject ends the evaluation.
    """
    mode = facts.entitlement if facts.entitlement is not None else facts.ruleset.settings.entitlement
    entitlement = check_entitlement(event, facts, mode)
    reasons = list(entitlement.reasons)
    request = event.request
    if chain.closed:
        reasons.append(Reason(ReasonCode.chain_closed, f"chain `{request.chain}` is closed", Verdict.DENY))
    halts = facts.grants.halts
    if halts.by_kind:
        reasons += halts.reasons(request.action, event.session, (request.chain, *lineage), event.at_ms)
    if not entitlement.ends:
        if chain.intent or lineage:
            level = _ON_MATCH[facts.ruleset.settings.outside_intent]
            reasons += outside(event, chain, lineage, facts.view, facts.estate, level, facts.ruleset.intents)
        if len(event.who.principals) > MAX_PRINCIPALS:
            told = f"{len(event.principals)} principals; at most {MAX_PRINCIPALS} can be judged"
            reasons.append(Reason(ReasonCode.cap_reached, told, Verdict.DENY, "principals"))
        if cap is not None:
            reasons.append(Reason(ReasonCode.cap_reached, cap[1], Verdict.DENY, cap[0]))
        for completion in completions:
            told = f"completes {completion.title}: {completion.explanation}"
            if halts and halts.holds("pattern", completion.pattern, event.at_ms):
                told = f"the pattern is suspended, so nothing comes of it: {told}"
                reasons.append(Reason(ReasonCode.observe_only, told, Verdict.PERMIT, completion.pattern))
                continue
            verdict = _ON_MATCH[completion.on_match]
            reasons.append(Reason(ReasonCode.pattern_completed, told, verdict, completion.pattern))
        if facts.ruleset.provenance:
            reasons += provenance_reasons(
                event, chain.intent, completions, facts.ruleset.provenance, facts.sightings, facts.estate
            )
        for lacking in key_missing:
            if halts and halts.holds("pattern", lacking.pattern.id, event.at_ms):
                continue
            reasons.append(missing_key(lacking))
        if risk.after_micros > risk.before_micros:
            reasons += _thresholds(risk, facts.ruleset)
        if request.review is not None:
            reasons = _reviewed(event, reasons, completions, facts)
    if not reasons:
        return (), entitlement.grants
    if len(reasons) > 1:
        reasons.sort(key=lambda reason: (_REASON_ORDER[reason.code], _SEVERITY[reason.verdict]))
    return tuple(reasons), entitlement.grants


def missing_key(lacking: Lacking) -> Reason:
    """A key of a pattern is missing (rule R18)."""
    pattern = lacking.pattern
    return Reason(ReasonCode.key_missing, lacking.told, _ON_MATCH[pattern.on_match], pattern.id)


def _reviewed(
    event: Event, reasons: list[Reason], completions: tuple[Completion, ...], facts: Facts
) -> list[Reason]:
    review = facts.reviews.get(event.request.review or "")
    used = facts.view.get(("v", event.request.review))
    if review is not None and review.used_by is None and isinstance(used, str):
        # By an action of the same batch, not folded yet.
        review = replace(review, used_by=used)
    refusal = refusal_of(review, event.request, event.at_ms)
    if refusal is not None:
        return [*reasons, refusal]
    assert review is not None
    return [reason for reason in reasons if not covered_by(review, reason, completions)]


def _thresholds(risk: Risk, ruleset: Ruleset) -> list[Reason]:
    # Asked only when this action raises the score.
    settings = ruleset.settings
    if settings.deny_at_micros is not None and risk.after_micros >= settings.deny_at_micros:
        return [Reason(ReasonCode.risk_threshold, "risk reaches the deny threshold", Verdict.DENY, "deny_at")]
    if settings.escalate_at_micros is not None and risk.after_micros >= settings.escalate_at_micros:
        told = "risk reaches the escalate threshold"
        return [Reason(ReasonCode.risk_threshold, told, Verdict.ESCALATE, "escalate_at")]
    return []
