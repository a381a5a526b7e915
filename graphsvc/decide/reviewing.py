"""Human review: approvals and rejections of escalated actions, by somebody who had no part in them."""

from __future__ import annotations

from collections.abc import Callable

from graphsvc.core.record import Approved, Decided, Record, Rejected
from graphsvc.core.request import Entity
from graphsvc.core.world import World
from graphsvc.decide.cell import GRAPH, foreign_guards, principal_cell
from graphsvc.decide.command import Caller
from graphsvc.decide.jobs import ChangeJob, Moment
from graphsvc.decide.review_view import REVIEW_TTL_MS, ReviewStatus, ReviewView
from graphsvc.errors import BadInput, Conflict, NotAllowed

__all__ = ["approve", "reject", "review_view", "reviews"]

_MAX_TEXT = 1_000
_ANSWERED = "v"
_APPROVE = "review:Approve"


def approve(caller: Caller, world: World, review: str, reason: str, until_ms: int | None) -> ChangeJob:
    """Let exactly this request through once. until_ms: use it before then, at most an hour from now."""

    def build(now: Moment) -> list[Record]:
        person = _answerable(caller, now, review)
        latest_ms = now.at_ms + REVIEW_TTL_MS
        if until_ms is not None and not now.at_ms < until_ms <= latest_ms:
            raise BadInput("must lie in the future, at most an hour from now", field="scope.expiresAt")
        return [
            Approved(
                at_ms=now.at_ms,
                decision=review,
                person=person,
                reason=_said(reason),
                by=caller.subject,
                until_ms=until_ms if until_ms is not None else latest_ms,
            )
        ]

    return _job(caller, world, review, build)


def reject(caller: Caller, world: World, review: str, reason: str) -> ChangeJob:
    """The request stays refused, whoever asks again."""

    def build(now: Moment) -> list[Record]:
        person = _answerable(caller, now, review)
        return [
            Rejected(at_ms=now.at_ms, decision=review, person=person, reason=_said(reason), by=caller.subject)
        ]

    return _job(caller, world, review, build)


def review_view(world: World, review: str, now_ms: int) -> ReviewView | None:
    """One review, None when no decision of that id was escalated."""
    waiting = world.waiting.get(review)
    if waiting is not None:
        expires_ms = waiting.at_ms + REVIEW_TTL_MS
        status = ReviewStatus.OPEN if now_ms <= expires_ms else ReviewStatus.EXPIRED
        return ReviewView(review, status, waiting.at_ms, expires_ms, waiting.by)
    answered, decided = world.reviews.get(review), world.decided.get(review)
    if answered is None or decided is None:
        return None
    expires_ms = answered.until_ms if answered.until_ms is not None else answered.at_ms + REVIEW_TTL_MS
    if not answered.approved:
        status = ReviewStatus.REJECTED
    elif answered.used_by is not None:
        status = ReviewStatus.USED
    else:
        status = ReviewStatus.APPROVED if now_ms <= expires_ms else ReviewStatus.EXPIRED
    return ReviewView(
        review, status, decided.at_ms, expires_ms, decided.by, answered.by, answered.reason, answered.at_ms,
        answered.used_by,
    )  # fmt: skip


def reviews(
    world: World,
    now_ms: int,
    *,
    status: ReviewStatus | None,
    owner: str | None,
    before: int | None,
    limit: int,
) -> list[tuple[int, ReviewView]]:
    """Reviews with the number of their decision, newest first. owner: only of chains of this token subject."""
    numbered = sorted(((world.seq_of(name), name) for name in (*world.waiting, *world.reviews)), reverse=True)
    found: list[tuple[int, ReviewView]] = []
    for seq, name in numbered:
        view = review_view(world, name, now_ms) if before is None or seq < before else None
        if view is not None and status in (None, view.status) and owner in (None, view.owner):
            found.append((seq, view))
            if len(found) == limit:
                break
    return found


def _answerable(caller: Caller, now: Moment, review: str) -> Entity:
    """Who answers; refused for those who took part, and once it is answered or over."""
    world = now.world
    decided = world.waiting.get(review)
    if decided is None or now.overlay.get((_ANSWERED, review)) is not None:
        if review in world.reviews or decided is not None:
            raise Conflict(f"review `{review}` is answered already")
        raise BadInput(f"no review `{review}`", field="id")
    if now.at_ms > decided.at_ms + REVIEW_TTL_MS:
        raise Conflict(f"review `{review}` has expired; the action has to be asked for again")
    _four_eyes(caller, world, decided)
    now.overlay.merge({(_ANSWERED, review): caller.subject})
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
        raise NotAllowed("whoever asked for an action, does it or has it done cannot review it")


def _said(reason: str) -> str:
    if not reason.strip() or len(reason) > _MAX_TEXT:
        raise BadInput(f"say in 1 to {_MAX_TEXT} characters why", field="reason")
    return reason


def _job(caller: Caller, world: World, review: str, build: Callable[[Moment], list[Record]]) -> ChangeJob:
    cell = f"v:{review}"
    touched = {cell, principal_cell(world.estate.person(world.estate.resolve(caller.subject)[0]))}
    decided = world.decided.get(review)
    if decided is not None:
        # The approval is an event in the session of what it approves, and may stand as a guard there.
        touched |= set(decided.scopes)
    touched |= foreign_guards(_APPROVE, world.ruleset, of_steps=False)
    return ChangeJob(build, frozenset(touched), reads=frozenset((GRAPH, cell)))
