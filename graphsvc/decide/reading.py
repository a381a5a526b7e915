"""Answers about what is known now, read from the folded world."""

from __future__ import annotations

from typing import cast

from graphsvc.core.near import nearest
from graphsvc.core.progress import total_at
from graphsvc.core.record import Granted
from graphsvc.core.state import ChainState, Scope
from graphsvc.core.verdict import NearHarm
from graphsvc.core.world import World
from graphsvc.decide.cell import principal_cell
from graphsvc.decide.command import ChainView, IdentityView, PatternView

__all__ = [
    "affected_chains",
    "chain",
    "identities",
    "identity",
    "near",
    "patterns",
    "revoked_under",
    "risk_micros",
]


def identity(world: World, named: str, now_ms: int) -> IdentityView | None:
    """One identity by id, prefixed id or alias."""
    key = world.estate.identity_key(named)
    node = world.estate.node(key) if key is not None else None
    if key is None or node is None:
        return None
    holders = world.estate.holders(key)
    stored = node.fields.get("status")
    suspended = world.grants.is_suspended(node.id, now_ms)
    name, kind = node.fields.get("name"), node.fields.get("kind")
    return IdentityView(
        id=node.id,
        kind=kind if isinstance(kind, str) else "unknown",
        name=name if isinstance(name, str) else None,
        status="suspended" if suspended else stored if isinstance(stored, str) else "active",
        groups=tuple(holder for holder in holders if holder.startswith(("group:", "role:"))),
        acts_for=tuple(sorted({end for holder in holders for end in world.estate.out("ACTS_FOR", holder)})),
        grants=tuple(grant for grant in world.grants.of(node.id) if grant.to_ms > now_ms),
        permissions=world.rights.count(key),
        risk_micros=risk_micros(world, f"p:{world.estate.person(node.id)}", now_ms),
        properties=node.properties,
        aliases=world.estate.aliases(key),
    )


def chain(world: World, named: str | None, decision: str | None) -> ChainView | None:
    """A chain by its id, else that of a decision."""
    if named is None:
        made = world.history.get(decision or "")
        named = made.chain if made is not None else ""
    state = world.cells.get(("c", named))
    if not isinstance(state, ChainState) or not state.used:
        return None
    return ChainView(
        id=named, session=state.session, owner=state.owner, closed=state.closed, length=state.index
    )


def near(world: World, chain: str, now_ms: int) -> tuple[NearHarm, ...]:
    """The patterns that are furthest under way where the chain's newest action counts."""
    state = world.cells.get(("c", chain))
    last = world.happened(state.last_action or "") if isinstance(state, ChainState) else None
    return nearest(last.scopes, world.facts(), now_ms) if last is not None else ()


def risk_micros(world: World, scope: str, now_ms: int) -> int:
    """The risk of one scope now."""
    held = cast("Scope | None", world.cells.get(scope))
    return total_at(held, world.ruleset, now_ms) if held is not None else 0


def identities(
    world: World,
    now_ms: int,
    *,
    after: str | None,
    limit: int,
    kind: str | None = None,
    status: str | None = None,
    text: str | None = None,
) -> list[str]:
    """Ids in order; every condition given must hold. text: stands in id or name, whatever its case."""
    sought = None if text is None else text.casefold()
    found: list[str] = []
    for node in world.estate.nodes():
        name = node.id
        if node.kind != "identity" or (after is not None and name <= after):
            continue
        if sought is not None and sought not in f"{name} {node.fields.get('name') or ''}".casefold():
            continue
        if kind is not None or status is not None:
            view = identity(world, name, now_ms)
            if view is None or kind not in {None, view.kind} or status not in {None, view.status}:
                continue
        found.append(name)
        if len(found) == limit:
            break
    return found


def patterns(world: World) -> list[PatternView]:
    """The patterns in force, in pack order."""
    return [
        PatternView(
            id=pattern.id,
            title=pattern.title,
            severity=pattern.severity,
            on_match=pattern.on_match,
            pack=pattern.pack,
            version=pattern.version,
            scope=pattern.scope,
            steps=("counted",) if pattern.count is not None else tuple(step.name for step in pattern.steps),
        )
        for pattern in world.ruleset.in_force
    ]


def affected_chains(world: World, granted: Granted) -> tuple[str, ...]:
    """Open chains in which an action was permitted by the grant; of old actions that are not in memory in full, perhaps."""
    chains: dict[str, None] = {}
    for name in world.names_of.get(principal_cell(world.estate.person(granted.identity)), ()):
        lies = world.history.get(name)
        if (
            lies is None
            or lies.chain in chains
            or not lies.in_history
            or granted.identity not in lies.who.ids
        ):
            continue
        record = world.decided.get(name)
        if record is not None and granted.id not in record.grants:
            continue
        state = world.cells.get(("c", lies.chain))
        if isinstance(state, ChainState) and not state.closed and lies.at_ms >= granted.from_ms:
            chains[lies.chain] = None
    return tuple(chains)


def revoked_under(world: World, chain: str) -> tuple[str, ...]:
    """Grants by which actions of a chain were permitted and that have been revoked since."""
    state = world.cells.get(("c", chain))
    if not isinstance(state, ChainState):
        return ()
    records = (world.decided.get(name) for name in world.names_of.get(f"s:{state.session}", ()))
    relied = (
        grant for each in records if each is not None and each.request.chain == chain for grant in each.grants
    )
    return tuple(dict.fromkeys(grant for grant in relied if grant in world.grants.revoked))
