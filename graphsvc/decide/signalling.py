"""Warnings about identities: they raise the risk of whoever they are about, and fade."""

from __future__ import annotations

from graphsvc.core.governing import SignalsLowered
from graphsvc.core.record import Record, Signalled
from graphsvc.core.world import World
from graphsvc.decide.cell import principal_cell
from graphsvc.decide.command import Caller
from graphsvc.decide.jobs import ChangeJob, Moment, check_owner
from graphsvc.decide.pap import known_identity
from graphsvc.errors import BadInput, NotAllowed

__all__ = ["lower", "send"]

_MAX_TEXT = 1_000
_NEWEST = 1_000
# Whoever may warn about anybody; an enforcement point may about those in its own chains.
_ANYBODY = frozenset({"analyst", "admin"})


def send(
    caller: Caller,
    world: World,
    identity: str,
    weight: float,
    half_life_ms: int,
    cause: str,
    chain: str | None,
) -> ChangeJob:
    """weight: from 0 to 1, half of it after every half_life_ms. chain: in which a pep saw it."""
    if not 0 < weight <= 1:
        raise BadInput(f"weight: {weight:g} must be above 0 and at most 1", field="weight")
    if half_life_ms <= 0:
        raise BadInput("must be above zero", field="halfLife")
    if not cause.strip() or len(cause) > _MAX_TEXT:
        raise BadInput(f"say in 1 to {_MAX_TEXT} characters what was seen", field="cause")
    name = known_identity(world, identity)

    def build(now: Moment) -> list[Record]:
        if not caller.roles & _ANYBODY:
            _check_seen(caller, now, name, chain)
        return [
            Signalled(
                at_ms=now.at_ms,
                identity=known_identity(now.world, identity),
                weight=weight,
                half_life_ms=half_life_ms,
                cause=cause,
                by=caller.subject,
            )
        ]

    cells = {principal_cell(name), principal_cell(world.estate.person(name))}
    return ChangeJob(build, frozenset(cells))


def lower(caller: Caller, world: World, identity: str, sender: str, before_ms: int, cause: str) -> ChangeJob:
    """What a sender of security events warned of before a time counts no more. before_ms: never after now."""
    name = known_identity(world, identity)

    def build(now: Moment) -> list[Record]:
        return [
            SignalsLowered(
                at_ms=now.at_ms,
                identity=known_identity(now.world, identity),
                sender=sender,
                before_ms=min(before_ms, now.at_ms),
                cause=cause[:_MAX_TEXT],
                by=caller.subject,
            )
        ]

    cells = {principal_cell(name), principal_cell(world.estate.person(name))}
    return ChangeJob(build, frozenset(cells))


def _check_seen(caller: Caller, now: Moment, identity: str, chain: str | None) -> None:
    if chain is None:
        raise BadInput("name the chain of yours that the identity acts in", field="chain")
    check_owner(now.overlay, caller, chain)
    world = now.world
    names = world.names_of.get(principal_cell(world.estate.person(identity)), [])[-_NEWEST:]
    chains = {lies.chain for each in names if (lies := world.history.get(each)) is not None}
    if chain not in chains:
        raise NotAllowed("an enforcement point may send signals about identities of its own chains")
