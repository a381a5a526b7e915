"""Random estates with denies, caps, conditions, credentials and rules: distances must be those of the plain search.

After every edit, on one index that follows the edits. `python -m tests.rights.reach_fuzz --checks 10000`
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from dataclasses import replace

from graphsvc.core.estate import Estate
from graphsvc.core.gain.gains import Gains
from graphsvc.core.graph import Edge, Node
from graphsvc.core.policy.load import load_policy
from graphsvc.core.rights import Rights
from graphsvc.core.ruleset import compile_ruleset
from tests.rights import estate_cases as cases
from tests.rights.closure_definition import RuleCase, closure
from tests.rights.closure_fuzz import some_rule, written
from tests.rights.definition import World
from tests.rights.reach_definition import PASSES, hops

KNOWN = (*cases.IDENTITIES, *cases.RESOURCES)
TIERS = ("crown-jewel", "high")
Tiers = dict[str, str | None]


def check_reach(rng: random.Random, *, edits: int, counts: dict[str, int] | None = None) -> int:
    """Edit an estate again and again, asking after each edit. Returns how many distances were compared."""
    rules = tuple(some_rule(rng, number) for number in range(rng.choice((0, 0, 1, 3))))
    policy = load_policy(written(rules), "p.yaml") if rules else None
    estate = Estate()
    gains = Gains(compile_ruleset([policy] if policy is not None else []), estate, Rights(estate))
    world = lively(rng)
    tiers: Tiers = {key: rng.choice((None, *TIERS)) for key in cases.RESOURCES}
    estate.load("known", [Node(key=key, tier=tiers.get(key)) for key in KNOWN], [], replace=True)
    estate.load("facts", *cases.facts_of(world), replace=True)
    compared = 0
    for _ in range(edits):
        _edit(rng, estate, world, tiers)
        for _ in range(6):
            held = frozenset(rng.sample(cases.IDENTITIES, rng.choice((1, 1, 2))))
            tier, below = rng.choice(TIERS), rng.choice((2, 3, 4, 7))
            expected = hops(world, tiers, KNOWN, held, tier, below, lambda who: _gained(world, rules, who))
            told = gains.reach.distance(held, tier, below)
            assert told == expected, (told, expected, held, tier, below, rules, world, tiers)
            compared += 1
            if counts is not None:
                name = "far" if expected is None else str(expected)
                counts[name] = counts.get(name, 0) + 1
    return compared


def lively(rng: random.Random) -> World:
    """One where much is allowed and most lead somewhere."""
    world = World()
    for number in range(8):
        statement = cases.some_statement(rng, number)
        plain = replace(statement, deny=rng.random() < 0.1, condition=None, except_resources=())
        world.statements[statement.name] = plain if rng.random() < 0.8 else statement
    links = (cases.some_link(rng, 8) for _ in range(30))
    world.links.update(link for link in links if link[0][0] != "CAPPED_BY" or rng.random() < 0.2)
    for _ in range(4):
        world.links |= _passing(rng)
    return world


def _passing(rng: random.Random) -> dict[tuple[str, str, str], str]:
    if rng.random() < 0.4:
        start = rng.choice((*cases.IDENTITIES, *cases.GROUPS))
        return {("CAN_ASSUME", start, rng.choice(cases.IDENTITIES)): ""}
    return {(rng.choice(PASSES), rng.choice(cases.RESOURCES), rng.choice(cases.IDENTITIES)): ""}


def _gained(world: World, rules: tuple[RuleCase, ...], held: frozenset[str]) -> set[str]:
    if not any(rule.gives is not None and rule.gives[0] == "assume" for rule in rules):
        return set()
    globs = {glob for each in world.statements.values() for glob in each.resources}
    return closure(world, set(KNOWN), globs, rules, set(held)).identities - held


def _edit(rng: random.Random, estate: Estate, world: World, tiers: Tiers) -> None:
    kind = rng.random()
    if kind < 0.15:
        key = rng.choice(cases.RESOURCES)
        tiers[key] = rng.choice((None, *TIERS))
        estate.load("known", [Node(key=key, tier=tiers[key])], [], replace=False)
        return
    added = World()
    for _ in range(rng.randint(1, 3)):
        if rng.random() < 0.5:
            added.links.update([cases.some_link(rng, 8)])
        elif rng.random() < 0.6:
            statement = cases.some_statement(rng, rng.randrange(8))
            added.statements[statement.name] = statement
        else:
            added.links |= _passing(rng)
    world.links |= added.links
    world.statements |= added.statements
    if kind < 0.5 and world.links:
        for _ in range(rng.randint(1, 3)):
            if world.links:
                del world.links[rng.choice(list(world.links))]
        if world.statements and rng.random() < 0.3:
            del world.statements[rng.choice(list(world.statements))]
        estate.load("facts", *cases.facts_of(world), replace=True)
    else:
        nodes, edges = cases.facts_of(added)
        estate.load("facts", nodes, edges, replace=False)
    if rng.random() < 0.02:
        # More at once than is told change by change.
        many = [
            Edge(type="KNOWS", start="identity:i0", end=f"resource:x:{number}") for number in range(1_100)
        ]
        estate.load("many", [], many, replace=True)


def main() -> int:
    """Compare until enough distances were alike."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checks", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=None)
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else random.SystemRandom().randrange(2**32)
    rng, compared, began = random.Random(seed), 0, time.perf_counter()
    counts: dict[str, int] = {}
    while compared < given.checks:
        compared += check_reach(rng, edits=12, counts=counts)
    print(
        f"seed {seed}: {compared:,} distances, 0 mismatches, {compared / (time.perf_counter() - began):,.0f}/s, {counts}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
