"""Laws of rights and reach: M11, M15, risk, deny beats allow, and distances as a plain search finds them."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from graphsvc.core.estate import Estate
from graphsvc.core.evaluate import decided
from graphsvc.core.gain.gains import Gains
from graphsvc.core.graph import Edge, Node
from graphsvc.core.policy.load import load_policy
from graphsvc.core.record import GraphCommitted, GraphStaged, PolicyPublished, Record
from graphsvc.core.request import AccessRequest, Entity
from graphsvc.core.rights import Rights
from graphsvc.core.ruleset import compile_ruleset
from graphsvc.core.verdict import ReasonCode
from graphsvc.core.world import World as EngineWorld
from tests.rights import estate_cases as cases
from tests.rights.closure_fuzz import some_rule, written
from tests.rights.definition import World, fits, may, reaches

TIER = "crown-jewel"
JEWEL = "resource:doc:d2"


def _positive_world(rng: random.Random) -> World:
    """Nothing is taken away: no denies, no caps, no exceptions, no conditions."""
    world = World()
    for number in range(8):
        statement = cases.some_statement(rng, number)
        world.statements[statement.name] = replace(
            statement, deny=False, condition=None, except_actions=(), except_resources=()
        )
    links = (cases.some_link(rng, 8) for _ in range(rng.randint(5, 30)))
    world.links.update(link for link in links if link[0][0] != "CAPPED_BY")
    for _ in range(rng.randint(0, 6)):
        start, end = rng.sample(cases.IDENTITIES, 2)
        kind = rng.choice(("CAN_ASSUME", "HOLDS_CREDENTIAL", "RUNS_AS"))
        world.links[kind, start if kind == "CAN_ASSUME" else rng.choice(cases.RESOURCES), end] = ""
    return world


def _loaded(world: World) -> tuple[Estate, Rights]:
    estate = Estate()
    known = [
        Node(key=key, tier=TIER if key == JEWEL else None) for key in (*cases.IDENTITIES, *cases.RESOURCES)
    ]
    nodes, edges = cases.facts_of(world)
    estate.load("facts", [*known, *nodes], edges, replace=True)
    return estate, Rights(estate)


def _gains(world: World, rng: random.Random) -> Gains:
    rules = tuple(some_rule(rng, number) for number in range(3))
    policy = load_policy(written(rules), "p.yaml")
    estate, rights = _loaded(world)
    return Gains(compile_ruleset([policy]), estate, rights)


@pytest.mark.parametrize("seed", range(40))
def test_m11_a_grant_more_takes_nothing_away_and_moves_nothing_off(seed: int) -> None:
    """M11: with a grant, role or membership more, whatever combined combines still, and no tier is farther away."""
    rng = random.Random(seed)
    world = _positive_world(rng)
    more = World(dict(world.statements), dict(world.links))
    for _ in range(4):
        kind = rng.choice(("GRANTED", "MEMBER_OF", "HAS_ROLE"))
        link = cases.some_link(rng, 8)
        while link[0][0] != kind:
            link = cases.some_link(rng, 8)
        more.links.update([link])
    rules = rng.getrandbits(32)
    fewer_gains, more_gains = (_gains(each, random.Random(rules)) for each in (world, more))
    for identity in cases.IDENTITIES:
        held = frozenset((identity,))
        assert fewer_gains.closure(held).firings.keys() <= more_gains.closure(held).firings.keys()
        near, nearer = (each.reach.distance(held, TIER, 9) for each in (fewer_gains, more_gains))
        assert near is None or (nearer is not None and nearer <= near)


@pytest.mark.parametrize("seed", range(40))
def test_m15_whoever_is_below_a_limit_is_below_a_farther_one(seed: int) -> None:
    """M15: `nearer_than` raised never un-satisfies it, and holding more never brings anybody farther off."""
    rng = random.Random(3000 + seed)
    reach = _gains(_positive_world(rng), rng).reach
    held: frozenset[str] = frozenset()
    before: int | None = None
    for identity in rng.sample(cases.IDENTITIES, 3):
        held |= {identity}
        distances = [reach.distance(held, TIER, limit) for limit in (2, 3, 6, 9)]
        found = [distance for distance in distances if distance is not None]
        assert len(set(found)) <= 1
        assert distances == [None] * (4 - len(found)) + found
        farthest = distances[-1]
        assert before is None or (farthest is not None and farthest <= before)
        before = farthest


@pytest.mark.parametrize("seed", range(40))
def test_distances_are_those_of_a_plain_search(seed: int) -> None:
    """A distance is the number of levels that a search over all facts needs."""
    rng = random.Random(1000 + seed)
    world = _positive_world(rng)
    policy = load_policy(
        '{"graphsvc": 1, "pack": {"id": "p", "version": "1"}, "patterns":'
        ' [{"id": "r", "reach": {"tier": "crown-jewel", "nearer_than": 3}}]}',
        "p.yaml",
    )
    estate, rights = _loaded(world)
    reach = Gains(compile_ruleset([policy]), estate, rights).reach
    for identity in cases.IDENTITIES:
        for below in (2, 3, 6):
            expected = _plainly(world, identity, below)
            assert reach.distance(frozenset((identity,)), TIER, below) == expected, (identity, below, world)


def _plainly(world: World, start: str, below: int) -> int | None:
    """Level after level, every node asked for every other."""
    level, seen = {start}, {start}
    for hops in range(1, below):
        level = {
            end
            for node in level
            for end in (*cases.IDENTITIES, *cases.RESOURCES)
            if end not in seen and _leads(world, node, end)
        }
        if JEWEL in level:
            return hops
        seen |= level
    return None


def _leads(world: World, node: str, end: str) -> bool:
    if node.startswith("resource:"):
        return any((kind, node, end) in world.links for kind in ("HOLDS_CREDENTIAL", "RUNS_AS"))
    holders = reaches(world, ("MEMBER_OF", "HAS_ROLE", "INHERITS"), node)
    if end.startswith("identity:"):
        return any(("CAN_ASSUME", holder, end) in world.links for holder in holders)
    leads_on = any(
        (kind, end, other) in world.links
        for kind in ("HOLDS_CREDENTIAL", "RUNS_AS")
        for other in cases.IDENTITIES
    )
    if end != JEWEL and not leads_on:
        return False
    for kind, holder, key in world.links:
        statement = world.statements.get(key.removeprefix("permission:"))
        if kind != "GRANTED" or holder not in holders or statement is None:
            continue
        places = _containers(world, end)
        named = any(("ON", key, place) in world.links for place in places)
        globs = [glob for glob in statement.resources if glob != "*"]
        exact = [glob for glob in globs if "*" not in glob and "?" not in glob]
        if "*" in statement.resources:
            named = named or "*" in statement.actions
            globs = exact
        names = [place.removeprefix("resource:") for place in places]
        if named or any(fits(glob, name) for glob in globs for name in names):
            return True
    return False


def _containers(world: World, resource: str) -> set[str]:
    found = {resource}
    while more := {start for kind, start, end in world.links if kind == "CONTAINS" and end in found} - found:
        found |= more
    return found


@pytest.mark.parametrize("seed", range(20))
def test_deny_beats_allow(seed: int) -> None:
    """A deny more allows nobody anything, and takes from its holder only."""
    rng = random.Random(2000 + seed)
    world = cases.some_world(rng)
    denied = World(dict(world.statements), dict(world.links))
    statement = replace(cases.some_statement(rng, 9), deny=True, condition=None)
    denied.statements["p9"] = statement
    holder = rng.choice(cases.IDENTITIES)
    denied.links["GRANTED", holder, "permission:p9"] = ""
    before, after = (_loaded(each)[1] for each in (world, denied))
    for action in cases.ACTIONS:
        for resource in cases.RESOURCES:
            for identity in cases.IDENTITIES:
                was, now = (each.check(identity, action, resource) for each in (before, after))
                assert was.allowed or not now.allowed
                if identity != holder:
                    assert now.allowed is was.allowed
            if may(denied, holder, action, resource, None) == "denied":
                assert not after.check(holder, action, resource).allowed


_RISKY = """
graphsvc: 1
pack: {id: risky, version: "1"}
settings: {entitlement: required}
patterns:
  - id: chain
    severity: high
    on_match: deny
    relation: causal
    steps: {one: {action: "x:a", then: two}, two: {action: "x:b", then: three}, three: {action: "x:c"}}
  - id: tree
    severity: critical
    on_match: escalate
    relation: causal
    steps: {left: {action: "x:a", then: out}, right: {action: "x:d", then: out}, out: {action: "x:e"}}
