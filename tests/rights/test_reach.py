"""Distances kept edge by edge are those of a search that begins anew."""

from __future__ import annotations

import random

import pytest

from graphsvc.core.estate import Estate
from graphsvc.core.gain.distance import Network
from graphsvc.core.gain.gains import Gains
from graphsvc.core.graph import Edge, Node
from graphsvc.core.rights import Rights
from graphsvc.core.ruleset import compile_ruleset
from tests.rights.reach_fuzz import check_reach


@pytest.mark.parametrize("seed", range(25))
def test_reach_is_that_of_a_plain_search_after_every_edit(seed: int) -> None:
    """Denies, caps, conditions, credentials, rules and tiers come and go; every distance is the plain search's."""
    assert check_reach(random.Random(seed), edits=8) > 0


def test_all_distances_occur() -> None:
    """The cases are lively enough to mean something."""
    counts: dict[str, int] = {}
    rng = random.Random(3)
    for _ in range(12):
        check_reach(rng, edits=8, counts=counts)
    assert min(counts.get(each, 0) for each in ("1", "2", "far")) > 5, counts


@pytest.mark.parametrize("seed", range(30))
def test_distances_follow_every_edge_and_target(seed: int) -> None:
    """Edges of length 0 and cycles included, the distances are those of relaxing until nothing changes."""
    rng = random.Random(seed)
    size = rng.randint(2, 12)
    network, edges = Network(), dict[tuple[int, int], int]()
    targets = set(rng.sample(range(size), rng.randint(0, 2)))
    distances = network.distances(targets)
    for _ in range(60):
        kind = rng.random()
        if kind < 0.5:
            start, end, length = rng.randrange(size), rng.randrange(size), rng.choice((0, 0, 1, 1, 2))
            edges[start, end] = length
            network.insert(start, end, length)
        elif kind < 0.9 and edges:
            start, end = rng.choice(list(edges))
            del edges[start, end]
            network.delete(start, end)
        else:
            targets = set(rng.sample(range(size), rng.randint(0, 2)))
            distances.set_targets(targets)
        assert distances.least == _relaxed(edges, targets)


def test_a_permission_that_leaves_out_its_own_actions_may_still_be_about_a_resource() -> None:
    """Another one allows there what it lists: that it names the resource is what makes the two lead to it."""
    idle = {"actions": ["iam:P?ss"], "except_actions": ["iam:P?ss"], "resources": ["doc:d"]}
    nodes = [
        Node(key="identity:i"),
        Node(key="resource:doc:d", tier="crown-jewel"),
        Node(key="permission:idle", fields=idle),  # type: ignore[arg-type]  # lists are invariant
        Node(key="permission:wide", fields={"actions": ["iam:P?ss"], "resources": ["*"]}),
    ]
    given = [Edge(type="GRANTED", start="identity:i", end=f"permission:{name}") for name in ("idle", "wide")]
    estate = Estate()
    estate.load("s", nodes, given, replace=True)
    gains = Gains(compile_ruleset(()), estate, Rights(estate))
    assert gains.reach.distance(frozenset(("identity:i",)), "crown-jewel", 3) == 1
    estate.load("s", nodes, given[:1], replace=True)
    assert gains.reach.distance(frozenset(("identity:i",)), "crown-jewel", 3) is None


def test_a_right_is_held_where_a_denial_leaves_a_resource_out() -> None:
    """Allowed on `doc:*`, denied there but for one document: the right is held on something."""
    nodes = [
        Node(key="permission:all", fields={"actions": ["app:*"], "resources": ["doc:*"]}),
        Node(
            key="permission:no",
            fields={
                "actions": ["*"],
                "resources": ["doc:*"],
                "except_resources": ["doc:d2"],
                "effect": "deny",
            },
        ),
    ]
    edges = [Edge(type="GRANTED", start="identity:i", end=f"permission:{name}") for name in ("all", "no")]
    estate = Estate()
    estate.load("s", nodes, edges, replace=True)
    assert Rights(estate).anywhere("identity:i", "app:Read", lenient=False)


def _relaxed(edges: dict[tuple[int, int], int], targets: set[int]) -> dict[int, int]:
    found = dict.fromkeys(targets, 0)
    for _ in range(len(edges) + 1):
        for (start, end), length in edges.items():
            if end in found and found[end] + length < found.get(start, 1_000):
                found[start] = found[end] + length
    return found


def test_a_right_is_held_where_two_wildcards_meet() -> None:
    """Allowed in `folder:*`, capped to `doc:d?`: on the document that lies in a folder, and on nothing where none does."""
    nodes = [
        Node(key="permission:folders", fields={"actions": ["app:Read"], "resources": ["folder:*"]}),
        Node(key="permission:docs", fields={"actions": ["app:*"], "resources": ["doc:d?"]}),
        *(Node(key=key) for key in ("identity:i", "resource:folder:f", "resource:doc:d0")),
    ]
    edges = [
        Edge(type="GRANTED", start="identity:i", end="permission:folders"),
        Edge(type="CAPPED_BY", start="identity:i", end="permission:docs"),
        Edge(type="CONTAINS", start="resource:folder:f", end="resource:doc:d0"),
    ]
    for held, links in ((True, edges), (False, edges[:2])):
        estate = Estate()
        estate.load("s", nodes, links, replace=True)
        rights = Rights(estate)
        assert rights.anywhere("identity:i", "app:Read", lenient=False) is held
        assert not rights.anywhere("identity:i", "app:Write", lenient=False)
