"""Random cases judged by the engine and by Cypher, and by the definition where the two differ."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import cast

from neo4j import Driver

from tests.cypher_oracle.fact import facts_of, forget, load, prepare
from tests.cypher_oracle.query import query_of
from tests.law.engine import results
from tests.law.strategy import ALL_FEATURES, Case, minimise, random_cases
from tests.oracle.definition import completions

__all__ = ["COVERED", "Difference", "Judge", "Tally"]

# What strategy.py can draw and query.py can say.
COVERED = ALL_FEATURES - {"when", "reviews"}
_TRACES_A_POLICY = 3
_FEATURE_SHARE = 0.45  # with all features at once most patterns never come far
_CASES_A_LOAD = 200

Completed = list[tuple[str, list[str]]]


@dataclass(frozen=True)
class Difference:
    """A case, as small as it could be made, on which engine, definition and Cypher do not all agree."""

    case: Case
    force: bool
    engine: Completed
    definition: Completed
    cypher: Completed

    @property
    def alone(self) -> str:
        """Which of the three is on its own."""
        if self.definition == self.cypher:
            return "the engine"
        return "Cypher" if self.definition == self.engine else "each of the three"

    def __str__(self) -> str:
        lines = [
            f"alone: {self.alone}; force: {self.force}",
            "policy " + json.dumps(self.case.policy["patterns"]),
        ]
        lines += ["graph " + json.dumps(record) for record in self.case.graph]
        lines += ["trace " + json.dumps(record) for record in self.case.trace]
        for ours, theirs, cyphers in zip(self.engine, self.definition, self.cypher, strict=True):
            lines.append(f"{ours[0]}: engine {ours[1]} definition {theirs[1]} Cypher {cyphers[1]}")
        return "\n".join(lines)


@dataclass
class Tally:
    """verdicts: an action judged against a pattern. left_out: patterns that Cypher does not cover, by reason."""

    verdicts: int = 0
    completions: int = 0
    cases: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)


class Judge:
    """Asks one Neo4j; case numbers are its own, so nothing has to be removed between cases."""

    def __init__(self, driver: Driver, database: str) -> None:
        self.driver, self.database = driver, database
        self.numbers = itertools.count(1)
        self.loaded = 0
        forget(driver, database)
        prepare(driver, database)

    def close(self) -> None:
        """Leave the database as it was."""
        forget(self.driver, self.database)

    def judge(self, rng: random.Random, verdicts: int) -> Tally:
        """Judge random cases until there are as many verdicts; every second one takes `executed` from the trace."""
        tally = Tally()
        while tally.verdicts < verdicts:
            features = frozenset(name for name in sorted(COVERED) if rng.random() < _FEATURE_SHARE)
            drawn = list(random_cases(rng, features | {"causal_relation"}, _TRACES_A_POLICY))
            policy = self._covered(drawn[0], tally)
            if policy is None:
                continue
            cases = [Case(policy, case.graph, case.trace) for case in drawn]
            forced = [rng.random() < 0.5 for _ in cases]
            engine = [_engine(case, force=force) for case, force in zip(cases, forced, strict=True)]
            cypher = self.cypher(cases, forced)
            for case, force, ours, theirs in zip(cases, forced, engine, cypher, strict=True):
                tally.cases += 1
                tally.verdicts += len(ours) * len(cast("list[object]", policy["patterns"]))
                tally.completions += sum(len(completed) for _, completed in ours)
                if ours != theirs:
                    tally.differences.append(self.explain(case, force=force))
        return tally

    def cypher(self, cases: Sequence[Case], forced: Sequence[bool]) -> list[Completed]:
        """What Cypher says of the actions of each case; all cases have one policy."""
        if self.loaded > _CASES_A_LOAD:
            forget(self.driver, self.database, indexes=False)
            self.loaded = 0
        self.loaded += len(cases)
        policy = cases[0].policy
        numbered = dict(zip(self.numbers, zip(cases, forced, strict=True), strict=False))
        facts = {
            number: facts_of(policy, case.graph, case.trace, _permitted(case, force=force))
            for number, (case, force) in numbered.items()
        }
        load(self.driver, self.database, facts)
        found: dict[tuple[int, int], list[str]] = {}
        with self.driver.session(database=self.database) as session:
            for pattern in policy["patterns"]:
                text, parameters = query_of(pattern)
                for number, seq in session.run(text, parameters, cases=list(numbered)).values():
                    found.setdefault((number, seq), []).append(pattern["id"])
        return [
            [
                (row["record.id"], sorted(found.get((number, row["seq"]), [])))
                for row in facts[number].events
                if row["judged"]
            ]
            for number in numbered
        ]

    def explain(self, case: Case, *, force: bool) -> Difference:
        """The smallest case that shows the difference."""
        small = minimise(
            case, lambda smaller: _engine(smaller, force=force) != self.cypher([smaller], [force])[0]
        )
        return Difference(
            small,
            force,
            _engine(small, force=force),
            _definition(small, force=force),
            self.cypher([small], [force])[0],
        )

    def _covered(self, case: Case, tally: Tally) -> dict[str, object] | None:
        patterns = []
        for pattern in case.policy["patterns"]:
            try:
                query_of(pattern)
            except ValueError as error:
                tally.left_out[str(error)] = tally.left_out.get(str(error), 0) + 1
            else:
                patterns.append(pattern)
        return {**case.policy, "patterns": patterns} if patterns else None


def _engine(case: Case, *, force: bool) -> Completed:
    return [(action, completed) for action, completed, _, _ in results(*case, force=force)]


def _definition(case: Case, *, force: bool) -> Completed:
    found = completions([case.policy], case.trace, case.graph, force=force)
    return [(result.id, result.completed) for result in found]


def _permitted(case: Case, *, force: bool) -> dict[str, bool]:
    """The history that the engine made: by its own verdicts, or by the trace alone."""
    judged: Iterable[tuple[str, list[str], list[str], str]] = results(*case, force=force)
    return {action: force or verdict == "PERMIT" for action, _, _, verdict in judged}
