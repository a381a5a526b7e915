"""How near something is, by a plain search: level after level, every node asked for every other, all facts read again."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.rights.definition import Statement, World, fits, may, reaches

PASSES = ("HOLDS_CREDENTIAL", "RUNS_AS")


def hops(
    world: World,
    tiers: Mapping[str, str | None],
    known: tuple[str, ...],
    held: frozenset[str],
    tier: str,
    below: int,
    gained: Callable[[frozenset[str]], set[str]],
) -> int | None:
    """tiers: of the resources. known: all identities and resources. gained: what identities come to by rules together."""
    level, seen = set(held), set(held)
    for distance in range(1, below):
        further = gained(held) if distance == 1 else set()
        for node in level:
            if node.startswith("identity:"):
                further |= gained(frozenset((node,)))
            further |= {end for end in known if leads(world, tiers, node, end)}
        level = further - seen
        if any(tiers.get(node) == tier for node in level if node.startswith("resource:")):
            return distance
        seen |= level
    return None


def leads(world: World, tiers: Mapping[str, str | None], node: str, end: str) -> bool:
    """One hop, rules aside."""
    if node.startswith("resource:"):
        return any((kind, node, end) in world.links for kind in PASSES)
    holders = reaches(world, ("MEMBER_OF", "HAS_ROLE", "INHERITS"), node)
    if end.startswith("identity:"):
        return any(("CAN_ASSUME", holder, end) in world.links for holder in holders)
    passes_on = any(kind in PASSES and start == end for kind, start, _ in world.links)
    if tiers.get(end) is None and not passes_on:
        return False
    statements = [
        world.statements[key.removeprefix("permission:")]
        for kind, holder, key in world.links
        if kind == "GRANTED" and holder in holders and key.removeprefix("permission:") in world.statements
    ]
    return any(
        may(world, node, action, end, None) == "yes"
        for statement in statements
        if not statement.deny and _is_about(world, statement, end)
        for action in statement.actions
    )


def _is_about(world: World, statement: Statement, resource: str) -> bool:
    places = {resource}
    while (
        more := {start for kind, start, end in world.links if kind == "CONTAINS" and end in places} - places
    ):
        places |= more
    names = [place.removeprefix("resource:") for place in places]
    if any(fits(glob, name) for glob in statement.except_resources for name in names):
        return False
    if any(("ON", f"permission:{statement.name}", place) in world.links for place in places):
        return True
    everywhere = "*" in statement.resources
    if everywhere and "*" in statement.actions:
        return True
    globs = [glob for glob in statement.resources if not everywhere or ("*" not in glob and "?" not in glob)]
    return any(fits(glob, name) for glob in globs for name in names)
