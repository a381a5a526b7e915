"""Aliases of identities through edits of the graph: as if the table were made anew each time."""

from __future__ import annotations

import random

import pytest

from graphsvc.core.estate import Estate
from graphsvc.core.graph import Node
from graphsvc.core.value import Json

NAMES = tuple(f"email:n{number}@example.org" for number in range(6))


@pytest.mark.parametrize("seed", range(30))
def test_aliases_follow_edits(seed: int) -> None:
    rng = random.Random(seed)
    estate = Estate()
    for _ in range(25):
        names: list[Json] = list(rng.sample(NAMES, rng.randint(0, 2)))
        key = f"identity:i{rng.randrange(4)}"
        estate.load("s", [Node(key=key, fields={"aliases": names})], [], replace=rng.random() < 0.1)
        fresh = Estate()
        fresh.load("s", estate.facts()["s"][0].values(), [], replace=True)
        for name in NAMES:
            told = estate.identity_key(name)
            owners = {
                node.key
                for node in fresh.nodes()
                if name in (node.fields.get("aliases") or [])  # type: ignore[operator]
            }
            assert told == (min(owners) if owners else None)
            assert fresh.identity_key(name) == told
