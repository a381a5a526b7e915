"""Who may: subject known and active, delegation declared, and every one of them holding the right.

What an agent may do for somebody is the intersection of its rights and theirs (delegation never
adds). Every hop of a delegation needs an ACTS_FOR edge; an agent that has such edges but names no
principal is refused, for leaving the human out would widen its rights.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

from graphsvc.core.estate import Estate
from graphsvc.core.event import Event
from graphsvc.core.glob import matcher
from graphsvc.core.record import Granted
from graphsvc.core.rights import Right, Rights
from graphsvc.core.verdict import Reason, ReasonCode, Verdict

__all__ = ["Grants", "check_entitlement"]

_NONE: list[Reason] = []


class Grants:
    """Situational grants and suspensions in force; changed only by folding records."""

    def __init__(self) -> None:
        self.by_id: dict[str, Granted] = {}
        self.revoked: dict[str, int] = {}
        self.suspended: dict[str, int | None] = {}
        self._of: dict[str, list[Granted]] = {}

    def add(self, grant: Granted) -> None:
        """A grant begins to count."""
        self.by_id[grant.id] = grant
        self._of.setdefault(grant.identity, []).append(grant)

    def revoke(self, grant_id: str, at_ms: int) -> None:
        """A grant counts no more; unknown ids are no error."""
        grant = self.by_id.get(grant_id)
        if grant is not None and grant_id not in self.revoked:
            self.revoked[grant_id] = at_ms
            self._of[grant.identity] = [other for other in self._of[grant.identity] if other.id != grant_id]

    def of(self, identity: str) -> list[Granted]:
        """Grants of an identity that are not revoked, past and future ones too."""
        return self._of.get(identity, [])

    def is_suspended(self, identity: str, at_ms: int) -> bool:
        """True while a suspension lasts."""
        if identity not in self.suspended:
            return False
        until_ms = self.suspended[identity]
        return until_ms is None or at_ms < until_ms


def check_entitlement(
    event: Event, estate: Estate, rights: Rights, grants: Grants, mode: str
) -> tuple[bool, list[Reason]]:
    """Reasons against the action, and whether they end the evaluation.

    mode: `required`; `advisory`: the reasons are listed but do not deny; `off`: only suspensions count.
    """
    who = event.who
    if grants.suspended:
        suspended = [party for party in who.ids if grants.is_suspended(party, event.at_ms)]
        if suspended:
            return True, [_suspended(party) for party in suspended]
    # Kept with the parties, which the estate forgets when it changes.
    standing = cast("_Standing | None", who.memo.standing)
    if standing is None:
        standing = who.memo.standing = _standing(event, estate)
    if standing.inactive:
        return True, [_suspended(party) for party in standing.inactive]
    if mode == "off":
        return False, _NONE
    reasons: list[Reason] = []
    verdict = Verdict.DENY if mode == "required" else Verdict.PERMIT
    if standing.reasons:
        reasons = [Reason(code, told, verdict, rule) for code, told, rule in standing.reasons]
        if standing.is_unknown:
            return mode == "required", reasons
    action, key = event.request.action, event.what.key
    for place, party in enumerate(who.keys):
        right = rights.check(party, action, key, event)
        if not right.allowed:
            reason = _missing(event, estate, who.ids[place], right, grants, verdict)
            if reason is not None and reason not in reasons:
                reasons.append(reason)
    return False, reasons


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
        ends = frozenset(estate.holders(f"identity:{principal}"))
        starts = estate.holders(f"identity:{actor}")
        if not any(end in ends for start in starts for end in estate.out("ACTS_FOR", start)):
            yield ReasonCode.not_delegated, f"`{actor}` does not act for `{principal}`", actor
    if len(parties) == 1 and event.subject_kind == "agent":
        node = estate.node(f"identity:{event.subject}")
        autonomous = node is not None and (
            node.fields.get("autonomous") is True or node.properties.get("autonomous") is True
        )
        if not autonomous and any(estate.out("ACTS_FOR", start) for start in event.who.holders):
            told = f"agent `{event.subject}` acts for others but names none; send `onBehalfOf`"
            yield ReasonCode.principal_missing, told, event.subject


def _missing(
    event: Event, estate: Estate, party: str, right: Right, grants: Grants, verdict: Verdict
) -> Reason | None:
    action = event.request.action
    if right.code != "denied_explicitly" and not right.capped:
        matching = [grant for grant in grants.of(party) if _covers(grant, event, estate)]
        if any(grant.from_ms <= event.at_ms < grant.to_ms for grant in matching):
            return None
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


def _covers(grant: Granted, event: Event, estate: Estate) -> bool:
    if grant.chain is not None and grant.chain != event.chain:
        return False
    places = [key.partition(":")[2] for key in estate.ancestors(event.what.key)]
    return matcher(grant.actions)(event.request.action) and any(map(matcher(grant.resources), places))
