"""Human review: approvals and rejections of escalated actions, by somebody who had no part in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from graphsvc.core.governing import Confirmed, Endorsed, ReviewWithdrawn
from graphsvc.core.record import Approved, Decided, Record, Rejected
from graphsvc.core.request import Entity
from graphsvc.core.value import Json
from graphsvc.core.world import World
from graphsvc.decide.cell import GRAPH, WAITING_CELL, foreign_guards, principal_cell
from graphsvc.decide.command import Caller
from graphsvc.decide.emergency import afterwards_view
from graphsvc.decide.jobs import ChangeJob, Moment
from graphsvc.decide.narrowing import check_narrower
from graphsvc.decide.review_view import REVIEW_TTL_MS, ReviewStatus, ReviewView
from graphsvc.decide.routing import check_approver, route_of
from graphsvc.errors import BadInput, Conflict, NotAllowed

__all__ = ["approve", "checked_reason", "person_of", "reject", "review_view", "withdraw"]

_MAX_TEXT = 1_000
_ANSWERED = "v"
_APPROVE = "review:Approve"


def approve(
    caller: Caller,
    world: World,
    review: str,
    reason: str,
    until_ms: int | None,
    properties: Mapping[str, Json] | None = None,
) -> ChangeJob:
    """Let exactly this request through once, or count towards the approvals that its route asks for.

    until_ms: use it before then, at most an hour from now. properties: of the action, narrower than was asked.
    """

    def build(now: Moment) -> list[Record]:
        said = checked_reason(reason)
        if (afterwards := _confirmed(caller, now, review, said, justified=True)) is not None:
            return [afterwards]
        decided, person = _answerable(caller, now, review)
        latest_ms = now.at_ms + REVIEW_TTL_MS
        if until_ms is not None and not now.at_ms < until_ms <= latest_ms:
            raise BadInput("must lie in the future, at most an hour from now", field="scope.expiresAt")
        narrowed = check_narrower(decided.request, properties) if properties else {}
        before = now.world.governance.endorsed.get(review, [])
        resolve = now.world.estate.resolve
        mine = resolve(person.id)[1]
        if any(resolve(each.person.id)[1] == mine for each in before):
            raise Conflict("you approved this review already; another person has to")
        if (left := route_of(now.world, decided).quorum - len(before) - 1) > 0:
            if narrowed or until_ms is not None:
                # INVARIANT: nobody's agreement to less ever counts as one to the whole.
                raise BadInput(
                    f"counts with the last approval only, and {left} more are needed; approve as asked, or let the last narrow it",
                    field="scope",
                )
            return [Endorsed(at_ms=now.at_ms, by=caller.subject, decision=review, person=person, reason=said)]
        return [
            Approved(
                at_ms=now.at_ms,
                decision=review,
                person=person,
                reason=said,
                by=caller.subject,
                until_ms=until_ms if until_ms is not None else latest_ms,
                narrowed=narrowed or None,
            )
        ]

    return _job(caller, world, review, build)


def reject(caller: Caller, world: World, review: str, reason: str) -> ChangeJob:
    """The request stays refused, whoever asks again."""

    def build(now: Moment) -> list[Record]:
        said = checked_reason(reason)
        if (afterwards := _confirmed(caller, now, review, said, justified=False)) is not None:
            return [afterwards]
        _, person = _answerable(caller, now, review)
        return [Rejected(at_ms=now.at_ms, decision=review, person=person, reason=said, by=caller.subject)]

    return _job(caller, world, review, build)


def withdraw(caller: Caller, world: World, review: str, reason: str) -> ChangeJob:
    """Nobody waits for the answer any more: whoever asked says so, or an approver."""

    def build(now: Moment) -> list[Record]:
        said = checked_reason(reason)
        decided = _open(now, review)
        if decided.by != caller.subject and not caller.roles & {"approver", "admin"}:
            # One answer for what is another's and what is not there.
            raise BadInput(f"no review `{review}`", field="id")
        now.overlay.merge({(_ANSWERED, review): caller.subject})
        return [ReviewWithdrawn(at_ms=now.at_ms, by=caller.subject, decision=review, reason=said)]

    return _job(caller, world, review, build)


def review_view(world: World, review: str, now_ms: int) -> ReviewView | None:
    """One review, None when no decision of that id was escalated."""
    governance, decided = world.governance, world.decided.get(review)
    if decided is None:
        return None
    waiting = world.waiting.get(review)
    if waiting is not None:
        route = route_of(world, waiting)
        expires_ms = waiting.at_ms + (route.expires_ms or REVIEW_TTL_MS)
        return ReviewView(
            review,
            ReviewStatus.OPEN if now_ms <= expires_ms else ReviewStatus.EXPIRED,
            waiting.at_ms,
            expires_ms,
            waiting.by,
            quorum=route.quorum,
            endorsed=tuple(each.person.id for each in governance.endorsed.get(review, ())),
            deputies_ms=waiting.at_ms + route.after_ms if route.after_ms is not None else None,
        )
    if review in governance.unconfirmed or review in governance.confirmed:
        return afterwards_view(world, review, decided)
    withdrawn = governance.withdrawn.get(review)
    if withdrawn is not None:
        return ReviewView(
            review, ReviewStatus.WITHDRAWN, decided.at_ms, withdrawn.at_ms, decided.by, withdrawn.by,
            withdrawn.reason, withdrawn.at_ms,
        )  # fmt: skip
    answered = world.reviews.get(review)
    if answered is None:
        return None
    expires_ms = answered.until_ms if answered.until_ms is not None else answered.at_ms + REVIEW_TTL_MS
    if not answered.approved:
        status = ReviewStatus.REJECTED
    elif answered.used_by is not None:
        status = ReviewStatus.USED
    else:
        status = ReviewStatus.APPROVED if now_ms <= expires_ms else ReviewStatus.EXPIRED
    before = tuple(each.person.id for each in governance.endorsed.get(review, ()))
    return ReviewView(
        review, status, decided.at_ms, expires_ms, decided.by, answered.by, answered.reason, answered.at_ms,
        answered.used_by, quorum=len(before) + 1, endorsed=(*before, *((answered.by,) if answered.approved else ())),
        narrowed=dict(answered.request.action_properties) if answered.narrowed else None,
    )  # fmt: skip


def _open(now: Moment, review: str) -> Decided:
    """The decision that waits; refused once it is answered."""
    world = now.world
    decided = world.waiting.get(review)
    if decided is None or now.overlay.get((_ANSWERED, review)) is not None:
        if review in world.reviews or review in world.governance.withdrawn or decided is not None:
            raise Conflict(f"review `{review}` is answered already")
        raise BadInput(f"no review `{review}`", field="id")
    return decided


def _answerable(caller: Caller, now: Moment, review: str) -> tuple[Decided, Entity]:
    """What waits and who answers; refused for those who took part or are left out, and once it is over."""
    world, decided = now.world, _open(now, review)
    expires_ms = decided.at_ms + (route_of(world, decided).expires_ms or REVIEW_TTL_MS)
    if now.at_ms > expires_ms:
        raise Conflict(f"review `{review}` has expired; the action has to be asked for again")
    _four_eyes(caller, world, decided)
    check_approver(world, decided, caller.subject, now.at_ms)
    now.overlay.merge({(_ANSWERED, review): caller.subject})
    return decided, person_of(world, caller)


def _confirmed(caller: Caller, now: Moment, review: str, said: str, *, justified: bool) -> Confirmed | None:
    """The review afterwards of an action of an emergency; None when it is no such review."""
    world = now.world
    if review in world.governance.confirmed:
        raise Conflict(f"review `{review}` is answered already")
    if review not in world.governance.unconfirmed:
        return None
    decided = world.decided[review]
    _four_eyes(caller, world, decided)
    broken = world.governance.breaks[world.governance.unconfirmed[review][1]]
    if world.estate.resolve(broken.by)[1] == world.estate.resolve(caller.subject)[1]:
        raise NotAllowed("whoever declared an emergency cannot review what was done in it")
    check_approver(world, decided, caller.subject, now.at_ms)
    return Confirmed(
        at_ms=now.at_ms,
        by=caller.subject,
        decision=review,
        person=person_of(world, caller),
        justified=justified,
        reason=said,
    )


def person_of(world: World, caller: Caller) -> Entity:
    """The caller as an identity of the graph, a human where it knows no better."""
    identity = world.estate.resolve(caller.subject)[0]
    node = world.estate.node(f"identity:{identity}")
    kind = node.fields.get("kind") if node is not None else None
    return Entity(kind if isinstance(kind, str) else "human", identity)


def _four_eyes(caller: Caller, world: World, decided: Decided) -> None:
    """Never whoever asked, acts, or is acted for; linked accounts are one person."""
    resolve = world.estate.resolve
    request = decided.request
    took_part = {resolve(party.id)[1] for party in (request.subject, *request.on_behalf_of)}
    if resolve(caller.subject)[1] in took_part or caller.subject == decided.by:
        raise NotAllowed(
            "whoever asked for an action, does it or has it done cannot review it; let another approver answer"
        )


def checked_reason(reason: str) -> str:
    """What somebody gives as their reason; BadInput when it says nothing or too much."""
    if not reason.strip() or len(reason) > _MAX_TEXT:
        raise BadInput(f"say in 1 to {_MAX_TEXT} characters why", field="reason")
    return reason


def _job(caller: Caller, world: World, review: str, build: Callable[[Moment], list[Record]]) -> ChangeJob:
    cell = f"v:{review}"
    touched = {
        cell,
        WAITING_CELL,
        principal_cell(world.estate.person(world.estate.resolve(caller.subject)[0])),
    }
    decided = world.decided.get(review)
    if decided is not None:
        # The approval is an event in the session of what it approves, and may stand as a guard there.
        touched |= set(decided.scopes)
    touched |= foreign_guards(_APPROVE, world.ruleset, of_steps=False)
    return ChangeJob(build, frozenset(touched), reads=frozenset((GRAPH, cell)))
