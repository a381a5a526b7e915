"""What rights combine into, as a naive fixpoint: every rule, every value of every variable, again and again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product

from tests.rights.definition import World, fits, may


@dataclass(frozen=True)
class Wanted:
    """A right that a rule asks for. on: None anywhere, `$name`, or a glob over `type:id`."""

    action: str
    on: str | None = None


@dataclass(frozen=True)
class RuleCase:
    """where: (negated, function, arguments) that must all hold. gives: (what, right, on), None nothing."""

    name: str
    all_of: tuple[Wanted, ...]
    where: tuple[tuple[bool, str, tuple[str, ...]], ...] = ()
    gives: tuple[str, str, str | None] | None = None


@dataclass
class Found:
    """What the fixpoint holds. rights: (action glob, on: None everywhere, a key, or a glob)."""

    identities: set[str]
    rights: set[tuple[str, str | None]] = field(default_factory=set)
    admin: bool = False
    firings: set[tuple[str, tuple[tuple[str, str], ...]]] = field(default_factory=set)


def closure(
    world: World, nodes: set[str], globs: set[str], rules: tuple[RuleCase, ...], held: set[str]
) -> Found:
    """nodes: keys of identities and resources that are known. globs: all that any permission names."""
    found = Found(set(held))
    grown = True
    while grown:
        grown = False
        for rule in rules:
            for binding in _bindings(rule, nodes):
                key = (rule.name, tuple((name, binding[name]) for name in telling(rule)))
                if key in found.firings or not _fires(world, nodes, globs, rule, binding, found):
                    continue
                found.firings.add(key)
                grown = True
                _gain(rule, binding, found)
    return found


def identities_in(rule: RuleCase) -> set[str]:
    """Variables that stand for identities: assumed, or where a function wants one."""
    names = {rule.gives[1][1:]} if rule.gives is not None and rule.gives[0] == "assume" else set()
    for _, function, arguments in rule.where:
        place = {"service_can_assume": 0, "trusts": 0, "runs_as": 1}.get(function)
        if place is not None and arguments[place].startswith("$"):
            names.add(arguments[place][1:])
    return names


def telling(rule: RuleCase) -> list[str]:
    """Variables that tell firings apart: those in what is given, all where nothing is."""
    if rule.gives is None:
        return variables(rule)
    return sorted(text[1:] for text in rule.gives[1:] if text is not None and text.startswith("$"))


def variables(rule: RuleCase) -> list[str]:
    """All of a rule, by name."""
    texts = [each.on for each in rule.all_of] + [each for _, _, names in rule.where for each in names]
    if rule.gives is not None:
        texts += rule.gives[1:]
    return sorted({text[1:] for text in texts if text is not None and text.startswith("$")})


def _bindings(rule: RuleCase, nodes: set[str]) -> Iterator[dict[str, str]]:
    names = variables(rule)
    identities = identities_in(rule)
    ranges = [
        sorted(key for key in nodes if key.startswith("identity:" if name in identities else "resource:"))
        for name in names
    ]
    for values in product(*ranges):
        yield dict(zip(names, values, strict=True))


def _fires(
    world: World, nodes: set[str], globs: set[str], rule: RuleCase, binding: dict[str, str], found: Found
) -> bool:
    for negated, function, arguments in rule.where:
        values = [binding[each[1:]] if each.startswith("$") else each for each in arguments]
        if _says(world, function, values) is negated:
            return False
    return all(_has(world, nodes, globs, wanted, binding, found) for wanted in rule.all_of)


def _says(world: World, function: str, values: list[str]) -> bool:
    match function:
        case "runs_as":
            return ("RUNS_AS", values[0], values[1]) in world.links
        case _:
            return ("CAN_ASSUME", f"identity:{values[1]}", values[0]) in world.links


def _has(
    world: World, nodes: set[str], globs: set[str], wanted: Wanted, binding: dict[str, str], found: Found
) -> bool:
    on = wanted.on
    key = binding[on[1:]] if on is not None and on.startswith("$") else None
    for gained, place in found.rights:
        if not fits(gained, wanted.action):
            continue
        if place is None or on is None or key == place:
            return True
        name = on if key is None else key.removeprefix("resource:")
        if fits(place.removeprefix("resource:"), name):
            return True
    if on is None:
        places = [f"resource:{glob.replace('*', 'zz').replace('?', 'z')}" for glob in globs]
        places += [key for key in nodes if key.startswith("resource:")]
    elif key is None:
        places = [f"resource:{on}"]
    else:
        name = key.partition(":")[2]
        places = [key] if key.startswith("resource:") else [f"resource:identity:{name}"]
    return any(
        may(world, identity, wanted.action, place, None) == "yes"
        for identity in found.identities
        for place in places
    )


def _gain(rule: RuleCase, binding: dict[str, str], found: Found) -> None:
    if rule.gives is None:
        return
    kind, right, on = rule.gives
    if kind == "admin":
        found.admin = True
    elif kind == "assume":
        found.identities.add(binding[right[1:]])
    else:
        found.rights.add((right, binding[on[1:]] if on is not None and on.startswith("$") else on))
