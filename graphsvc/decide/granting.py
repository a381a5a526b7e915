"""Situational grants: given to a known identity for a while, refused where they complete a combination of rights."""

from __future__ import annotations

from collections.abc import Sequence

from graphsvc.core.event import identity_id
from graphsvc.core.gain.telling import completions_of_grant
from graphsvc.core.record import Granted, Record, Revoked
from graphsvc.core.state import Scope
from graphsvc.core.verdict import Completion
from graphsvc.core.world import World
from graphsvc.decide.cell import GRAPH, principal_cell
from graphsvc.decide.command import Caller
from graphsvc.decide.jobs import ChangeJob, Moment
from graphsvc.decide.pap import known_identity
from graphsvc.errors import BadInput, Conflict, GrantRefused

__all__ = ["check_scope", "grant", "refuse_combination", "revoke_grant"]

_MAX_TEXT = 1_000
# Sessions of an identity that a grant is judged for: those of its newest actions.
_NEWEST = 1_000


def grant(
    caller: Caller,
    grant_id: str,
    world: World,
    *,
    identity: str,
    actions: tuple[str, ...],
    resources: tuple[str, ...],
    expires_ms: int,
    not_before_ms: int | None,
    uses: int | None,
    chain: str | None,
    purpose: str,
    session: str | None = None,
) -> ChangeJob:
    """A situational grant to a known identity, with an end. chain, session: only within that one."""
    check_scope(actions, resources, purpose, uses)

    def build(now: Moment) -> list[Record]:
        holder = known_identity(now.world, identity)
        begins_ms = not_before_ms if not_before_ms is not None else now.at_ms
        if expires_ms <= max(begins_ms, now.at_ms):
            raise BadInput("must lie after now and after `notBefore`", field="expiresAt")
        given = Granted(
            at_ms=now.at_ms,
            id=grant_id,
            identity=holder,
            actions=actions,
            resources=tuple(glob.removeprefix("resource:") for glob in resources),
            from_ms=begins_ms,
            to_ms=expires_ms,
            chain=chain.removeprefix("chain:") if chain is not None else None,
            uses=uses,
            purpose=purpose,
            by=caller.subject,
            session=session.removeprefix("session:") if session is not None else None,
        )
        refuse_combination(now, given)
        return [given]

    cell = principal_cell(identity_id(world.estate, identity))
    # Whoever acts for or with it in between is judged again: the grant reads what its sessions hold.
    return ChangeJob(build, frozenset((cell,)), reads=frozenset((GRAPH, cell)))


def check_scope(actions: Sequence[str], resources: Sequence[str], purpose: str, uses: int | None) -> None:
    """BadInput names the field of a grant's scope that says nothing, or nothing that can be."""
    if not actions:
        raise BadInput("name at least one action glob, such as crm:Read", field="actions")
    if not resources:
        raise BadInput("name at least one resource glob, such as record:*", field="resources")
    if not purpose.strip() or len(purpose) > _MAX_TEXT:
        raise BadInput(f"say in 1 to {_MAX_TEXT} characters what the grant is for", field="purpose")
    if uses is not None and uses < 1:
        raise BadInput("must be 1 or more; leave it out for no limit", field="uses")


def revoke_grant(caller: Caller, granted: Granted, reason: str) -> ChangeJob:
    """End a grant; Conflict when it has been revoked."""

    def build(now: Moment) -> list[Record]:
        if granted.id in now.world.grants.revoked:
            raise Conflict(f"grant `{granted.id}` is revoked already")
        return [Revoked(at_ms=now.at_ms, grant=granted.id, reason=reason[:_MAX_TEXT], by=caller.subject)]

    return ChangeJob(build, frozenset((principal_cell(granted.identity),)))


def refuse_combination(now: Moment, given: Granted) -> None:
    """GrantRefused when it lets the identity, alone or in a session, do what a rights pattern is about."""
    gains = now.world.gains
    if gains is None:
        return
    found: dict[str, Completion] = {}
    alone = frozenset((f"identity:{given.identity}",))
    for held in dict.fromkeys((alone, *_sessions(now.world, given.identity))):
        ids = sorted(key.removeprefix("identity:") for key in held)
        others = [one for each in ids for one in now.world.grants.running(each, given.from_ms)]
        for completion in completions_of_grant(gains.fired_by(given, held, others), held):
            found.setdefault(completion.pattern, completion)
    if found:
        names = ", ".join(f"`{name}`" for name in found)
        told = f"the grant would complete {names}; grant less, or take one of the other rights away first"
        raise GrantRefused(told, tuple(found.values()))


def _sessions(world: World, identity: str) -> list[frozenset[str]]:
    """What the sessions hold in which the identity acted."""
    names = world.names_of.get(principal_cell(world.estate.person(identity)), [])[-_NEWEST:]
    sessions = {lies.session for name in names if (lies := world.history.get(name)) is not None}
    scopes = [world.cells.get(f"s:{session}") for session in sorted(sessions)]
    held = [frozenset(key for key, _ in scope.held) for scope in scopes if isinstance(scope, Scope)]
    return [each for each in held if f"identity:{identity}" in each]
