"""Random estates, delegations, situational grants and suspensions: decisions must be those of the definition.

Everything goes through the fold of records, as in the service. `python -m tests.rights.entitlement_fuzz --checks 100000`
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from dataclasses import replace

from graphsvc.core.evaluate import decided
from graphsvc.core.graph import Edge, Node
from graphsvc.core.record import Granted, GraphCommitted, GraphStaged, Record, Reinstated, Revoked, Suspended
from graphsvc.core.request import AccessRequest, Entity
from graphsvc.core.verdict import Verdict
from graphsvc.core.world import World
from tests.rights import definition
from tests.rights import estate_cases as cases
from tests.rights.entitlement_definition import Ask, Estate, Grant, allowed

_CHAINS = ("c0", "c1", "c2")
_AGENTS = cases.IDENTITIES[:2]


class Play:
    """A world of the engine beside the definition's; times move on by a second an act."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.world = World()
        self.estate = Estate(definition.World())
        self.now_ms = 1_000_000
        self.number = 0
        self.counts: dict[str, int] = {}
        self._change_graph()

    def apply(self, *records: Record) -> None:
        for record in records:
            self.world.apply(record, self.world.seq + 1)

    def step(self) -> int:
        """One change, then questions. Returns how many were asked."""
        self.now_ms += self.rng.choice((0, 1, 500, 1_000))
        changes = (self._change_graph, *(self._grant,) * 6, self._revoke, self._suspend)
        self.rng.choice(changes)()
        for _ in range(8):
            self._ask()
        return 8

    def _change_graph(self) -> None:
        rng = self.rng
        world = definition.World()
        for number in range(6):
            statement = cases.some_statement(rng, number)
            world.statements[statement.name] = replace(statement, deny=rng.random() < 0.03)
        links = (cases.some_link(rng, 6) for _ in range(rng.randint(15, 35)))
        world.links.update(link for link in links if link[0][0] != "CAPPED_BY" or rng.random() < 0.15)
        for _ in range(16):
            start, end = rng.sample((*cases.IDENTITIES, *cases.GROUPS), 2)
            world.links["ACTS_FOR", start, end] = ""
        known = {key for key in cases.IDENTITIES if rng.random() < 0.95}
        self.estate.world, self.estate.known = world, known
        self.estate.agents = set(_AGENTS) & known
        nodes, edges = cases.facts_of(world)
        people = [
            Node(key=key, fields={"kind": "agent" if key in _AGENTS else "human"}) for key in sorted(known)
        ]
        self._load([*people, *nodes], edges)

    def _load(self, nodes: list[Node], edges: list[Edge]) -> None:
        load = f"l{self.world.seq}"
        self.apply(
            GraphStaged(at_ms=self.now_ms, load=load, nodes=tuple(nodes), edges=tuple(edges)),
            GraphCommitted(at_ms=self.now_ms, load=load, source="s", replace=True),
        )

    def _grant(self) -> None:
        rng = self.rng
        self.number += 1
        begins_ms = self.now_ms + rng.choice((0, 0, 1_000))
        grant = Grant(
            name=f"g{self.number:04d}",
            identity=rng.choice(cases.IDENTITIES),
            actions=rng.choice((("*",), ("app:*",), ("app:Read", "iam:P?ss"))),
            resources=rng.choice((("*",), ("doc:*",), ("doc:d1", "folder:top"))),
            begins_ms=begins_ms,
            ends_ms=begins_ms + rng.choice((1, 500, 2_000, 60_000)),
            chain=rng.choice((None, None, *_CHAINS)),
            session=rng.choice((None, None, None, *_CHAINS)),
            uses=rng.choice((None, 1, 3)),
        )
        self.estate.grants.append(grant)
        self.apply(
            Granted(
                at_ms=self.now_ms, id=grant.name, identity=grant.identity.removeprefix("identity:"),
                actions=grant.actions, resources=grant.resources, from_ms=begins_ms, to_ms=grant.ends_ms,
                chain=grant.chain, uses=grant.uses, purpose="p", session=grant.session,
            )
        )  # fmt: skip

    def _revoke(self) -> None:
        if self.estate.grants:
            grant = self.rng.choice(self.estate.grants)
            grant.revoked = True
            self.apply(Revoked(at_ms=self.now_ms, grant=grant.name))

    def _suspend(self) -> None:
        key = self.rng.choice(cases.IDENTITIES)
        name = key.removeprefix("identity:")
        if self.rng.random() < 0.6 or key not in self.estate.suspended:
            until_ms = self.now_ms + self.rng.choice((1, 700)) if self.rng.random() < 0.9 else None
            self.estate.suspended[key] = until_ms
            self.apply(Suspended(at_ms=self.now_ms, target_kind="identity", target=name, until_ms=until_ms))
        else:
            del self.estate.suspended[key]
            self.apply(Reinstated(at_ms=self.now_ms, target_kind="identity", target=name))

    def _ask(self) -> None:
        rng = self.rng
        chain = rng.choice(_CHAINS)
        context = rng.choice(cases.CONTEXTS) or {}
        parties = tuple(rng.sample(cases.IDENTITIES, rng.choice((1, 1, 1, 2, 2, 3))))
        ask = Ask(
            parties,
            rng.choice(cases.ACTIONS),
            rng.choice(cases.RESOURCES),
            context,
            chain,
            chain,
            self.now_ms,
        )
        expected, used = allowed(self.estate, ask)
        seq = self.world.seq + 1
        evaluation = self.world.evaluate(_request(ask, f"e{seq}"), self.now_ms, seq=seq)
        told = evaluation.verdict is Verdict.PERMIT
        place = (ask, evaluation.reasons, self.estate)
        assert told is expected, place
        if told:
            assert sorted(evaluation.grants) == sorted(grant.name for grant in used), place
            if len(parties) > 1:
                self._check_narrowing(ask)
        name = "grant" if used else "permit" if told else "deny"
        self.counts[name] = self.counts.get(name, 0) + 1
        # Time that stood still is as much a case as time that moved.
        assert evaluation.at_ms == self.now_ms
        self.world.apply(decided(evaluation), seq, evaluation)
        for grant in used:
            grant.used += 1

    def _check_narrowing(self, ask: Ask) -> None:
        """Delegation never widens: whatever it lets them do together, each could do on its own account."""
        for party in ask.parties:
            alone = replace(ask, parties=(party,))
            evaluation = self.world.evaluate(_request(alone, "alone"), self.now_ms)
            codes = {reason.code.value for reason in evaluation.reasons}
            assert codes <= {"principal_missing"}, (ask, party, evaluation.reasons)


