"""What coming near a tier hung on is what a plain search says when every edge is left out in turn."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import combinations
from typing import NamedTuple

import pytest

from graphsvc.core.estate import Estate
from graphsvc.core.graph import Node
from graphsvc.core.policy.load import load_policy
from graphsvc.core.ruleset import compile_ruleset
from graphsvc.core.verdict import Completion, PathStep
from graphsvc.errors import Overloaded
from graphsvc.explore.neared import of_reach
from graphsvc.explore.removal import SessionHeld
from tests.rights import estate_cases as cases
from tests.rights.closure_definition import RuleCase, closure
from tests.rights.closure_fuzz import some_rule, written
from tests.rights.definition import World
from tests.rights.reach_definition import hops
from tests.rights.reach_fuzz import KNOWN, lively

TIER = "crown-jewel"
REACH = """
graphsvc: 1
pack: {{id: near, version: "1"}}
patterns:
  - id: near
    on_match: escalate
    reach: {{tier: crown-jewel, nearer_than: {below}}}
"""
Triple = tuple[str, str, str]


class _Case(NamedTuple):
    world: World
    rules: tuple[RuleCase, ...]
    tiers: dict[str, str | None]
    held: frozenset[str]
    below: int

    def is_near(self, without: tuple[Triple, ...] = (), held: frozenset[str] | None = None) -> bool:
        """By the definition, every fact read again."""
        left = World(
            links={link: level for link, level in self.world.links.items() if link not in without},
            statements=self.world.statements,
        )
        globs = {glob for each in left.statements.values() for glob in each.resources}

        def gained(who: frozenset[str]) -> set[str]:
            return closure(left, set(KNOWN), globs, self.rules, set(who)).identities - who

        start = self.held if held is None else held
        return hops(left, self.tiers, KNOWN, start, TIER, self.below, gained) is not None

    def removable(self) -> list[Triple]:
        kinds = ("MEMBER_OF", "HAS_ROLE", "INHERITS", "GRANTED", "CAN_ASSUME")
        return [link for link in self.world.links if link[0] in kinds]


def _some(rng: random.Random) -> _Case:
    """A case that is near: without what denies, so that an edge less never brings anybody nearer."""
    while True:
        world = lively(rng)
        for name, statement in world.statements.items():
            plain = replace(statement, deny=False, condition=None, except_resources=(), except_actions=())
            world.statements[name] = plain
        links = {link: level for link, level in world.links.items() if link[0] != "CAPPED_BY"}
        kept = rng.sample(sorted(links), min(len(links), rng.randint(8, 18)))
        world.links = {link: links[link] for link in kept}
        assumes = (some_rule(rng, number) for number in range(rng.choice((0, 3, 6))))
        rules = tuple(rule for rule in assumes if rule.gives is not None and rule.gives[0] == "assume")
        tiers = {key: rng.choice((None, None, TIER)) for key in cases.RESOURCES}
        held = frozenset(rng.sample(cases.IDENTITIES, rng.choice((1, 2))))
        case = _Case(world, rules, tiers, held, rng.choice((2, 3, 4)))
        if case.is_near():
            return case


def _session(case: _Case) -> SessionHeld:
    estate = Estate()
    estate.load("known", [Node(key=key, tier=case.tiers.get(key)) for key in KNOWN], [], replace=True)
    estate.load("facts", *cases.facts_of(case.world), replace=True)
    texts = [REACH.format(below=case.below), *([written(case.rules)] if case.rules else [])]
    ruleset = compile_ruleset([load_policy(text, f"p{number}.yaml") for number, text in enumerate(texts)])
    held = tuple((identity, f"a{number}") for number, identity in enumerate(sorted(case.held)))
    return SessionHeld(held, (), ruleset, estate)


def _completion(session: SessionHeld) -> Completion:
    path = tuple(
        PathStep(
            step=f"holds {who}", action=action, action_name="app:Read", subject=who, resource="doc:d0", chain="c",
            index=number, at_ms=0,
        )
        for number, (who, action) in enumerate(session.held)
    )  # fmt: skip
    return Completion(
        pattern="near", title="Near", severity="high", on_match="escalate", path=path, explanation=""
    )


@pytest.mark.parametrize("seed", range(20))
def test_an_edge_is_named_exactly_when_without_it_nobody_is_near(seed: int) -> None:
    """Every edge of the graph is left out in turn; the smallest repair is the smallest of all sets that are enough."""
    case = _some(random.Random(seed))
    session = _session(case)
    (_, written) = session.ruleset.reach_patterns[0]
    found = of_reach(_completion(session), written, session)
    edges = case.removable()
    single = {edge for edge in edges if not case.is_near((edge,))}
    assert set(found.single) == single
    sizes = (size for size in (0, 1, 2) for some in combinations(edges, size) if not case.is_near(some))
    smallest = next(sizes, 3)
    if found.repair:
        assert not case.is_near(found.repair)
        assert min(len(found.repair), 3) == smallest
    else:
        assert case.is_near(tuple(edges))
    near = {who.partition(":")[2] for who in case.held if case.is_near((), frozenset((who,)))}
    assert {step.party for step in found.steps} == near


def test_the_cases_have_every_kind_of_answer() -> None:
    """Single edges, repairs of several, and ways that nothing removable carries; with rules that fire and without."""
    sizes = set()
    for seed in range(20):
        case = _some(random.Random(seed))
        session = _session(case)
        found = of_reach(_completion(session), session.ruleset.reach_patterns[0][1], session)
        sizes.add((bool(found.single), min(len(found.repair), 2)))
    assert {(True, 1), (False, 2)} <= sizes


def test_a_search_that_takes_too_long_is_an_error() -> None:
    """It says where to ask instead."""
    session = _session(_some(random.Random(1)))
    with pytest.raises(Overloaded, match="explore what-if"):
        of_reach(_completion(session), session.ruleset.reach_patterns[0][1], session, is_over=lambda: True)
