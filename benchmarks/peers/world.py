"""One seeded world and the questions about it; the truth is worked out in plain Python, by no engine's code."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["ACTIONS", "Check", "World", "make_world"]

ACTIONS = ("doc:Read", "doc:Write", "doc:Share", "doc:Delete")


@dataclass(frozen=True, slots=True)
class Check:
    """One question. allowed: the truth."""

    subject: str
    action: str
    resource: str
    allowed: bool


@dataclass
class World:
    """Who belongs where, what lies in what, and who was granted what on what.

    member_of: identity or group -> the groups it is in itself. inside: resource or folder -> the folder it lies in.
    grants: (holder, action, resource or folder).
    """

    identities: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    resources: list[str] = field(default_factory=list)
    member_of: dict[str, list[str]] = field(default_factory=dict)
    inside: dict[str, str] = field(default_factory=dict)
    grants: set[tuple[str, str, str]] = field(default_factory=set)
    checks: list[Check] = field(default_factory=list)

    def holders(self, subject: str) -> list[str]:
        """The subject and every group it is in, however far up."""
        found, todo = [subject], [subject]
        while todo:
            for group in self.member_of.get(todo.pop(), ()):
                if group not in found:
                    found.append(group)
                    todo.append(group)
        return found

    def places(self, resource: str) -> list[str]:
        """The resource and every folder around it."""
        found = [resource]
        while found[-1] in self.inside:
            found.append(self.inside[found[-1]])
        return found

    def is_allowed(self, subject: str, action: str, resource: str) -> bool:
        """The truth: some holder was granted the action at some place."""
        return any(
            (holder, action, place) in self.grants
            for holder in self.holders(subject)
            for place in self.places(resource)
        )

    def facts(self) -> Iterator[str]:
        """The world in our interchange format."""
        for name in (*self.identities, *self.groups):
            kind = "identity" if name.startswith("u") else "group"
            extra = {"kind": "human", "status": "active"} if kind == "identity" else {}
            yield json.dumps({"node": {"type": kind, "id": name, **extra}})
        for name in (*self.folders, *self.resources):
            yield json.dumps({"node": {"type": "resource", "resource_type": "doc", "id": name}})
        for member, groups in self.member_of.items():
            for group in groups:
                yield _edge("MEMBER_OF", _key(member), f"group:{group}")
        for inner, outer in self.inside.items():
            yield _edge("CONTAINS", f"resource:doc:{outer}", f"resource:doc:{inner}")
        for number, (holder, action, place) in enumerate(sorted(self.grants)):
            yield json.dumps(
                {"node": {"type": "permission", "id": f"p{number}", "actions": [action], "effect": "allow"}}
            )
            yield _edge("GRANTED", _key(holder), f"permission:p{number}")
            yield _edge("ON", f"permission:p{number}", f"resource:doc:{place}")


def make_world(
    *,
    identities: int = 10_000,
    groups: int = 1_500,
    resources: int = 20_000,
    grants: int = 100_000,
    checks: int = 20_000,
    seed: int = 20261124,
) -> World:
    """The world; the same arguments give the same. About 60 % of the checks are allowed."""
    rng = random.Random(seed)
    world = World(
        identities=[f"u{number}" for number in range(identities)],
        groups=[f"g{number}" for number in range(groups)],
        folders=[f"f{number}" for number in range(resources // 20)],
        resources=[f"r{number}" for number in range(resources)],
    )
    for place, name in enumerate(world.groups[1:], 1):
        if rng.random() < 0.8:
            # In an earlier one, so that nesting has an end; mostly a near one, so that it is deep.
            world.member_of[name] = [world.groups[max(0, place - 1 - int(rng.expovariate(0.02)))]]
    for name in world.identities:
        world.member_of[name] = rng.sample(world.groups, rng.randint(1, 3))
    for place, name in enumerate(world.folders[1:], 1):
        if rng.random() < 0.9:
            world.inside[name] = world.folders[rng.randrange(place)]
    for name in world.resources:
        world.inside[name] = rng.choice(world.folders)
    while len(world.grants) < grants:
        holder = rng.choice(world.groups if rng.random() < 0.7 else world.identities)
        place = rng.choice(world.folders if rng.random() < 0.1 else world.resources)
        world.grants.add((holder, rng.choice(ACTIONS), place))
    _ask(world, rng, checks)
    return world


def _ask(world: World, rng: random.Random, checks: int) -> None:
    wanted = {True: checks * 6 // 10, False: checks - checks * 6 // 10}
    by_holder: dict[str, list[tuple[str, str]]] = {}
    for holder, action, place in sorted(world.grants):
        by_holder.setdefault(holder, []).append((action, place))
    below: dict[str, list[str]] = {}
    for inner, outer in world.inside.items():
        below.setdefault(outer, []).append(inner)
    while wanted[True] or wanted[False]:
        subject = rng.choice(world.identities)
        if wanted[True] and rng.random() < 0.7:
            held = by_holder.get(rng.choice(world.holders(subject)))
            if held is None:
                continue
            action, resource = rng.choice(held)
            while resource in below and rng.random() < 0.8:
                resource = rng.choice(below[resource])
        else:
            action, resource = rng.choice(ACTIONS), rng.choice(world.resources)
        allowed = world.is_allowed(subject, action, resource)
        if wanted[allowed]:
            wanted[allowed] -= 1
            world.checks.append(Check(subject, action, resource, allowed))
    rng.shuffle(world.checks)


def _key(name: str) -> str:
    return f"identity:{name}" if name.startswith("u") else f"group:{name}"


def _edge(kind: str, start: str, end: str) -> str:
    return json.dumps({"edge": {"type": kind, "from": start, "to": end}})
