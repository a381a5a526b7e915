"""Emergencies: somebody goes past rules for a while, says why, and everything done so is reviewed afterwards."""

from __future__ import annotations

from graphsvc.core.glob import matcher
from graphsvc.core.governing import GlassBroken
from graphsvc.core.member import is_one_of
from graphsvc.core.protection import Glass
from graphsvc.core.record import Decided, Record
from graphsvc.core.world import World
from graphsvc.decide.cell import GRAPH, chain_cell, principal_cell
from graphsvc.decide.command import Caller
from graphsvc.decide.jobs import ChangeJob, Moment
from graphsvc.decide.review_view import ReviewStatus, ReviewView
from graphsvc.errors import BadInput, Conflict, NotAllowed

__all__ = ["afterwards_view", "break_glass"]

_MAX_TEXT = 1_000
_DAY_MS = 86_400_000


def break_glass(
    caller: Caller, glass_id: str, world: World, identity: str, chain: str | None, reason: str
) -> ChangeJob:
    """Declare an emergency for an identity, in one chain or everywhere.

    NotAllowed unless a pack's `break_glass` names the identity and the token may speak for it; Conflict while actions
    of an earlier emergency are overdue for their review.
    """
    if not reason.strip() or len(reason) > _MAX_TEXT:
        raise BadInput(f"say in 1 to {_MAX_TEXT} characters why", field="reason")
    known = world.estate.identity_key(identity)
    if known is None:
        raise BadInput(f"no identity `{identity}` in the graph", field="identity")
    name = known.removeprefix("identity:")
    if not matcher(caller.subjects)(name):
        raise NotAllowed(f"the token may not speak for `{name}`")
    person = world.estate.resolve(name)[1]

    def build(now: Moment) -> list[Record]:
        glass = _glass_of(now.world, name)
        if glass is None:
            raise NotAllowed(
                f"no pack in force lets `{name}` go past rules; `break_glass` of a pack says who may"
            )
        overdue = _overdue(now.world, person, now.at_ms)
        if overdue:
            raise Conflict(
                f"{overdue} actions of an earlier emergency wait for their review beyond its time; answer them first"
            )
        return [
            GlassBroken(
                at_ms=now.at_ms,
                by=caller.subject,
                id=glass_id,
                identity=person,
                pack=glass.pack,
                reason=reason,
                until_ms=now.at_ms + glass.written.lasts_ms,
                chain=chain,
            )
        ]

    touches = {principal_cell(person), principal_cell(name), *((chain_cell(chain),) if chain else ())}
    return ChangeJob(build, frozenset(touches), reads=frozenset((GRAPH,)))


def afterwards_view(world: World, review: str, decided: Decided) -> ReviewView | None:
    """The review of an action that an emergency let through; None when it is none of those."""
    governance = world.governance
    answer = governance.confirmed.get(review)
    if answer is not None:
        status = ReviewStatus.APPROVED if answer.justified else ReviewStatus.REJECTED
        return ReviewView(
            review,
            status,
            decided.at_ms,
            answer.at_ms,
            decided.by,
            answer.person.id,
            answer.reason,
            answer.at_ms,
            afterwards=True,
        )
    waiting = governance.unconfirmed.get(review)
    if waiting is None:
        return None
    due_ms = decided.at_ms + _review_within_ms(world, waiting[1])
    return ReviewView(review, ReviewStatus.OPEN, decided.at_ms, due_ms, decided.by, afterwards=True)


def _glass_of(world: World, identity: str) -> Glass | None:
    for glass in world.ruleset.protection.glasses.values():
        if is_one_of(glass.written.subject, identity, world.estate):
            return glass
    return None


def _review_within_ms(world: World, glass_id: str) -> int:
    broken = world.governance.breaks.get(glass_id)
    glass = world.ruleset.protection.glasses.get(broken.pack) if broken is not None else None
    return glass.written.review_within_ms if glass is not None else _DAY_MS


def _overdue(world: World, person: str, now_ms: int) -> int:
    governance = world.governance
    return sum(
        governance.breaks[glass].identity == person and now_ms > at_ms + _review_within_ms(world, glass)
        for at_ms, glass in governance.unconfirmed.values()
    )
