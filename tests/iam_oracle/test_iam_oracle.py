"""Rights of AWS accounts agree with an independent evaluator; where they do not, the reason is written here.

What the evaluator does differently, on purpose left out of the random cases:
- it fills policy variables in documents of version 2008-10-17 too; AWS does so from 2012-10-17 on;
- an account named in `NotPrincipal` beside one of its users spares everybody in it; by AWS's documentation only the user;
- with `NotResource` and a variable that the request has not, it leaves out more than what the text could mean.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from graphsvc.core.estate import Estate
from graphsvc.core.rights import Rights
from graphsvc.importers import aws
from tests.iam_oracle.account import condition_keys, simulations
from tests.iam_oracle.case import Question, make, questions, simulation
from tests.iam_oracle.evaluator import evaluate, install


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The evaluator, installed."""
    return install(tmp_path_factory.mktemp("iam"))


def _disagreements(folder: Path, seeds: range, many: int) -> tuple[list[str], dict[str, int]]:
    asked: list[tuple[int, Question, bool, str]] = []
    simulated = []
    for seed in seeds:
        case = make(seed)
        rights = case.rights()
        for question in questions(case, seed, many):
            key, place = f"identity:{question.person.arn}", f"resource:aws:{question.resource}"
            right = rights.check(key, question.action, place, None, question.given)
            assert right.code != "condition_unknown", (seed, question, right)
            asked.append((seed, question, right.allowed, right.code))
            simulated.append(simulation(case, question))
    found = evaluate(folder, simulated)
    assert [each for each in found if "error" in each] == []
    differ = [
        f"seed {seed}: {question.person.arn} {question.action} {question.resource}: {code}, evaluator {theirs['result']}"
        for (seed, question, allowed, code), theirs in zip(asked, found, strict=True)
        if allowed != (theirs["result"] == "Allowed")
    ]
    kinds = [each["result"] for each in found]
    return differ, {kind: kinds.count(kind) for kind in set(kinds)}


def test_random_organizations(folder: Path) -> None:
    """Identity, group, managed, boundary, session, resource and control policies give the same answers."""
    differ, kinds = _disagreements(folder, range(60), 20)
    assert differ == []
    # Each kind of answer occurs often enough to be tested.
    assert min(kinds.get(each, 0) for each in ("Allowed", "ImplicitlyDenied", "ExplicitlyDenied")) > 100


@pytest.mark.slow
@pytest.mark.parametrize("first", range(50_000, 52_000, 250))
def test_many_random_organizations(folder: Path, first: int) -> None:
    """Sixty thousand questions more, in parts that a busy machine gets through in time."""
    differ, _ = _disagreements(folder, range(first, first + 250), 30)
    assert differ == []


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["account-small.json", "account-large.json"])
def test_real_accounts(folder: Path, real_data: Path, name: str) -> None:
    """Every user and role of a real account may do the same of some twenty things, with nothing in the context."""
    data = (real_data / "aws" / name).read_bytes()
    dump = json.loads(data)
    read = aws.read(data, name)
    estate = Estate()
    estate.load("aws", read.nodes, read.edges, replace=True)
    rights = Rights(estate)
    nothing = dict.fromkeys(condition_keys(dump))
    asked = list(simulations(dump))
    found = evaluate(folder, [question for *_, question in asked])
    differ = []
    for (arn, action, resource, _), theirs in zip(asked, found, strict=True):
        right = rights.check(f"identity:{arn}", action, f"resource:aws:{resource}", None, nothing)
        if right.allowed != (theirs.get("result") == "Allowed"):
            differ.append((arn, action, resource, right.code, theirs))
    assert differ == []
    assert sum(each.get("result") == "Allowed" for each in found) > 50
