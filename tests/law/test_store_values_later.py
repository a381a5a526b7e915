"""Rules that come into force later and ask for what was not kept: never is an action judged less severely for that."""

import json
from typing import NamedTuple

import pytest

from graphsvc.cli.replayer import Replayer
from graphsvc.core.policy.document import Policy
from graphsvc.core.policy.load import load_policy
from graphsvc.core.reading import attributes_of
from graphsvc.core.record import PolicyPublished
from graphsvc.core.snapshot import restore, snapshot
from graphsvc.core.trace import item_from_record
from graphsvc.core.verdict import most_severe
from tests.law import strategy
from tests.law.strategy import Case
from tests.law.test_store_values import KEYS, WHEN, Trimming, case_of, replayer_of

SEEDS = 120


@pytest.fixture(autouse=True)
def more_ways_to_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Conditions and keys over everything that a request can carry."""
    monkeypatch.setattr(strategy, "_CONDITIONS", [*strategy._CONDITIONS, *WHEN, *WHEN])
    monkeypatch.setattr(strategy, "_KEY_PATHS", [*strategy._KEY_PATHS, *KEYS])


class Later(NamedTuple):
    """alike: actions judged alike after the rules came, up to where the histories part. severer, milder: how these part."""

    alike: int
    severer: int
    milder: int


def publish(replayer: Replayer, policy: Policy) -> None:
    source, pack = policy.source, policy.pack
    replayer._apply(
        PolicyPublished(
            at_ms=replayer.world.newest_ms,
            pack=pack.id,
            version=pack.version,
            sha256=source.sha256,
            text=source.text,
        )
    )


def later(case: Case) -> Later:
    """A trace in whose midst rules come into force: everything was kept of its actions, or what was read then."""
    early = case._replace(policy={**case.policy, "patterns": []})
    whole, little = (replayer_of(early, kind) for kind in (Replayer, Trimming))
    pack = {**case.policy["pack"], "version": "2"}
    policy = load_policy(json.dumps({**case.policy, "pack": pack}), "case.yaml")
    alike = 0
    for place, record in enumerate(case.trace):
        if place == len(case.trace) // 2:
            publish(whole, policy)
            publish(little, policy)
            # A replica that starts here knows the same.
            little.world = restore(snapshot(little.world))
        one, other = (each.step(item_from_record(record)) for each in (whole, little))
        if one is None or other is None or place < len(case.trace) // 2:
            continue
        if one.enforced is not other.enforced:
            is_severer = most_severe(one.enforced, other.enforced) is other.enforced
            return Later(alike, int(is_severer), int(not is_severer))
        alike += 1
    return Later(alike, 0, 0)


def test_rules_that_come_later_judge_no_action_less_severely() -> None:
    """Nor do many actions fare worse than they would with everything kept."""
    alike = severer = 0
    milder: list[int] = []
    for seed in range(SEEDS):
        case = case_of(seed)
        if not attributes_of(load_policy(json.dumps(case.policy), "case.yaml")):
            continue
        found = later(case)
        alike += found.alike
        severer += found.severer
        milder += [seed] * found.milder
    assert milder == []
    assert alike > 10 * severer > 0
