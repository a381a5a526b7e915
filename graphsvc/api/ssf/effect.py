"""What a security event does here: it raises risk, suspends, revokes. It lowers risk only where a pack says so.

Event types: OpenID CAEP 1.0, OpenID RISC 1.0. Each effective event leaves a signal that names its `jti`; by it an event
that is delivered again, after a restart too, is recognised while the signal counts.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from graphsvc.api.ssf.stream import SecurityEvent, Stream
from graphsvc.core.policy.signal_rule import SignalRule
from graphsvc.core.signal import cause_of
from graphsvc.decide.command import Caller
from graphsvc.decide.service import GraphsvcService
from graphsvc.errors import Conflict

__all__ = ["Receiver", "effect_of", "names_of", "ruled"]

CAEP = "https://schemas.openid.net/secevent/caep/event-type/"
RISC = "https://schemas.openid.net/secevent/risc/event-type/"
_DAY_MS = 24 * 3_600_000
_REMEMBERED = 10_000
# What tells one event of a kind from another.
_TELLING = ("current_level", "change_type", "current_status")
_log = logging.getLogger("graphsvc.api")


@dataclass(frozen=True, slots=True)
class Effect:
    """weight: of a signal that halves every half_life_ms, 0 = none. suspends the identity; revokes its grants for a while.

    lowers: what the same stream warned of before counts no more.
    """

    weight: float = 0.0
    suspends: bool = False
    revokes: bool = False
    half_life_ms: int = _DAY_MS
    lowers: bool = False


NOTHING = Effect()
# What an event leaves that suspends or revokes without a weight: a millionth of risk, for a month, so that it is known again.
_MARK = Effect(0.000_001, half_life_ms=30 * _DAY_MS)
_SESSION_REVOKED = Effect(0.3, revokes=True)
_FIXED = {
    CAEP + "session-revoked": _SESSION_REVOKED,
    RISC + "sessions-revoked": _SESSION_REVOKED,
    RISC + "account-disabled": Effect(0.6, suspends=True, revokes=True),
    RISC + "account-purged": Effect(0.6, suspends=True, revokes=True),
    RISC + "credential-compromise": Effect(0.6, revokes=True),
    RISC + "account-credential-change-required": Effect(0.3),
    RISC + "recovery-activated": Effect(0.2),
    RISC + "recovery-information-changed": Effect(0.1),
    RISC + "identifier-recycled": Effect(0.3, revokes=True),
}
_BY_LEVEL = {"HIGH": Effect(0.6), "MEDIUM": Effect(0.3)}
_BY_CHANGE = {"revoke": Effect(0.3), "delete": Effect(0.2), "create": Effect(0.1), "update": Effect(0.1)}


def effect_of(event: SecurityEvent) -> Effect:
    """What it does; NOTHING for types that only inform, that lower risk, or that are not known."""
    match event.kind.removeprefix(CAEP):
        case "risk-level-change":
            return _BY_LEVEL.get(str(event.claims.get("current_level", "")).upper(), NOTHING)
        case "credential-change":
            return _BY_CHANGE.get(str(event.claims.get("change_type", "")).lower(), NOTHING)
        case "device-compliance-change" if event.claims.get("current_status") == "not-compliant":
            return Effect(0.5)
    return _FIXED.get(event.kind, NOTHING)


def ruled(event: SecurityEvent, rule_of: Callable[[str], SignalRule | None]) -> Effect:
    """What it does by the packs in force, the most exact name first; else by the built-in table."""
    short = event.kind.removeprefix(CAEP).removeprefix(RISC)
    told = next((str(event.claims[name]) for name in _TELLING if event.claims.get(name)), None)
    for name in (short, event.kind):
        exact = f"{name}:{told.upper()}" if told is not None else None
        rule = (rule_of(exact) if exact is not None else None) or rule_of(name)
        if rule is not None:
            return Effect(rule.weight, rule.suspend, rule.revoke, rule.half_life_ms, rule.lowers)
    return effect_of(event)


def names_of(subject: dict[str, object]) -> list[str]:
    """Aliases and ids under which the subject may be known, the most exact first.

    Formats: email, iss_sub, opaque, account, phone_number, aliases, and the user of a complex subject (RFC 9493).
    """
    form = subject.get("format")
    text = {name: str(subject.get(name, "")) for name in ("email", "iss", "sub", "id", "uri", "phone_number")}
    match form:
        case "email":
            address = text["email"]
            found = [f"email:{address}", f"email:{address.lower()}", address]
        case "iss_sub":
            iss, sub = text["iss"], text["sub"]
            found = [f"iss_sub:{iss}{mark}{sub}" for mark in ("#", "|", ",", ":", "/")] + [sub]
        case "opaque":
            found = [f"opaque:{text['id']}", text["id"]]
        case "account":
            found = [text["uri"], text["uri"].removeprefix("acct:")]
        case "phone_number":
            found = [f"phone_number:{text['phone_number']}"]
        case "aliases":
            listed = subject.get("identifiers")
            each = listed if isinstance(listed, list) else []
            return [name for one in each if isinstance(one, dict) for name in names_of(one)]
        case "complex":
            user = subject.get("user")
            return names_of(user) if isinstance(user, dict) else []
        case _:
            found = []
    return [name for name in dict.fromkeys(found) if not name.endswith(":") and name]


class Receiver:
    """Carries events out, each once."""

    def __init__(self, service: GraphsvcService) -> None:
        self._service = service
        self._seen: dict[tuple[str, str], None] = {}

    async def take(self, stream: Stream, event: SecurityEvent) -> str:
        """Carry it out and return when that is durable: `done`, `repeated`, `no effect` or `unknown subject`."""
        told = await self._taken(stream, event)
        _log.info(
            "security_event",
            extra={"stream": stream.name, "jti": event.jti, "kind": event.kind, "came_of_it": told},
        )
        return told

    async def _taken(self, stream: Stream, event: SecurityEvent) -> str:
        effect = ruled(event, self._service.signal_rule)
        if effect == NOTHING:
            return "no effect"
        views = (self._service.identity(each) for each in names_of(event.subject))
        view = next((each for each in views if each is not None), None)
        if view is None:
            return "unknown subject"
        key = (stream.name, event.jti)
        if key in self._seen or any(
            each.cause.endswith(f"({stream.name} {event.jti})") for each in self._service.signals(view.id)
        ):
            return "repeated"
        self._seen[key] = None
        if len(self._seen) > _REMEMBERED:
            del self._seen[next(iter(self._seen))]
        caller = Caller(subject=f"ssf:{stream.name}", roles=frozenset({"analyst", "approver"}))
        cause = cause_of(event.kind.rpartition("/")[2], stream.name, event.jti)
        changes: list[Awaitable[object]] = []
        if effect.suspends and view.status != "suspended":
            changes.append(self._service.suspend(caller, view.id, cause, None))
        if effect.revokes:
            changes += [self._revoked(caller, grant.id, cause) for grant in view.grants]
        if effect.lowers:
            sent_ms = int(event.at_s * 1000)
            changes.append(self._service.lower_signals(caller, view.id, stream.name, sent_ms, cause))
        left = effect if effect.weight else _MARK
        if effect.weight or effect.suspends or effect.revokes:
            changes.append(
                self._service.send_signal(caller, view.id, left.weight, left.half_life_ms, cause, None)
            )
        try:
            await asyncio.gather(*changes)
        except BaseException:
            # Told to send again: it has to be carried out then.
            self._seen.pop(key, None)
            raise
        return "done"

    async def _revoked(self, caller: Caller, grant: str, cause: str) -> None:
        try:
            await self._service.revoke_grant(caller, grant, cause)
        except Conflict:
            # Somebody else was quicker.
            return
