"""Rights and distances against the same questions in Cypher, on a real Neo4j."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from graphsvc.core.estate import Estate
from graphsvc.core.gain.gains import Gains
from graphsvc.core.graph import Node
from graphsvc.core.policy.load import load_policy
from graphsvc.core.rights import Rights
from graphsvc.core.ruleset import compile_ruleset
from tests.rights import estate_cases as cases
from tests.rights.closure_fuzz import some_rule, written
from tests.rights.cypher_closure import CypherClosure, imagined
from tests.rights.cypher_oracle import CypherOracle
from tests.rights.definition import World
from tests.rights.reach_fuzz import KNOWN, TIERS, lively
from tests.support.neo4j_server import Neo4jServer

pytestmark = pytest.mark.neo4j


def _estate(world: World, tiers: dict[str, str | None]) -> Estate:
    estate = Estate()
    nodes, edges = cases.facts_of(world)
    estate.load("s", [*(Node(key=key, tier=tiers.get(key)) for key in KNOWN), *nodes], edges, replace=True)
    return estate


def test_rights_are_those_that_cypher_finds(neo4j_server: Neo4jServer) -> None:
    """Groups, roles, containment, denies, caps, exceptions and conditions; every sixth question is permitted at least."""
    rng, permitted, asked = random.Random(11), 0, 0
    with neo4j_server.driver() as driver, driver.session(database=neo4j_server.database) as session:
        oracle = CypherOracle(session)
        for number in range(8):
            world = lively(rng) if number % 2 else cases.some_world(rng)
            oracle.load(world, KNOWN, {})
            rights = Rights(_estate(world, {}))
            for _ in range(40):
                identity, action, resource = (
                    rng.choice(each) for each in (cases.IDENTITIES, cases.ACTIONS, cases.RESOURCES)
                )
                told = rights.check(identity, action, resource).allowed
                assert told is oracle.allowed(identity, action, resource), (identity, action, resource, world)
                permitted, asked = permitted + told, asked + 1
    assert permitted > asked // 10, (permitted, asked)


def test_distances_are_those_that_cypher_finds(neo4j_server: Neo4jServer) -> None:
    """The shortest way over what may be assumed, touched, and passed on; of permissions that simply allow."""
    rng, found = random.Random(12), set[int | None]()
    with neo4j_server.driver() as driver, driver.session(database=neo4j_server.database) as session:
        oracle = CypherOracle(session)
        for _ in range(8):
            world = _plain(rng)
            tiers: dict[str, str | None] = {key: rng.choice((None, *TIERS)) for key in cases.RESOURCES}
            oracle.load(world, KNOWN, tiers)
            oracle.hop()
            estate = _estate(world, tiers)
            reach = Gains(compile_ruleset(()), estate, Rights(estate)).reach
            for identity in cases.IDENTITIES:
                for tier in TIERS:
                    hops = oracle.hops(identity, tier)
                    assert reach.distance(frozenset((identity,)), tier, 15) == hops, (
                        identity,
                        tier,
                        world,
                        tiers,
                    )
                    found.add(hops)
    assert {1, 2, None} <= found, found


@pytest.mark.parametrize("worlds", [2, pytest.param(30, marks=pytest.mark.slow)])
def test_closures_are_those_that_cypher_finds(neo4j_server: Neo4jServer, worlds: int) -> None:
    """What rights come to together, rules that fire others included, over denies, caps and conditions."""
    rng, fired, gained = random.Random(13), 0, 0
    with neo4j_server.driver() as driver, driver.session(database=neo4j_server.database) as session:
        oracle = CypherOracle(session)
        for _ in range(worlds):
            world = lively(rng)
            rules = tuple(some_rule(rng, number) for number in range(rng.randint(2, 4)))
            globs = {glob for each in world.statements.values() for glob in each.resources}
            oracle.load(world, KNOWN, {}, imagined(rules, globs, cases.IDENTITIES))
            oracle.judge(cases.ACTIONS)
            cypher = CypherClosure(session, rules)
            ruleset = compile_ruleset([load_policy(written(rules), "p.yaml")])
            estate = _estate(world, {})
            closures = Gains(ruleset, estate, Rights(estate)).closures
            for _ in range(4):
                held = frozenset(rng.sample(cases.IDENTITIES, rng.randint(1, 3)))
                told, found = closures.of(held), cypher.of(held)
                firings = {
                    (ruleset.patterns[number].id, tuple(sorted(each))) for number, each in told.firings
                }
                assert firings == found.firings, (held, rules, world)
                assert told.held | told.gained.keys() == found.identities, (held, rules, world)
                assert told.admin is found.admin, (held, rules, world)
                fired, gained = fired + len(firings), gained + len(told.gained)
    assert fired > 4 * worlds, fired
    assert gained >= worlds // 10, gained


def _plain(rng: random.Random) -> World:
    world = lively(rng)
    world.statements = {
        name: replace(each, deny=False, condition=None, except_actions=(), except_resources=())
        for name, each in world.statements.items()
    }
    world.links = {link: level for link, level in world.links.items() if link[0] != "CAPPED_BY"}
    return world
