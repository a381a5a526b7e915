"""Distances kept edge by edge are those of a search that begins anew."""

from __future__ import annotations

import random

import pytest

from graphsvc.core.gain.distance import Network
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


def _relaxed(edges: dict[tuple[int, int], int], targets: set[int]) -> dict[int, int]:
    found = dict.fromkeys(targets, 0)
    for _ in range(len(edges) + 1):
        for (start, end), length in edges.items():
            if end in found and found[end] + length < found.get(start, 1_000):
                found[start] = found[end] + length
    return found
