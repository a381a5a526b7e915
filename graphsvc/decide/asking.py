"""Grants asked for just in time: who needs rights says for what and how long, and somebody else gives them.

A request is routed like a review and answered by people who had no part in it. What is given begins with the approval
and is born with its bounds. A grant that would complete a combination of rights is refused, when it is asked for
and again when it is given, and the refusal says which.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from graphsvc.core.event import identity_id
from graphsvc.core.glob import matcher
from graphsvc.core.governing import Endorsed, GrantAsked, GrantSettled
from graphsvc.core.intent import wider
from graphsvc.core.record import Granted, Record
from graphsvc.core.world import World
from graphsvc.decide.cell import GRAPH, principal_cell
from graphsvc.decide.command import Caller
from graphsvc.decide.grant_request import expires_at
from graphsvc.decide.granting import check_scope, refuse_combination
from graphsvc.decide.jobs import ChangeJob, Moment, check_owner
from graphsvc.decide.pap import known_identity
from graphsvc.decide.reviewing import checked_reason, person_of
from graphsvc.decide.routing import check_route, grant_route
from graphsvc.errors import BadInput, Conflict, NotAllowed

__all__ = [
    "MAX_LASTS_MS",
    "GrantScope",
    "GrantWish",
    "approve_grant",
    "ask_grant",
    "same_open",
    "settle_grant",
]

MAX_LASTS_MS = 30 * 86_400_000
# Requests of one token that wait at once; more would only tire whoever answers them.
_MAX_OPEN = 100
_ANSWERED = "v"


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantWish:
    """What is asked for; lasts_ms: from the approval. on_behalf_of: ids of those whom the identity acts for."""

    identity: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    lasts_ms: int
    purpose: str
    uses: int | None = None
    chain: str | None = None
    session: str | None = None
    on_behalf_of: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantScope:
    """What an approver gives instead of what was asked; None = as asked, anything else must lie within it."""

    actions: tuple[str, ...] | None = None
    resources: tuple[str, ...] | None = None
    lasts_ms: int | None = None
    uses: int | None = None


def ask_grant(caller: Caller, request: str, world: World, wish: GrantWish) -> ChangeJob:
    """Ask; BadInput names the field, NotAllowed where the token may not speak for the identity or use the chain."""
    check_scope(wish.actions, wish.resources, wish.purpose, wish.uses)
    if not 0 < wish.lasts_ms <= MAX_LASTS_MS:
        raise BadInput("must be more than nothing, and at most 30d", field="lasts")

    def build(now: Moment) -> list[Record]:
        asked = _asked(caller, request, now, wish)
        waiting = sum(each.by == caller.subject for each in _open(now.world, now.at_ms))
        if waiting >= _MAX_OPEN:
            raise Conflict(
                f"{waiting} requests of yours wait already; withdraw some, or wait for their answers"
            )
        refuse_combination(now, _grant_of(asked, request, now.at_ms, caller.subject))
        return [asked]

    cell = principal_cell(identity_id(world.estate, wish.identity))
    return ChangeJob(build, frozenset((cell, f"v:{request}")), reads=frozenset((GRAPH, cell)))


def same_open(caller: Caller, world: World, wish: GrantWish, now_ms: int) -> GrantAsked | None:
    """An open request of the caller for the very same, so that asking again asks nobody twice."""
    for each in _open(world, now_ms):
        told = GrantWish(
            identity=each.identity, actions=each.actions, resources=each.resources, lasts_ms=each.lasts_ms,
            purpose=each.purpose, uses=each.uses, chain=each.chain, session=each.session,
            on_behalf_of=each.on_behalf_of,
        )  # fmt: skip
        if each.by == caller.subject and told == replace(
            _bare(wish), identity=identity_id(world.estate, wish.identity)
        ):
            return each
    return None


def approve_grant(
    caller: Caller, grant: str, world: World, request: str, reason: str, scope: GrantScope
) -> ChangeJob:
    """Give what was asked, or less; or count towards the approvals that the route asks for.

    GrantRefused when it would complete a combination by now.
    """
    checked_reason(reason)

    def build(now: Moment) -> list[Record]:
        asked = _answerable(caller, now, request)
        given = _narrowed(asked, scope)
        before = now.world.governance.endorsed.get(request, [])
        resolve = now.world.estate.resolve
        person = person_of(now.world, caller)
        if any(resolve(each.person.id)[1] == resolve(person.id)[1] for each in before):
            raise Conflict("you approved this request already; another person has to")
        granted = _grant_of(given, grant, now.at_ms, caller.subject)
        refuse_combination(now, granted)
        now.overlay.merge({(_ANSWERED, request): caller.subject})
        if len(before) + 1 < grant_route(now.world, asked).quorum:
            if scope != GrantScope():
                raise BadInput("only the last of several approvals can narrow what is given", field="scope")
            return [
                Endorsed(at_ms=now.at_ms, by=caller.subject, decision=request, person=person, reason=reason)
            ]
        return [
            GrantSettled(
                at_ms=now.at_ms,
                by=caller.subject,
                request=request,
                outcome="granted",
                reason=reason,
                grant=grant,
            ),
            granted,
        ]

    return _job(caller, world, request, build)


def settle_grant(caller: Caller, world: World, request: str, reason: str, outcome: str) -> ChangeJob:
    """Nothing is given. outcome: rejected, by an approver; withdrawn, by whoever asked or an approver."""
    checked_reason(reason)

    def build(now: Moment) -> list[Record]:
        if outcome == "rejected":
            _answerable(caller, now, request)
        elif _waiting(now, request).by != caller.subject and not caller.roles & {"approver", "admin"}:
            # One answer for what is another's and what is not there.
            raise BadInput(f"no request `{request}`", field="id")
        now.overlay.merge({(_ANSWERED, request): caller.subject})
        return [
            GrantSettled(at_ms=now.at_ms, by=caller.subject, request=request, outcome=outcome, reason=reason)
        ]

    return _job(caller, world, request, build)


def _asked(caller: Caller, request: str, now: Moment, wish: GrantWish) -> GrantAsked:
    wish = _bare(wish)
    identity = known_identity(now.world, wish.identity)
    if not matcher(caller.subjects)(identity):
        raise NotAllowed(f"the token may not speak for `{identity}`")
    if wish.chain is not None:
        check_owner(now.overlay, caller, wish.chain)
    return GrantAsked(
        at_ms=now.at_ms,
        by=caller.subject,
        id=request,
        identity=identity,
        actions=wish.actions,
        resources=wish.resources,
        lasts_ms=wish.lasts_ms,
        purpose=wish.purpose,
        uses=wish.uses,
        chain=wish.chain,
        session=wish.session,
        on_behalf_of=wish.on_behalf_of,
    )


def _bare(wish: GrantWish) -> GrantWish:
    """Without the prefixes that ids may carry."""
    return replace(
        wish,
        resources=tuple(each.removeprefix("resource:") for each in wish.resources),
        chain=wish.chain.removeprefix("chain:") if wish.chain is not None else None,
        session=wish.session.removeprefix("session:") if wish.session is not None else None,
        on_behalf_of=tuple(each.removeprefix("identity:") for each in wish.on_behalf_of),
    )


def _open(world: World, now_ms: int) -> list[GrantAsked]:
    governance = world.governance
    return [
        each
        for name, each in governance.asked.items()
        if name not in governance.settled and now_ms <= expires_at(each, grant_route(world, each))
    ]


def _waiting(now: Moment, request: str) -> GrantAsked:
    """What waits; refused once it is answered."""
    asked = now.world.governance.asked.get(request)
    if asked is None:
        raise BadInput(f"no request `{request}`", field="id")
    if request in now.world.governance.settled or now.overlay.get((_ANSWERED, request)) is not None:
        raise Conflict(f"request `{request}` is answered already")
    return asked


def _answerable(caller: Caller, now: Moment, request: str) -> GrantAsked:
    """What waits, for somebody who had no part in it and whom its route names."""
    world, asked = now.world, _waiting(now, request)
    route = grant_route(world, asked)
    if now.at_ms > expires_at(asked, route):
        raise Conflict(f"request `{request}` has expired; it has to be made again")
    resolve = world.estate.resolve
    if caller.subject == asked.by or resolve(caller.subject)[1] in {
        resolve(each)[1]
        for each in (asked.identity, *(asked.on_behalf_of or _acts_for(world, asked.identity)))
    }:
        raise NotAllowed("whoever asked for rights, gets them or has them used cannot give them")
    check_route(route, world, caller.subject, now.at_ms - asked.at_ms)
    return asked


def _acts_for(world: World, identity: str) -> list[str]:
    """Whom the graph says an identity acts for: any of them may be behind the request."""
    estate = world.estate
    ends = {
        end for holder in estate.holders(f"identity:{identity}") for end in estate.out("ACTS_FOR", holder)
    }
    return [each.removeprefix("identity:") for each in ends if each.startswith("identity:")]


def _narrowed(asked: GrantAsked, scope: GrantScope) -> GrantAsked:
    """What is given; BadInput names what of it goes beyond what was asked."""
    actions = asked.actions if scope.actions is None else scope.actions
    resources = (
        asked.resources
        if scope.resources is None
        else tuple(each.removeprefix("resource:") for each in scope.resources)
    )
    lasts_ms = asked.lasts_ms if scope.lasts_ms is None else scope.lasts_ms
    uses = asked.uses if scope.uses is None else scope.uses
    for name, new, old in (("actions", actions, asked.actions), ("resources", resources, asked.resources)):
        told = wider({"actions": list(new)}, {"actions": list(old)})
        if told is not None or not new:
            raise BadInput(
                f"{name}: must lie within what was asked for: {', '.join(old)}", field=f"scope.{name}"
            )
    if not 0 < lasts_ms <= asked.lasts_ms:
        raise BadInput("lasts: must not be longer than what was asked for", field="scope.lasts")
    if uses is not None and not 0 < uses <= (asked.uses if asked.uses is not None else uses):
        raise BadInput("uses: must be 1 or more, and not more than was asked for", field="scope.uses")
    return GrantAsked(
        at_ms=asked.at_ms, by=asked.by, id=asked.id, identity=asked.identity, actions=actions, resources=resources,
        lasts_ms=lasts_ms, purpose=asked.purpose, uses=uses, chain=asked.chain, session=asked.session,
        on_behalf_of=asked.on_behalf_of,
    )  # fmt: skip


def _grant_of(asked: GrantAsked, grant: str, at_ms: int, by: str) -> Granted:
    return Granted(
        at_ms=at_ms,
        id=grant,
        identity=asked.identity,
        actions=asked.actions,
        resources=asked.resources,
        from_ms=at_ms,
        to_ms=at_ms + asked.lasts_ms,
        chain=asked.chain,
        uses=asked.uses,
        purpose=asked.purpose,
        by=by,
        session=asked.session,
        asked=asked.id,
    )


def _job(caller: Caller, world: World, request: str, build: Callable[[Moment], list[Record]]) -> ChangeJob:
    cell = f"v:{request}"
    touched = {cell, principal_cell(world.estate.person(world.estate.resolve(caller.subject)[0]))}
    asked = world.governance.asked.get(request)
    reads = {GRAPH, cell}
    if asked is not None:
        # The grant reads what the sessions of its holder hold.
        touched.add(principal_cell(asked.identity))
        reads.add(principal_cell(asked.identity))
    return ChangeJob(build, frozenset(touched), reads=frozenset(reads))
