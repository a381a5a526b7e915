"""Who may: subject known and active, delegation declared, and every one of them holding the right.

What an agent may do for somebody is the intersection of its rights and theirs (delegation never
adds). Every hop of a delegation needs an ACTS_FOR edge; an agent that has such edges but names no
principal is refused, for leaving the human out would widen its rights.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from graphsvc.core.estate import Estate
from graphsvc.core.event import Event
from graphsvc.core.facts import Facts
from graphsvc.core.glob import matcher
from graphsvc.core.record import Granted
from graphsvc.core.rights import Right
from graphsvc.core.verdict import Reason, ReasonCode, Verdict

__all__ = ["Entitlement", "check_entitlement"]

_NONE: list[Reason] = []


@dataclass(frozen=True, slots=True)
class Entitlement:
    """reasons: against the action. ends: they end the evaluation. grants: ids of those it is allowed by."""

    reasons: list[Reason]
    ends: bool = False
    grants: tuple[str, ...] = ()


_FREE = Entitlement(_NONE)


def check_entitlement(event: Event, facts: Facts, mode: str) -> Entitlement:
    """What speaks against the action, by who does it for whom and what they may.

    mode: `required`; `advisory`: the reasons are listed but do not deny; `off`: only suspensions count.
    """
    who, estate, grants = event.who, facts.estate, facts.grants
    if grants.suspended:
        suspended = [party for party in who.ids if grants.is_suspended(party, event.at_ms)]
        if suspended:
            return Entitlement([_suspended(party) for party in suspended], ends=True)
    # Kept with the parties, which the estate forgets when it changes.
    standing: _Standing | None = who.memo.standing
    if standing is None:
        standing = who.memo.standing = _standing(event, estate)
    if standing.inactive:
        return Entitlement([_suspended(party) for party in standing.inactive], ends=True)
    if mode == "off":
        return _FREE
    reasons: list[Reason] = []
    verdict = Verdict.DENY if mode == "required" else Verdict.PERMIT
    if standing.reasons:
        reasons = [Reason(code, told, verdict, rule) for code, told, rule in standing.reasons]
        if standing.is_unknown:
            return Entitlement(reasons, ends=mode == "required")
    action, key = event.request.action, event.what.key
    if facts.rights.all_allowed(who, action, key):
        return Entitlement(reasons) if reasons else _FREE
    check = facts.rights.check
    used: tuple[str, ...] = ()
    for place, party in enumerate(who.keys):
        right = check(party, action, key, event)
        if not right.allowed:
            found = _granted(event, facts, who.ids[place], right, verdict)
            if isinstance(found, Granted):
                used = (*used, found.id)
            elif found not in reasons:
                reasons.append(found)
    return Entitlement(reasons, grants=used) if reasons or used else _FREE


@dataclass(frozen=True, slots=True)
class _Standing:
    """What the graph alone says of a subject and its delegators, whatever they want to do."""

    inactive: tuple[str, ...]
    is_unknown: bool
    reasons: tuple[tuple[ReasonCode, str, str], ...]


def _standing(event: Event, estate: Estate) -> _Standing:
    parties = event.who.ids
    nodes = [(party, estate.node(f"identity:{party}")) for party in parties]
    inactive = tuple(
        party for party, node in nodes if node is not None and node.fields.get("status") == "suspended"
    )
    unknown = [party for party, node in nodes if node is None]
    if unknown:
        told = [(ReasonCode.subject_unknown, f"identity `{party}` is unknown", party) for party in unknown]
        return _Standing(inactive, True, tuple(told))
    return _Standing(inactive, False, tuple(_delegation(event, estate, parties)))


def _suspended(party: str) -> Reason:
    return Reason(ReasonCode.subject_suspended, f"identity `{party}` is suspended", Verdict.DENY, party)


def _delegation(
    event: Event, estate: Estate, parties: tuple[str, ...]
) -> Iterator[tuple[ReasonCode, str, str]]:
    for actor, principal in pairwise(parties):
        acting, behind = f"identity:{actor}", f"identity:{principal}"
        if behind in estate.out("ACTS_FOR", acting):
            continue  # as it mostly is: by an edge of its own, for this one
        ends = [end for start in estate.holders(acting) for end in estate.out("ACTS_FOR", start)]
        if not ends or frozenset(ends).isdisjoint(estate.holders(behind)):
            yield ReasonCode.not_delegated, f"`{actor}` does not act for `{principal}`", actor
    if len(parties) == 1 and event.subject_kind == "agent":
        node = estate.node(f"identity:{event.subject}")
        autonomous = node is not None and (
            node.fields.get("autonomous") is True or node.properties.get("autonomous") is True
        )
        if not autonomous and any(estate.out("ACTS_FOR", start) for start in event.who.holders):
            told = f"agent `{event.subject}` acts for others but names none; send `onBehalfOf`"
            yield ReasonCode.principal_missing, told, event.subject


def _granted(event: Event, facts: Facts, party: str, right: Right, verdict: Verdict) -> Granted | Reason:
    """The grant that allows what no permission does, else why nothing does."""
    action = event.request.action
    if right.code != "denied_explicitly" and not right.capped:
        matching = [grant for grant in facts.grants.of(party) if _covers(grant, event, facts.estate)]
        running = [grant for grant in matching if grant.from_ms <= event.at_ms < grant.to_ms]
        fresh = [grant for grant in running if _has_uses(grant, facts)]
        if fresh:
            # One without a limit, if there is one: counted ones are kept for later.
            return min(fresh, key=lambda grant: (grant.uses is not None, grant.to_ms, grant.id))
        if running:
            told = f"the grant that let `{party}` do `{action}` is used up"
            return Reason(ReasonCode.grant_expired, told, verdict, running[-1].id)
        if matching and all(grant.to_ms <= event.at_ms for grant in matching):
            told = f"the grant that let `{party}` do `{action}` has ended"
            return Reason(ReasonCode.grant_expired, told, verdict, matching[-1].id)
    place = event.resource
    lacking = f"; it asks for {', '.join(f'`{name}`' for name in right.missing)}" if right.missing else ""
    told = {
        "denied_explicitly": f"a permission denies `{party}` the action `{action}` on `{place}`{lacking}",
        "condition_unknown": (
            f"`{party}` may do `{action}` on `{place}` only under a condition not known to hold{lacking}"
        ),
    }.get(right.code, f"`{party}` holds no right to `{action}` on `{place}`")
    return Reason(ReasonCode(right.code), told, verdict, right.rule)


def _has_uses(grant: Granted, facts: Facts) -> bool:
    if grant.uses is None:
        return True
    # Decisions of the same batch that are not folded yet count too.
    used = facts.view.get(("g", grant.id))
    return (used if isinstance(used, int) else facts.grants.used.get(grant.id, 0)) < grant.uses


def _covers(grant: Granted, event: Event, estate: Estate) -> bool:
    if grant.chain is not None and grant.chain != event.chain:
        return False
    if grant.session is not None and grant.session != event.session:
        return False
    places = [key.partition(":")[2] for key in estate.ancestors(event.what.key)]
    return matcher(grant.actions)(event.request.action) and any(map(matcher(grant.resources), places))
