"""What is answered when rules spoke against an action: observing, emergencies, and the cap on reviews.

Asked only then, so it costs permitted actions nothing.
"""

from __future__ import annotations

from graphsvc.core.event import Event
from graphsvc.core.facts import Facts
from graphsvc.core.governing import GlassBroken
from graphsvc.core.protection import Cap
from graphsvc.core.ruleset import Ruleset
from graphsvc.core.verdict import Reason, ReasonCode, Risk, Verdict, most_severe

__all__ = ["settle"]

_OF_PATTERNS = frozenset({ReasonCode.pattern_completed, ReasonCode.key_missing})
_OF_ENTITLEMENT = frozenset(
    {
        ReasonCode.not_entitled,
        ReasonCode.not_delegated,
        ReasonCode.condition_unknown,
        ReasonCode.grant_expired,
        ReasonCode.principal_missing,
    }
)


def settle(
    event: Event, reasons: tuple[Reason, ...], risk: Risk, facts: Facts
) -> tuple[tuple[Reason, ...], Verdict, Verdict]:
    """The reasons with those of the settling, what the rules say, and what is answered.

    reasons: at least one that is not PERMIT.
    """
    ruleset, protection = facts.ruleset, facts.ruleset.protection
    verdict = most_severe(*[reason.verdict for reason in reasons])
    if ruleset.settings.observe:
        return (*reasons, _observing(verdict)), verdict, Verdict.PERMIT
    enforced = verdict
    against = [reason for reason in reasons if reason.verdict is not Verdict.PERMIT]
    if protection.observed:
        against = [reason for reason in against if not _is_observed(reason, risk, ruleset)]
        enforced = most_severe(*[reason.verdict for reason in against])
        if enforced is not verdict:
            packs = ", ".join(f"`{pack}`" for pack in sorted(protection.observed))
            told = f"observing only ({packs}): {verdict} would have been answered"
            reasons = (*reasons, Reason(ReasonCode.observe_only, told, Verdict.PERMIT))
    if enforced is not Verdict.PERMIT and facts.governance.broken:
        waived = _emergency(event, against, facts)
        if waived is not None:
            return (*reasons, waived), verdict, Verdict.PERMIT
    if enforced is Verdict.ESCALATE and protection.caps:
        for cap in protection.caps:
            full = _full(cap, event, facts)
            if full is not None:
                reason = Reason(ReasonCode.cap_reached, full, Verdict.DENY, "review_cap")
                return (*reasons, reason), Verdict.DENY, Verdict.DENY
    return reasons, verdict, enforced


def _observing(verdict: Verdict) -> Reason:
    told = f"observing only: {verdict} would have been answered"
    return Reason(ReasonCode.observe_only, told, Verdict.PERMIT)


def _is_observed(reason: Reason, risk: Risk, ruleset: Ruleset) -> bool:
    """True when only packs that are observed ask for it."""
    enforced = ruleset.enforced
    if reason.code in _OF_PATTERNS:
        pattern = ruleset.by_id.get(reason.rule or "")
        return pattern is not None and pattern.pack in ruleset.protection.observed
    if reason.code is ReasonCode.risk_threshold:
        thresholds = [
            micros
            for micros, verdict in (
                (enforced.deny_at_micros, Verdict.DENY),
                (enforced.escalate_at_micros, Verdict.ESCALATE),
            )
            if verdict is reason.verdict
        ]
        return all(micros is None or risk.after_micros < micros for micros in thresholds)
    if reason.code in _OF_ENTITLEMENT:
        return enforced.entitlement != "required"
    if reason.code is ReasonCode.provenance:
        return {table.pack for table in ruleset.provenance} <= ruleset.protection.observed
    return False


def _emergency(event: Event, against: list[Reason], facts: Facts) -> Reason | None:
    """What waives all reasons against the action, None when nothing does."""
    resolve = facts.estate.resolve
    for who in dict.fromkeys((event.subject, event.who.root)):
        broken = facts.governance.broken.get(resolve(who)[1])
        if broken is None or event.at_ms > broken.until_ms or not _in_scope(broken, event):
            continue
        glass = facts.ruleset.protection.glasses.get(broken.pack)
        if glass is None or (glass.acts is not None and not glass.acts(event.request.action)):
            continue
        if all(reason.code.value in glass.written.covers for reason in against):
            verdict = most_severe(*[reason.verdict for reason in against])
            told = (
                f"in an emergency that `{broken.identity}` declared: {verdict} would have been answered; "
                f"it has to be reviewed afterwards"
            )
            return Reason(ReasonCode.observe_only, told, Verdict.PERMIT, f"glass:{broken.id}")
    return None


def _in_scope(broken: GlassBroken, event: Event) -> bool:
    return broken.chain is None or broken.chain in {event.chain, event.session}


def _full(cap: Cap, event: Event, facts: Facts) -> str | None:
    """Why no further review may be opened; None when one may."""
    written = cap.written
    oldest_ms = event.at_ms - written.within_ms
    resolve = facts.estate.resolve
    who = resolve(event.subject)[1]
    opened = 0
    for decided in reversed(facts.waiting.values()):
        if decided.at_ms < oldest_ms:
            break
        if written.per == "all" or resolve(decided.request.subject.id)[1] == who:
            opened += 1
    pending = facts.view.get(("w", "" if written.per == "all" else who))
    opened += pending if isinstance(pending, int) else 0
    if opened < written.more_than:
        return None
    whose = "all" if written.per == "all" else f"`{event.subject}`"
    return (
        f"{opened} reviews of {whose} wait already, and no more than {written.more_than} are opened within the time "
        f"that pack `{cap.pack}` sets; answer or reject some first"
    )
