"""Search: of everybody or everything known, what a request would be permitted with.

Each candidate is judged exactly like an evaluation, so whoever is found would be permitted when asked. What the
graph does not know cannot be found: identities and resources of the graph, resources that permissions name
literally, and actions that permissions, grants, packs or the graph name without wildcards.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Callable, Iterator

import msgspec
from msgspec.structs import replace

from graphsvc.core.glob import is_literal
from graphsvc.core.graph import Node
from graphsvc.core.known import parties_of, target_of
from graphsvc.core.request import AccessRequest, Entity
from graphsvc.core.value import Json
from graphsvc.core.world import World
from graphsvc.decide.command import Searched

__all__ = ["Found", "candidates", "search"]

# A page looks at this many candidates and then says where to go on, however few it found.
_MAX_LOOKED_AT = 5_000
_YIELD_EVERY = 50
# What callers call people. An identity of which nothing is known is taken for one.
_PEOPLE = frozenset({"user", "human", "person"})
_ANYBODY = "identity"


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """Part of the answer, sorted. after: where to go on, None at the end."""

    ids: tuple[str, ...]
    after: str | None


async def search(
    world: World,
    searched: Searched,
    request: AccessRequest,
    permits: Callable[[AccessRequest], bool],
    *,
    after: str | None,
    limit: int,
) -> Found:
    """Candidates behind `after` for which `permits` is true, at most `limit`.

    request: with anything in the place of what is searched but its type and properties. Other tasks run in
    between, so the world may move: a candidate is judged by the world of its moment.
    """
    names = candidates(world, searched, request)
    found: list[str] = []
    start = 0 if after is None else bisect_right(names, after)
    for place in range(start, len(names)):
        name = names[place]
        if len(found) >= limit or place - start >= _MAX_LOOKED_AT:
            return Found(ids=tuple(found), after=names[place - 1])
        if (place - start) % _YIELD_EVERY == _YIELD_EVERY - 1:
            await asyncio.sleep(0)
        asked = _with(request, searched, name)
        if not _is_hopeless(world, asked) and permits(asked):
            found.append(name)
    return Found(ids=tuple(found), after=None)


def candidates(world: World, searched: Searched, request: AccessRequest) -> list[str]:
    """Ids or names that could be found, sorted; none when the subject is unknown."""
    if searched != "subject" and world.estate.identity_key(request.subject.id) is None:
        return []
    match searched:
        case "subject":
            names = _subjects(world, request.subject.type)
        case "resource":
            names = _resources(world, request.resource.type)
        case _:
            names = _actions(world)
    return sorted(set(names))


def _is_hopeless(world: World, request: AccessRequest) -> bool:
    """True when the subject's rights alone say no: a hundred times cheaper than judging, and most candidates end here.

    The only place that knows how rights are asked. Unknown conditions and situational grants are left to the judgement.
    """
    facts = world.facts()
    mode = facts.entitlement if facts.entitlement is not None else facts.ruleset.settings.entitlement
    if mode != "required" or facts.ruleset.settings.observe:
        return False
    who = parties_of(request, world.estate)
    right = world.rights.check(who.keys[0], request.action, target_of(request.resource, world.estate).key)
    return right.code in {"not_entitled", "denied_explicitly"} and not world.grants.of(who.ids[0])


def _with(request: AccessRequest, searched: Searched, name: str) -> AccessRequest:
    match searched:
        case "subject":
            return replace(request, subject=Entity(request.subject.type, name, request.subject.properties))
        case "resource":
            return replace(request, resource=Entity(request.resource.type, name, request.resource.properties))
        case _:
            return replace(request, action=name)


def _subjects(world: World, wanted: str) -> Iterator[str]:
    for node in world.estate.nodes():
        if node.kind == "identity" and _is_of_type(node, wanted):
            yield node.id


def _is_of_type(node: Node, wanted: str) -> bool:
    kind, own = node.fields.get("kind"), node.properties.get("type")
    if wanted == _ANYBODY or wanted in (kind, own):
        return True
    # A type of its own says what it is, and nobody else's name for its kind fits.
    return own is None and kind in ("human", None) and wanted in _PEOPLE


def _resources(world: World, wanted: str) -> Iterator[str]:
    prefix = f"{wanted}:"
    for node in world.estate.nodes():
        if node.kind == "resource" and node.resource_type == wanted:
            yield node.id
        elif node.kind == "permission":
            named = (*_texts(node.fields.get("resources")), *(
                key.partition(":")[2] for key in world.estate.out("ON", node.key)
            ))  # fmt: skip
            yield from _literal_of(named, prefix)
    for grant in world.grants.by_id.values():
        yield from _literal_of(grant.resources, prefix)


def _literal_of(named: tuple[str, ...], prefix: str) -> Iterator[str]:
    for name in named:
        if name.startswith(prefix) and is_literal(name) and len(name) > len(prefix):
            yield name.removeprefix(prefix)


def _actions(world: World) -> Iterator[str]:
    for node in world.estate.nodes():
        if node.kind == "action_type":
            yield node.id
        elif node.kind == "permission":
            yield from filter(is_literal, _texts(node.fields.get("actions")))
    for grant in world.grants.by_id.values():
        yield from filter(is_literal, grant.actions)
    for policy in world.ruleset.policies:
        yield from filter(is_literal, policy.actions)


def _texts(value: Json) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()
