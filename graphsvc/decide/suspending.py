"""The kill switch: identities, chains, sessions, actions and patterns that are stopped at once, until somebody ends it."""

from __future__ import annotations

from graphsvc.core.event import identity_id
from graphsvc.core.halt import HALTED_KINDS
from graphsvc.core.record import Record, Reinstated, Suspended
from graphsvc.core.state import ChainState
from graphsvc.core.world import World
from graphsvc.decide.cell import GRAPH, chain_cell, principal_cell
from graphsvc.decide.command import Caller
from graphsvc.decide.jobs import ChangeJob, Moment
from graphsvc.decide.pap import known_identity
from graphsvc.errors import BadInput, Conflict, NotAllowed

__all__ = ["KINDS", "reinstate", "suspend"]

KINDS = ("identity", *HALTED_KINDS)
_MAX_TEXT = 1_000
# Whoever stops a pattern lets through what it would stop.
_MAY_STOP_PATTERNS = frozenset({"approver", "admin"})


def suspend(
    caller: Caller, world: World, kind: str, target: str, reason: str, until_ms: int | None
) -> ChangeJob:
    """Stop something. target: an id without its prefix; of an action a glob. BadInput for what is not there."""
    if kind not in KINDS:
        raise BadInput(f"`{kind}` is none of {', '.join(KINDS)}", field="kind")
    if kind == "pattern" and not caller.roles & _MAY_STOP_PATTERNS:
        raise NotAllowed(
            "only an approver or admin may suspend a pattern: it lets through what the pattern stops"
        )

    def build(now: Moment) -> list[Record]:
        if until_ms is not None and until_ms <= now.at_ms:
            raise BadInput("must lie in the future", field="until")
        return [
            Suspended(
                at_ms=now.at_ms,
                target_kind=kind,
                target=_known(now, kind, target),
                reason=reason[:_MAX_TEXT],
                until_ms=until_ms,
                by=caller.subject,
            )
        ]

    return ChangeJob(build, frozenset((_cell(world, kind, target),)))


def reinstate(caller: Caller, world: World, kind: str, target: str) -> ChangeJob:
    """End a suspension; Conflict when there is none."""
    if kind not in KINDS:
        raise BadInput(f"`{kind}` is none of {', '.join(KINDS)}", field="kind")

    def build(now: Moment) -> list[Record]:
        grants = now.world.grants
        name = known_identity(now.world, target) if kind == "identity" else target
        held = grants.suspended if kind == "identity" else grants.halts.by_kind.get(kind, {})
        if name not in held:
            raise Conflict(f"{kind} `{name}` is not suspended")
        return [Reinstated(at_ms=now.at_ms, target_kind=kind, target=name, by=caller.subject)]

    return ChangeJob(build, frozenset((_cell(world, kind, target),)))


def _known(now: Moment, kind: str, target: str) -> str:
    """The name that is stored; BadInput when there is nothing of it."""
    if kind == "identity":
        return known_identity(now.world, target)
    is_known = True  # any glob may name actions
    if kind == "chain":
        is_known = isinstance(now.overlay.get(("c", target)), ChainState)
    elif kind == "session":
        is_known = now.overlay.get(f"s:{target}") is not None
    elif kind == "pattern":
        is_known = target in now.world.ruleset.by_id
    if not is_known:
        raise BadInput(f"no {kind} `{target}`", field="id")
    return target


def _cell(world: World, kind: str, target: str) -> str:
    """What every decision reads that the suspension concerns."""
    if kind == "identity":
        return principal_cell(identity_id(world.estate, target))
    if kind == "chain":
        return chain_cell(target)
    return f"s:{target}" if kind == "session" else GRAPH
