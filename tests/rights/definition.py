"""Who may do what, written for reading: every fact of every source looked at again for every question.

Nothing here is shared with the engine: facts are plain tuples, globs are matched character by character, and
conditions are Python functions that the generator wrote beside their text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Context = Mapping[str, object]


@dataclass(frozen=True)
class Statement:
    """A permission as data. condition: its CEL text, and the same as a function with three answers."""

    name: str
    actions: tuple[str, ...]
    resources: tuple[str, ...] = ()
    except_actions: tuple[str, ...] = ()
    except_resources: tuple[str, ...] = ()
    deny: bool = False
    fold: bool = False
    condition: tuple[str, Callable[[Context], bool | None]] | None = None


@dataclass
class World:
    """Facts of one source or of several together. Links: (type, from, to, level)."""

    statements: dict[str, Statement] = field(default_factory=dict)
    links: dict[tuple[str, str, str], str] = field(default_factory=dict)


def fits(glob: str, name: str) -> bool:
    """`*` is any characters, `?` is one."""
    if not glob:
        return not name
    if glob[0] == "*":
        return fits(glob[1:], name) or (bool(name) and fits(glob, name[1:]))
    return bool(name) and glob[0] in ("?", name[0]) and fits(glob[1:], name[1:])


def reaches(world: World, types: tuple[str, ...], start: str) -> set[str]:
    """Fixpoint: everything that edges of these types lead to, the start included."""
    found = {start}
    while True:
        more = {end for (kind, begin, end) in world.links if kind in types and begin in found} - found
        if not more:
            return found
        found |= more


def covers(world: World, statement: Statement, action: str, resource: str) -> bool:
    """True when the statement speaks of the action on the resource, conditions aside."""
    fold = str.lower if statement.fold else str
    if not any(fits(fold(glob), fold(action)) for glob in statement.actions):
        return False
    if any(fits(fold(glob), fold(action)) for glob in statement.except_actions):
        return False
    places = _containers(world, resource)
    names = [place.removeprefix("resource:") for place in places]
    if any(fits(glob, name) for glob in statement.except_resources for name in names):
        return False
    by_edge = any(("ON", f"permission:{statement.name}", place) in world.links for place in places)
    return by_edge or any(fits(glob, name) for glob in statement.resources for name in names)


def _containers(world: World, resource: str) -> set[str]:
    found = {resource}
    while True:
        more = {start for (kind, start, end) in world.links if kind == "CONTAINS" and end in found} - found
        if not more:
            return found
        found |= more


def may(world: World, identity: str, action: str, resource: str, context: Context | None) -> str:
    """`yes`, `no`, `denied` or `unknown`. context: None when nothing is known of the request."""
    holders = reaches(world, ("MEMBER_OF", "HAS_ROLE", "INHERITS"), identity)
    answers = set()
    for kind, start, end in world.links:
        statement = world.statements.get(end.removeprefix("permission:"))
        if kind != "GRANTED" or start not in holders or statement is None:
            continue
        if covers(world, statement, action, resource):
            answers.add((statement.deny, holds(statement, context)))
    if (True, True) in answers or (True, None) in answers:
        return "denied"
    capped = caps(world, holders, action, resource, context)
    if capped is not None:
        return capped
    if (False, True) in answers:
        return "yes"
    return "unknown" if (False, None) in answers else "no"


def caps(world: World, holders: set[str], action: str, resource: str, context: Context | None) -> str | None:
    """Why caps refuse it; None when they do not."""
    levels: dict[str, set[tuple[bool, bool | None]]] = {}
    for (kind, start, end), level in world.links.items():
        if kind == "CAPPED_BY" and start in holders:
            found = levels.setdefault(level, set())
            statement = world.statements.get(end.removeprefix("permission:"))
            if statement is not None and covers(world, statement, action, resource):
                found.add((statement.deny, holds(statement, context)))
    refusals = set()
    for answers in levels.values():
        if (True, True) in answers or (True, None) in answers:
            refusals.add("denied")
        elif (False, True) not in answers:
            refusals.add("unknown" if (False, None) in answers else "no")
    if not refusals:
        return None
    # Several levels may refuse, each for its own reason; the question is only whether it is allowed.
    return min(refusals) if len(refusals) == 1 else "refused"


def holds(statement: Statement, context: Context | None) -> bool | None:
    """Whether its condition holds; None when nobody can say."""
    if statement.condition is None:
        return True
    return None if context is None else statement.condition[1](context)