def _request(ask: Ask, name: str) -> AccessRequest:
    kind, _, rest = ask.resource.partition(":")[2].partition(":")
    people = [
        Entity("agent" if key in _AGENTS else "human", key.removeprefix("identity:")) for key in ask.parties
    ]
    return AccessRequest(
        id=name,
        chain=ask.chain,
        subject=people[0],
        on_behalf_of=tuple(people[1:]),
        action=ask.action,
        resource=Entity(kind, rest),
        context=cases.request_context(ask.context),
    )


def check_entitlements(rng: random.Random, *, steps: int, counts: dict[str, int] | None = None) -> int:
    """Returns how many decisions were compared."""
    play = Play(rng)
    compared = sum(play.step() for _ in range(steps))
    if counts is not None:
        for name, count in play.counts.items():
            counts[name] = counts.get(name, 0) + count
    return compared


def main() -> int:
    """Compare until enough decisions were alike."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checks", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=None)
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else random.SystemRandom().randrange(2**32)
    rng, compared, began = random.Random(seed), 0, time.perf_counter()
    counts: dict[str, int] = {}
    while compared < given.checks:
        compared += check_entitlements(rng, steps=25, counts=counts)
    rate = compared / (time.perf_counter() - began)
    print(f"seed {seed}: {compared:,} decisions, 0 mismatches, {rate:,.0f}/s, {counts}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
