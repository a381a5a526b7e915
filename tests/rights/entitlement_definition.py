"""Who may act for whom, written for reading: permissions, situational grants, suspensions and delegation, all read again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from tests.rights.definition import Context, World, caps, covers, fits, holds, reaches

NESTED = ("MEMBER_OF", "HAS_ROLE", "INHERITS")


@dataclass
class Grant:
    """used: how many actions were permitted by it. Times in milliseconds; the end is not included."""

    name: str
    identity: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    begins_ms: int
    ends_ms: int
    chain: str | None
    session: str | None
    uses: int | None
    revoked: bool = False
    used: int = 0


@dataclass
class Estate:
    """Facts with all that is said of identities by other means than the graph. agents: those that are not autonomous."""

    world: World
    known: set[str] = field(default_factory=set)
    agents: set[str] = field(default_factory=set)
    grants: list[Grant] = field(default_factory=list)
    suspended: dict[str, int | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Ask:
    """parties: keys of the subject and of whom it acts for, nearest first."""

    parties: tuple[str, ...]
    action: str
    resource: str
    context: Context
    chain: str
    session: str
    at_ms: int


def allowed(estate: Estate, ask: Ask) -> tuple[bool, list[Grant]]:
    """Whether it may be done, and the situational grants that it uses up once each."""
    for party in ask.parties:
        until = estate.suspended.get(party, -1)
        if until is None or until > ask.at_ms:
            return False, []
    if any(party not in estate.known for party in ask.parties):
        return False, []
    if not _is_delegated(estate, ask.parties):
        return False, []
    used: list[Grant] = []
    for party in ask.parties:
        right, barred = _by_permission(estate.world, party, ask)
        if right:
            continue
        grant = None if barred else _by_grant(estate, party, ask)
        if grant is None:
            return False, []
        used.append(grant)
    return True, used


def _is_delegated(estate: Estate, parties: tuple[str, ...]) -> bool:
    world = estate.world
    for actor, principal in pairwise(parties):
        starts, ends = reaches(world, NESTED, actor), reaches(world, NESTED, principal)
        if not any(
            kind == "ACTS_FOR" and start in starts and end in ends for kind, start, end in world.links
        ):
            return False
    if len(parties) == 1 and parties[0] in estate.agents:
        starts = reaches(world, NESTED, parties[0])
        return not any(kind == "ACTS_FOR" and start in starts for kind, start, _ in world.links)
    return True


def _by_permission(world: World, party: str, ask: Ask) -> tuple[bool, bool]:
    """Whether permissions allow it, and whether no grant may."""
    holders = reaches(world, NESTED, party)
    answers = {
        (statement.deny, holds(statement, ask.context))
        for kind, start, end in world.links
        if kind == "GRANTED" and start in holders
        if (statement := world.statements.get(end.removeprefix("permission:"))) is not None
        if covers(world, statement, ask.action, ask.resource)
    }
    if (True, True) in answers or (True, None) in answers:
        return False, True
    if caps(world, holders, ask.action, ask.resource, ask.context) is not None:
        return False, True
    return (False, True) in answers, False


def _by_grant(estate: Estate, party: str, ask: Ask) -> Grant | None:
    places = _containers(estate.world, ask.resource)
    fitting = [
        grant
        for grant in estate.grants
        if grant.identity == party
        and not grant.revoked
        and grant.chain in (None, ask.chain)
        and grant.session in (None, ask.session)
        and grant.begins_ms <= ask.at_ms < grant.ends_ms
        and (grant.uses is None or grant.used < grant.uses)
        and any(fits(glob, ask.action) for glob in grant.actions)
        and any(fits(glob, place.removeprefix("resource:")) for glob in grant.resources for place in places)
    ]
    return min(fitting, key=lambda grant: (grant.uses is not None, grant.ends_ms, grant.name), default=None)


def _containers(world: World, resource: str) -> Iterable[str]:
    found = {resource}
    while more := {start for kind, start, end in world.links if kind == "CONTAINS" and end in found} - found:
        found |= more
    return found
