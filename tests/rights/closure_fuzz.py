"""Random rules over random estates: closures must be those of the naive fixpoint, after every edit.

`python -m tests.rights.closure_fuzz --checks 10000`
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from dataclasses import replace

from graphsvc.core.estate import Estate
from graphsvc.core.gain.closure import Closure
from graphsvc.core.gain.gains import Gains
from graphsvc.core.graph import Node
from graphsvc.core.policy.load import load_policy
from graphsvc.core.rights import Rights
from graphsvc.core.ruleset import Ruleset, compile_ruleset
from tests.rights import estate_cases as cases
from tests.rights.closure_definition import Found, RuleCase, Wanted, closure
from tests.rights.definition import World

_GIVES = ("none", "assume", "assume", "right", "right", "admin")


def some_rule(rng: random.Random, number: int) -> RuleCase:
    """A rule of one to three rights over at most two variables."""
    names = ("$x", "$y")[: rng.choice((0, 1, 1, 1, 2))]
    wanted = [Wanted(rng.choice(cases.ACTIONS), name) for name in names]
    while not wanted or (len(wanted) < 3 and rng.random() < 0.5):
        on = rng.choice((None, None, "doc:d1", "doc:*", *names))
        wanted.append(Wanted(rng.choice(cases.ACTIONS), on))
    where = []
    if names and rng.random() < 0.5:
        function = rng.choice(("service_can_assume", "trusts"))
        where.append((rng.random() < 0.2, function, (names[0], rng.choice(("i4", "i5")))))
    elif len(names) == 2 and rng.random() < 0.6:
        where.append((rng.random() < 0.2, "runs_as", (names[1], names[0])))
    return RuleCase(f"rule-{number}", tuple(wanted), tuple(where), _gives(rng, names))


def _gives(rng: random.Random, names: tuple[str, ...]) -> tuple[str, str, str | None] | None:
    match rng.choice(_GIVES):
        case "none":
            return None
        case "admin":
            return ("admin", "", None) if rng.random() < 0.3 else None
        case "assume" if names:
            return "assume", names[0], None
        case _:
            return (
                "right",
                rng.choice(("app:Write", "iam:*", "app:Read")),
                rng.choice((None, "doc:d1", *names)),
            )


def written(rules: tuple[RuleCase, ...]) -> str:
    """The rules as a policy file."""
    patterns = []
    for rule in rules:
        rights: dict[str, object] = {
            "all_of": [
                {"right": each.action, **({"on": each.on} if each.on is not None else {})}
                for each in rule.all_of
            ]
        }
        if rule.where:
            rights["where"] = " && ".join(
                f"{'!' if negated else ''}{function}({', '.join(json.dumps(each) for each in arguments)})"
                for negated, function, arguments in rule.where
            )
        if rule.gives is not None:
            kind, right, on = rule.gives
            value: object = True if kind == "admin" else right
            rights["gives"] = {kind: value, **({"on": on} if on is not None else {})}
        patterns.append({"id": rule.name, "on_match": "deny", "rights": rights})
    return json.dumps({"graphsvc": 1, "pack": {"id": "p", "version": "1"}, "patterns": patterns})


def check_closures(rng: random.Random, *, edits: int, counts: dict[str, int] | None = None) -> int:
    """Returns how many closures were compared."""
    rules = tuple(some_rule(rng, number) for number in range(rng.randint(1, 4)))
    ruleset = compile_ruleset([load_policy(written(rules), "p.yaml")])
    estate = Estate()
    gains = Gains(ruleset, estate, Rights(estate))
    known = (*cases.IDENTITIES, *cases.RESOURCES)
    estate.load("known", [Node(key=key) for key in known], [], replace=True)
    world = World()
    compared = 0
    for _ in range(edits):
        _edit(rng, estate, world)
        globs = {glob for each in world.statements.values() for glob in each.resources}
        for _ in range(3):
            held = set(rng.sample(cases.IDENTITIES, rng.randint(1, 3)))
            expected = closure(world, set(known), globs, rules, held)
            one = rng.choice(sorted(held))
            told = gains.closures.with_one(frozenset(held - {one}), one)
            _compare(told, expected, ruleset)
            compared += 1
            if counts is not None:
                counts["firings"] = counts.get("firings", 0) + len(expected.firings)
                counts["chained"] = counts.get("chained", 0) + len(expected.identities - held)
    return compared


def _edit(rng: random.Random, estate: Estate, world: World) -> None:
    added = World()
    for number in range(8):
        if rng.random() < (0.3 if world.statements else 0.9):
            statement = cases.some_statement(rng, number)
            # Livelier than life: most rights are held without an if or a but.
            plain = replace(statement, deny=rng.random() < 0.05, condition=None, except_resources=())
            added.statements[statement.name] = plain if rng.random() < 0.8 else statement
    links = (cases.some_link(rng, 8) for _ in range(rng.randint(4, 16)))
    added.links.update(link for link in links if link[0][0] != "CAPPED_BY" or rng.random() < 0.3)
    for _ in range(rng.randint(0, 4)):
        if rng.random() < 0.5:
            start, role = rng.sample(cases.IDENTITIES, 2)
            added.links["CAN_ASSUME", start, role] = ""
        else:
            added.links["RUNS_AS", rng.choice(cases.RESOURCES), rng.choice(cases.IDENTITIES)] = ""
    world.links |= added.links
    world.statements |= added.statements
    if rng.random() < 0.3 and world.links:
        del world.links[rng.choice(list(world.links))]
        estate.load("facts", *cases.facts_of(world), replace=True)
    else:
        nodes, edges = cases.facts_of(added)
        estate.load("facts", nodes, edges, replace=False)


def _compare(told: Closure, expected: Found, ruleset: Ruleset) -> None:
    firings = {(ruleset.patterns[number].id, tuple(sorted(binding))) for number, binding in told.firings}
    assert firings == expected.firings, (firings ^ expected.firings, told.held)
    assert told.held | told.gained.keys() == expected.identities
    assert told.admin is expected.admin
    assert not told.truncated


def main() -> int:
    """Compare until enough closures were alike."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checks", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=None)
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else random.SystemRandom().randrange(2**32)
    rng, compared, began = random.Random(seed), 0, time.perf_counter()
    while compared < given.checks:
        compared += check_closures(rng, edits=6)
    print(
        f"seed {seed}: {compared:,} closures, 0 mismatches, {compared / (time.perf_counter() - began):,.0f}/s"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