"""


def _holding(permissions: set[str]) -> EngineWorld:
    """A world in which the bot may do these actions."""
    facts = [Node(key="identity:bot", fields={"kind": "service", "status": "active"})]
    edges = []
    for name in sorted(permissions):
        facts.append(Node(key=f"permission:{name}", fields={"actions": [f"x:{name}"], "resources": ["*"]}))
        edges.append(Edge(type="GRANTED", start="identity:bot", end=f"permission:{name}"))
    world = EngineWorld()
    records: list[Record] = [
        GraphStaged(at_ms=0, load="l", nodes=tuple(facts), edges=tuple(edges)),
        GraphCommitted(at_ms=0, load="l", source="s", replace=True),
        PolicyPublished(at_ms=0, pack="risky", version="1", file="r.yaml", text=_RISKY, sha256=""),
    ]
    for number, record in enumerate(records, 1):
        world.apply(record, number)
    return world


def test_a_grant_more_never_lowers_the_risk() -> None:
    """The same requests with more permissions: until a pattern stops something, no action finds a lower risk before it."""
    compared = raised = 0
    for seed in range(60):
        rng = random.Random(seed)
        few = {name for name in "abcde" if rng.random() < 0.4}
        worlds = _holding(few), _holding(few | {rng.choice("abcde")})
        for number in range(10):
            seq, action = 4 + number, rng.choice("abcde")
            request = AccessRequest(
                id=f"e{number}", chain="c", subject=Entity("service", "bot"), action=f"x:{action}",
                resource=Entity("t", "r"),
            )  # fmt: skip
            fewer, more = (world.evaluate(request, seq * 1000, seq=seq) for world in worlds)
            assert fewer.risk.before_micros <= more.risk.before_micros
            compared += 1
            raised += fewer.risk.before_micros < more.risk.before_micros
            if any(each.code is ReasonCode.pattern_completed for each in more.reasons):
                break
            for world, evaluation in zip(worlds, (fewer, more), strict=True):
                world.apply(decided(evaluation), seq, evaluation)
    assert compared > 300
    assert raised > 50
