"""Who may do what, what there is, and where risk stands, read from the folded world."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from typing import cast

import msgspec

from graphsvc.core.graph import Node
from graphsvc.core.progress import total_at
from graphsvc.core.rights import Right
from graphsvc.core.state import Scope
from graphsvc.core.value import Json
from graphsvc.core.verdict import Verdict
from graphsvc.core.world import World
from graphsvc.decide.review_view import REVIEW_TTL_MS

__all__ = ["HeldPermission", "Overview", "ResourceView", "RightsView", "RiskSummary", "RiskyScope"]

# Decisions and scopes looked at between two decisions of others.
_SLICE = 1_000


class ResourceView(msgspec.Struct, frozen=True, kw_only=True):
    """A resource as the graph holds it now. contains: keys of what lies directly in it; within: of what it lies in."""

    type: str
    id: str
    labels: tuple[str, ...]
    tier: str | None
    within: tuple[str, ...]
    contains: int
    owners: tuple[str, ...]
    properties: Mapping[str, Json]


class HeldPermission(msgspec.Struct, frozen=True, kw_only=True):
    """A permission that an identity holds by itself, its groups or roles. keys: what its condition asks for."""

    id: str
    effect: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditional: bool
    keys: tuple[str, ...]
    held_by: str


class RightsView(msgspec.Struct, frozen=True, kw_only=True):
    """What an identity may. checked: of one action on one resource, when both were named."""

    identity: str
    permissions: tuple[HeldPermission, ...]
    after: str | None
    checked: Right | None


class RiskyScope(msgspec.Struct, frozen=True, kw_only=True):
    """A person with all identities linked to it, or a session, and its risk now."""

    kind: str
    id: str
    risk_micros: int


class RiskSummary(msgspec.Struct, frozen=True, kw_only=True):
    """Where risk stands. riskiest: the highest first. verdicts: as answered since from_ms; complete: all were counted.

    suspended: identities, chains, sessions, actions and patterns.
    """

    at_ms: int
    riskiest: tuple[RiskyScope, ...]
    open_reviews: int
    suspended: int
    grants_in_force: int
    from_ms: int
    verdicts: Mapping[Verdict, int]
    by_pattern: tuple[tuple[str, int], ...]
    complete: bool


class Overview:
    """Asked by the adapters; changes nothing. now_ms: the service's time."""

    def __init__(self, world: World, now_ms: Callable[[], int]) -> None:
        self._world = world
        self._now_ms = now_ms

    def resource(self, key: str) -> ResourceView | None:
        """One resource by key, `resource:<type>:<id>`."""
        estate = self._world.estate
        node = estate.node(key)
        if node is None or node.kind != "resource":
            return None
        return ResourceView(
            type=str(node.resource_type),
            id=node.id,
            labels=estate.labels(key),
            tier=node.tier,
            within=tuple(sorted(estate.into("CONTAINS", key))),
            contains=len(estate.out("CONTAINS", key)),
            owners=tuple(sorted(estate.into("OWNS", key))),
            properties=node.properties,
        )

    def resources(
        self, *, kind: str | None, tier: str | None, label: str | None, after: str | None, limit: int
    ) -> list[str]:
        """Keys of resources in order, after `after`; every condition given must hold."""
        estate = self._world.estate

        def fits(node: Node) -> bool:
            return (
                node.kind == "resource"
                and kind in (None, node.resource_type)
                and tier in (None, node.tier)
                and (label is None or label in estate.labels(node.key))
            )

        nodes, _ = estate.loose()
        found = [node.key for node in nodes if (after is None or node.key > after) and fits(node)]
        return sorted(found)[:limit]

    def rights(
        self, identity: str, *, action: str | None, resource: str | None, after: str | None, limit: int
    ) -> RightsView | None:
        """What an identity holds, by permission key; action speaks of it, resource is covered. None: no such identity.

        Situational grants are not permissions; see those of the identity.
        """
        world = self._world
        key = world.estate.identity_key(identity)
        if key is None:
            return None
        places = world.estate.places(resource) if resource is not None else ()
        held = sorted(
            (
                each
                for each in world.rights.permissions(key)
                if (action is None or each.speaks_of(action)) and (resource is None or each.covers(places))
            ),
            key=lambda each: each.key,
        )
        wanted = [each for each in held if after is None or each.key > after]
        holders = world.estate.holders(key)
        page = tuple(
            HeldPermission(
                id=each.key,
                effect="deny" if each.deny else "allow",
                actions=each.actions,
                resources=each.samples,
                conditional=each.conditional,
                keys=each.keys,
                held_by=next(
                    (holder for holder in holders if each.key in world.estate.out("GRANTED", holder)), key
                ),
            )
            for each in wanted[:limit]
        )
        checked = None
        if action is not None and resource is not None:
            checked = world.rights.check(key, action, resource)
        more = len(wanted) > limit
        return RightsView(
            identity=key, permissions=page, after=page[-1].id if more else None, checked=checked
        )

    async def risk(self, *, limit: int, window_ms: int) -> RiskSummary:
        """Where risk stands; counts decisions of the last window_ms."""
        world, now_ms = self._world, self._now_ms()
        riskiest: list[RiskyScope] = []
        names = [name for name in world.cells if isinstance(name, str) and name[:2] in ("p:", "s:")]
        for place, name in enumerate(names):
            if place % _SLICE == _SLICE - 1:
                await asyncio.sleep(0)
            scope = cast("Scope | None", world.cells.get(name))
            micros = total_at(scope, world.ruleset, now_ms) if scope is not None else 0
            if micros:
                kind = "session" if name.startswith("s:") else "identity"
                riskiest.append(RiskyScope(kind=kind, id=name[2:], risk_micros=micros))
        riskiest.sort(key=lambda each: (-each.risk_micros, each.kind, each.id))
        verdicts, patterns, complete = await self._counted(now_ms - window_ms)
        return RiskSummary(
            at_ms=now_ms,
            riskiest=tuple(riskiest[:limit]),
            open_reviews=sum(now_ms <= each.at_ms + REVIEW_TTL_MS for each in world.waiting.values()),
            suspended=sum(
                each.until_ms is None or now_ms < each.until_ms for each in world.grants.told.values()
            ),
            grants_in_force=sum(
                grant.from_ms <= now_ms < grant.to_ms and grant.id not in world.grants.revoked
                for grant in world.grants.by_id.values()
            ),
            from_ms=now_ms - window_ms,
            verdicts=verdicts,
            by_pattern=tuple(sorted(patterns.items(), key=lambda item: (-item[1], item[0]))[:limit]),
            complete=complete,
        )

    async def _counted(self, from_ms: int) -> tuple[Counter[Verdict], Counter[str], bool]:
        verdicts: Counter[Verdict] = Counter()
        patterns: Counter[str] = Counter()
        ledger = self._world.decided
        for place, tally in enumerate(ledger.tallies.newest_first()):
            if tally.at_ms < from_ms:
                return verdicts, patterns, True
            verdicts[tally.answered] += 1
            patterns.update(tally.patterns)
            if place % _SLICE == _SLICE - 1:
                await asyncio.sleep(0)
        return verdicts, patterns, not ledger.missing
