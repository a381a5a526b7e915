"""Random estates with everything that decides a right, and random edits of them, in both forms: facts and data."""

from __future__ import annotations

import random
from collections.abc import Iterable

from graphsvc.core.graph import Edge, Node
from graphsvc.core.value import Json
from tests.rights.definition import Context, Statement, World

IDENTITIES = tuple(f"identity:i{n}" for n in range(6))
GROUPS = tuple(f"group:g{n}" for n in range(5))
ROLES = tuple(f"role:r{n}" for n in range(3))
RESOURCES = (*(f"resource:doc:d{n}" for n in range(5)), "resource:folder:top", "resource:folder:in")
ACTIONS = ("app:Read", "app:Write", "app:read", "iam:Pass", "iam:Put")
LEVELS = ("boundary", "scp")
_GLOBS = ("*", "app:*", "app:Read", "app:R*", "iam:P?ss", "iam:*", "APP:READ", "*:Write", "app:read")
_PLACES = ("*", "doc:*", "doc:d1", "doc:d?", "folder:*", "folder:in", "doc:d2", "none:*")
_CONDITIONS = (
    ("context.mfa == true", lambda c: None if "mfa" not in c else c["mfa"] is True),
    ("has(context.mfa)", lambda c: "mfa" in c),
    ("context.level > 2", lambda c: None if "level" not in c else c["level"] > 2),
    (
        "has(context.level) && context.level == 1",
        lambda c: "level" in c and c["level"] == 1,
    ),
)  # fmt: skip
CONTEXTS: tuple[dict[str, Json] | None, ...] = (
    None, {}, {"mfa": True}, {"mfa": False}, {"level": 1}, {"level": 3, "mfa": True},
)  # fmt: skip


def some_statement(rng: random.Random, number: int) -> Statement:
    """A permission; most are plain, some deny, make exceptions or ask for something."""

    def some(globs: tuple[str, ...], chance: float) -> tuple[str, ...]:
        return tuple(rng.sample(globs, rng.randint(1, 2))) if rng.random() < chance else ()

    return Statement(
        name=f"p{number}",
        actions=some(_GLOBS, 1),
        resources=some(_PLACES, 0.7),
        except_actions=some(_GLOBS, 0.1),
        except_resources=some(_PLACES, 0.1),
        deny=rng.random() < 0.2,
        fold=rng.random() < 0.15,
        condition=rng.choice(_CONDITIONS) if rng.random() < 0.4 else None,
    )


def some_link(rng: random.Random, permissions: int) -> tuple[tuple[str, str, str], str]:
    """An edge between things that exist, or at least might."""
    kind = rng.choice(
        ("GRANTED",) * 6 + ("MEMBER_OF", "MEMBER_OF", "HAS_ROLE", "INHERITS", "CAPPED_BY", "ON", "CONTAINS")
    )  # fmt: skip
    permission = f"permission:p{rng.randrange(permissions)}"
    match kind:
        case "GRANTED":
            ends = rng.choice((*IDENTITIES, *GROUPS, *ROLES)), permission
        case "CAPPED_BY":
            ends = rng.choice((*IDENTITIES, *IDENTITIES, *GROUPS)), permission
        case "MEMBER_OF":
            ends = rng.choice((*IDENTITIES, *GROUPS)), rng.choice(GROUPS)
        case "HAS_ROLE":
            ends = rng.choice((*IDENTITIES, *GROUPS)), rng.choice(ROLES)
        case "INHERITS":
            ends = rng.choice(ROLES), rng.choice(ROLES)
        case "ON":
            ends = permission, rng.choice(RESOURCES)
        case _:
            ends = rng.choice(RESOURCES[-2:]), rng.choice(RESOURCES)
    level = rng.choice(LEVELS) if kind == "CAPPED_BY" else ""
    return (kind, *ends), level


def some_world(rng: random.Random) -> World:
    """One source's facts."""
    permissions = rng.randint(2, 8)
    world = World()
    for number in range(permissions):
        if rng.random() < 0.9:
            world.statements[f"p{number}"] = some_statement(rng, number)
    world.links = dict(some_link(rng, permissions) for _ in range(rng.randint(10, 40)))
    return world


def facts_of(world: World) -> tuple[list[Node], list[Edge]]:
    """The same as nodes and edges."""
    nodes = [_node(statement) for statement in world.statements.values()]
    edges = [
        Edge(type=kind, start=start, end=end, properties={"level": level} if level else {})
        for (kind, start, end), level in world.links.items()
    ]
    return nodes, edges


def together(worlds: Iterable[World]) -> World:
    """What several sources say: the later word wins on an edge's level."""
    merged = World()
    for world in worlds:
        merged.links |= world.links
        merged.statements |= world.statements
    return merged


def request_context(context: Context | None) -> dict[str, Json]:
    """The context to send; none is as good as an empty one for a request that is made."""
    return dict(context or {})  # type: ignore[arg-type]  # written above as JSON


def _node(statement: Statement) -> Node:
    fields: dict[str, Json] = {
        "actions": list(statement.actions),
        "resources": list(statement.resources),
        "except_actions": list(statement.except_actions),
        "except_resources": list(statement.except_resources),
        "effect": "deny" if statement.deny else "allow",
        "fold": statement.fold,
        # Said even when there is none: what a source leaves out, another's word on it stands.
        "condition": statement.condition[0] if statement.condition is not None else None,
    }
    return Node(key=f"permission:{statement.name}", fields=fields)
