"""What a long run compares: each stage draws cases of its own and counts what it compared.

A chunk of a stage is drawn from one seed alone, so that the same seed compares the same cases, on any number of workers.
"""

import random
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest
from neo4j import GraphDatabase

from tests.cypher_oracle.judge import Judge
from tests.law.fuzz import judge, keep
from tests.law.reading import read_quickly
from tests.rights.closure_fuzz import check_closures
from tests.rights.entitlement_fuzz import check_entitlements
from tests.rights.fuzz import check_rights
from tests.rights.reach_fuzz import check_reach
from tests.support.neo4j_server import given_server, own_server

__all__ = ["STAGES", "Outcome", "Stage", "cypher_stage"]

_POLICIES = 8  # of the engine's stage, a chunk
_CHECKS = 4_000
_CLOSURES = 400
_KEPT = 2  # mismatches a chunk: making one small takes a while
_DISTANCES, _DECISIONS = 300, 400
_ASKED = 300  # of Cypher, a chunk


class Outcome(NamedTuple):
    """What a chunk compared. counts: further figures by name. mismatches: one text each, with how to see it again."""

    amount: int
    counts: dict[str, int]
    mismatches: list[str]


class Stage(NamedTuple):
    """One kind of comparison. compare: what is done for a seed. at_once: how many chunks may run at one time."""

    name: str
    unit: str
    wanted: int
    compare: Callable[[int], Outcome]
    at_once: int = 1_000


def engine_chunk(seed: int) -> Outcome:
    """Engine against definition over some random policies."""
    tally = judge(seed, _POLICIES)
    counts = {
        "completions": tally.completions,
        "actions denied": tally.denied,
        "sampled": tally.sampled,
        "risks": tally.weights,
        "refused files": tally.refused,
        **{f"decided {rule}": number for rule, number in tally.decided.items()},
    }
    mismatches = [
        f"made small and kept in {keep(case, force=force)}" for case, force in tally.mismatches[:_KEPT]
    ]
    mismatches += ["another one, not kept"] * len(tally.mismatches[_KEPT:])
    mismatches += [f"not refused: a file with {mistake}" for mistake in tally.accepted]
    return Outcome(tally.verdicts, counts, mismatches)


def rights_chunk(seed: int) -> Outcome:
    """The index of rights against a definition that looks at every fact again."""
    counts: dict[str, int] = {}
    ask = partial(check_rights, random.Random(seed), edits=12, counts=counts)
    return _asserting(ask, _CHECKS, f"python -m tests.rights.fuzz --seed {seed}", counts)


def closure_chunk(seed: int) -> Outcome:
    """Closures of rights against the naive fixpoint."""
    counts: dict[str, int] = {}
    ask = partial(check_closures, random.Random(seed), edits=6, counts=counts)
    return _asserting(ask, _CLOSURES, f"python -m tests.rights.closure_fuzz --seed {seed}", counts)


def reach_chunk(seed: int) -> Outcome:
    """Distances that follow every edit against a plain search."""
    counts: dict[str, int] = {}
    ask = partial(check_reach, random.Random(seed), edits=12, counts=counts)
    return _asserting(ask, _DISTANCES, f"python -m tests.rights.reach_fuzz --seed {seed}", counts)


def entitlement_chunk(seed: int) -> Outcome:
    """Decisions by permissions, grants and delegation against a definition that reads every fact again."""
    counts: dict[str, int] = {}
    ask = partial(check_entitlements, random.Random(seed), steps=25, counts=counts)
    return _asserting(ask, _DECISIONS, f"python -m tests.rights.entitlement_fuzz --seed {seed}", counts)


def _asserting(ask: Callable[[], int], wanted: int, again: str, counts: dict[str, int]) -> Outcome:
    asked = 0
    try:
        while asked < wanted:
            asked += ask()
    except Exception as error:  # noqa: BLE001  a crash on a valid case is a finding too
        told = str(error).splitlines()[0][:300] if str(error) else type(error).__name__
        return Outcome(asked, counts, [f"{again}: {told}"])
    return Outcome(asked, counts, [])


def cypher_chunk(seed: int, *, url: str, auth: tuple[str, str], database: str) -> Outcome:
    """The engine against the same patterns written as Cypher, asked of a Neo4j over raw facts."""
    with GraphDatabase.driver(url, auth=auth, notifications_min_severity="OFF") as driver:
        judging = Judge(driver, database)
        try:
            tally = judging.judge(random.Random(seed), _ASKED)
        finally:
            judging.close()
    counts = {"completions": tally.completions, "patterns left out": sum(tally.left_out.values())}
    return Outcome(tally.verdicts, counts, [str(difference) for difference in tally.differences])


@contextmanager
def cypher_stage(wanted: int) -> Iterator[Stage | str]:
    """The stage that needs a running Neo4j, or why there is none; the Neo4j lives as long as the context."""
    with ExitStack() as stack:
        try:
            place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cypher-oracle-")))
            server = given_server() or stack.enter_context(own_server(place / "neo4j"))
        except (pytest.skip.Exception, pytest.fail.Exception) as absent:
            yield str(absent)
            return
        asked = partial(cypher_chunk, url=server.url, auth=server.auth, database=server.database)
        # One database, which each chunk empties.
        yield Stage("cypher", "verdicts", wanted, asked, at_once=1)


STAGES = (
    Stage("engine", "verdicts", 10_000_000, engine_chunk),
    Stage("rights", "checks", 1_000_000, rights_chunk),
    Stage("closures", "closures", 20_000, closure_chunk),
    Stage("reach", "distances", 50_000, reach_chunk),
    Stage("entitlement", "decisions", 50_000, entitlement_chunk),
)


def prepare_worker() -> None:
    """Called once in each process that compares."""
    read_quickly()
