"""The register of findings: who answers for them and by when, and risks that somebody accepts for a while."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from graphsvc.core.governing import FindingRegistered, FindingReleased
from graphsvc.core.record import Record
from graphsvc.core.world import World
from graphsvc.decide.command import Ack, Caller
from graphsvc.decide.jobs import ChangeJob, Moment
from graphsvc.decide.proposal import Job
from graphsvc.errors import BadInput, Conflict

__all__ = ["FindingWish", "Register", "register", "release"]

_MAX_TEXT = 1_000
_MAX_NAME = 500
_MAX_ENTRIES = 10_000
_LONGEST_DAYS = 366
_FINGERPRINT = re.compile("[0-9a-f]{16}")
# Only changes of the register read or touch it.
_CELL = frozenset(("findings",))


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingWish:
    """Which findings (globs; a fingerprint names one), and what is to be agreed about them, as in `FindingRegistered`."""

    pattern: str = "*"
    identity: str = "*"
    fingerprint: str | None = None
    owner: str = ""
    due: date | None = None
    accepted_until: date | None = None
    reason: str = ""


class Register:
    """As adapters ask for it. run: makes a change durable; ids: makes names."""

    def __init__(
        self,
        world: World,
        run: Callable[[Job], Awaitable[Ack]],
        ids: Callable[[], str],
        now_ms: Callable[[], int],
    ) -> None:
        self._world = world
        self._run = run
        self._ids = ids
        self._now_ms = now_ms

    async def add(self, caller: Caller, wish: FindingWish) -> tuple[Ack, FindingRegistered]:
        """Register something; and what of it was recorded. What was agreed about the very same findings before is replaced."""
        entry = self._ids()
        ack = await self._run(register(caller, entry, wish))
        return ack, self._world.governance.registered[entry]

    async def release(self, caller: Caller, entry: str, reason: str) -> Ack:
        """An entry counts no more; BadInput for one that is not there."""
        return await self._run(release(caller, entry, reason))

    def today(self) -> date:
        """The day, UTC, by which entries are due or lapse."""
        return _day(self._now_ms())

    def entries(self) -> list[FindingRegistered]:
        """Everything that is registered, lapsed risks too, newest first."""
        return list(reversed(self._world.governance.registered.values()))


def register(caller: Caller, entry: str, wish: FindingWish) -> ChangeJob:
    """Accept a risk until a day, or name who answers by when. BadInput names what is missing, or reaches too far."""
    _check(wish)

    def build(now: Moment) -> list[Record]:
        today = _day(now.at_ms)
        if wish.accepted_until is not None:
            _check_day(wish.accepted_until, today)
        held = now.world.governance.registered.values()
        if len(held) >= _MAX_ENTRIES:
            raise Conflict(f"the register holds {_MAX_ENTRIES:,} entries already; withdraw some")
        replaced = [
            FindingReleased(at_ms=now.at_ms, by=caller.subject, entry=each.id, reason="replaced")
            for each in held
            if _selects(each) == _selects(wish)
        ]
        return [
            *replaced,
            FindingRegistered(
                at_ms=now.at_ms,
                by=caller.subject,
                id=entry,
                pattern=wish.pattern,
                identity=wish.identity,
                fingerprint=wish.fingerprint,
                owner=wish.owner,
                due=wish.due,
                accepted_until=wish.accepted_until,
                reason=wish.reason.strip(),
            ),
        ]

    return ChangeJob(build, _CELL, reads=_CELL)


def release(caller: Caller, entry: str, reason: str) -> ChangeJob:
    """Take an entry out of the register: what it agreed counts no more."""
    _check_reason(reason)

    def build(now: Moment) -> list[Record]:
        if entry not in now.world.governance.registered:
            raise BadInput(f"the register has no entry `{entry}`", field="id")
        return [FindingReleased(at_ms=now.at_ms, by=caller.subject, entry=entry, reason=reason.strip())]

    return ChangeJob(build, _CELL, reads=_CELL)


def _day(at_ms: int) -> date:
    return datetime.fromtimestamp(at_ms / 1000, UTC).date()


def _selects(entry: FindingRegistered | FindingWish) -> tuple[object, ...]:
    return entry.pattern, entry.identity, entry.fingerprint, entry.accepted_until is not None


def _check(wish: FindingWish) -> None:
    for field in ("pattern", "identity", "owner"):
        value = getattr(wish, field)
        if len(value) > _MAX_NAME or (not value and field != "owner"):
            raise BadInput(f"{field}: wants 1 to {_MAX_NAME} characters", field=field)
    if wish.fingerprint is not None and not _FINGERPRINT.fullmatch(wish.fingerprint):
        told = f"fingerprint: `{wish.fingerprint}` is none; take the 16 hex digits that `findings` shows"
        raise BadInput(told, field="fingerprint")
    if wish.accepted_until is None:
        if not wish.owner.strip() and wish.due is None:
            raise BadInput("owner: say who answers, or by when it is due", field="owner")
        return
    _check_reason(wish.reason)
    if wish.fingerprint is None and wish.pattern == "*":
        told = "fingerprint: name one, or a pattern; nobody can answer for every finding there will be"
        raise BadInput(told, field="fingerprint")


def _check_reason(reason: str) -> None:
    if not reason.strip() or len(reason) > _MAX_TEXT:
        raise BadInput(f"reason: say in 1 to {_MAX_TEXT} characters why", field="reason")


def _check_day(day: date, today: date) -> None:
    if day < today:
        raise BadInput(f"until: {day} is over; name a day from {today} on", field="until")
    if day > today + timedelta(days=_LONGEST_DAYS):
        told = f"until: {day} is more than {_LONGEST_DAYS} days off; accept it for a year and look again then"
        raise BadInput(told, field="until")
