"""Random estates, edits and questions: the index must answer as the definition does.

`python -m tests.rights.fuzz --checks 1000000`
"""

from __future__ import annotations

import argparse
import random
import sys
import time

from graphsvc.core.estate import Estate
from graphsvc.core.event import Declaration, Event, build_event
from graphsvc.core.known import Parties, parties_of, target_of
from graphsvc.core.request import AccessRequest, Entity
from graphsvc.core.rights import Rights
from tests.rights import estate_cases as cases
from tests.rights.definition import World, may

_CODES = {
    "entitled": "yes",
    "not_entitled": "no",
    "denied_explicitly": "denied",
    "condition_unknown": "unknown",
}


def check_rights(rng: random.Random, *, edits: int, counts: dict[str, int] | None = None) -> int:
    """Edit an estate again and again, asking after each edit. Returns how many questions were asked."""
    estate = Estate()
    rights = Rights(estate)
    sources: dict[str, World] = {}
    # Kept over all edits: what is remembered with parties must not outlive what it follows from.
    parties = {name: _parties(name) for name in cases.IDENTITIES}
    asked = 0
    for _ in range(edits):
        _edit(rng, estate, sources)
        merged = cases.together(sources.values())
        for _ in range(40):
            asked += 1
            _ask(rng, estate, rights, merged, counts, parties)
    return asked


def _edit(rng: random.Random, estate: Estate, sources: dict[str, World]) -> None:
    name = rng.choice(("hr", "aws"))
    kind = rng.random()
    held = sources.pop(name, None)
    if kind < 0.1 and held is not None:
        estate.remove(name)
    elif kind < 0.25 or held is None:
        sources[name] = world = cases.some_world(rng)
        estate.load(name, *cases.facts_of(world), replace=True)
    else:
        added = World()
        for _ in range(rng.randint(1, 2)):
            if rng.random() < 0.6:
                added.links.update([cases.some_link(rng, 8)])
            else:
                statement = cases.some_statement(rng, rng.randrange(8))
                added.statements[statement.name] = statement
        if rng.random() < 0.4:
            # The whole source again, with one thing more and one less.
            world = cases.together((held, added))
            if world.links:
                del world.links[rng.choice(list(world.links))]
            estate.load(name, *cases.facts_of(world), replace=True)
        else:
            world = cases.together((held, added))
            estate.load(name, *cases.facts_of(added), replace=False)
        sources[name] = world


def _ask(
    rng: random.Random,
    estate: Estate,
    rights: Rights,
    world: World,
    counts: dict[str, int] | None,
    parties: dict[str, Parties],
) -> None:
    identity, action = rng.choice(cases.IDENTITIES), rng.choice(cases.ACTIONS)
    resource, context = rng.choice(cases.RESOURCES), rng.choice(cases.CONTEXTS)
    event = None if context is None else _event(identity, action, resource, context, estate)
    told = rights.check(identity, action, resource, event)
    expected = may(world, identity, action, resource, context)
    if counts is not None:
        counts[expected] = counts.get(expected, 0) + 1
    place = (identity, action, resource, context, world)
    if expected == "refused":
        assert not told.allowed, place
    else:
        assert _CODES[told.code] == expected, (told, expected, place)
    assert told.allowed is (expected == "yes"), place
    if event is None and rights.all_allowed(parties[identity], action, resource):
        assert told.allowed, place


def _parties(identity: str) -> Parties:
    subject = Entity(type="human", id=identity.partition(":")[2])
    request = AccessRequest(id="a", chain="c", subject=subject, action="a", resource=Entity("doc", "d"))
    return parties_of(request, Estate())


def _event(identity: str, action: str, resource: str, context: object, estate: Estate) -> Event:
    kind, _, rest = resource.partition(":")[2].partition(":")
    request = AccessRequest(
        id="a",
        chain="c",
        subject=Entity(type="human", id=identity.partition(":")[2]),
        action=action,
        resource=Entity(type=kind, id=rest),
        context=cases.request_context(context),  # type: ignore[arg-type]  # one of ours
    )
    who, what = parties_of(request, estate), target_of(request.resource, estate)
    return build_event(request, 0, "c", 1, who, what, Declaration(), estate)


def main() -> int:
    """Ask until enough questions were answered alike."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checks", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=None)
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else random.SystemRandom().randrange(2**32)
    rng, asked, began = random.Random(seed), 0, time.perf_counter()
    while asked < given.checks:
        asked += check_rights(rng, edits=12)
    print(f"seed {seed}: {asked:,} checks, 0 mismatches, {asked / (time.perf_counter() - began):,.0f}/s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
