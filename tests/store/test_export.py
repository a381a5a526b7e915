"""A history that was lived over any store is exported to the same bytes, and these replay to every stored verdict."""

from __future__ import annotations

import random
from collections.abc import Sequence

import msgspec
import pytest

from graphsvc.cli.comparison import outside_the_rules, stored_differences
from graphsvc.cli.replayer import Replayer, encode, outcome_record
from graphsvc.core.record import Record
from graphsvc.core.trace import TraceAction, item_from_record, to_trace_records
from graphsvc.core.verdict import Verdict
from graphsvc.decide.command import Caller
from graphsvc.decide.ports import Store
from graphsvc.store.memory import open_memory
from tests.race.second_opinion import history_of
from tests.service.harness import ADMIN, GATEWAY, Harness, serving
from tests.store.conftest import fresh_neo4j, opener_of

__all__ = ["fresh_neo4j"]

pytestmark = pytest.mark.anyio

_DANA = Caller(subject="dana", roles=frozenset({"approver"}))
_PACK = """
graphsvc: 1
pack: {id: more, version: "1"}
patterns:
  - {id: refund, severity: medium, on_match: escalate, steps: {pay: {action: "crm:Refund"}}}
  - id: many-records
    severity: low
    on_match: monitor
    within: 10m
    count: {step: {action: "crm:Read"}, distinct: resource.id, more_than: 2}
"""
_HOUR_MS = 3_600_000


async def _live(harness: Harness, seed: int) -> None:
    """Actions of every kind of answer, and whatever else is recorded, the same for the same seed."""
    rng, service = random.Random(seed), harness.service
    await harness.prepare()
    await service.publish_policy(ADMIN, [(_PACK, "more.yaml")], "")
    await service.open_chain(
        GATEWAY, "c9", session=None, parent_chain=None, shared_with=(), intent={"actions": ["crm:*"]}
    )
    done: list[str] = []
    waiting: list[str] = []
    for turn in range(40):
        chain = rng.choice(("c1", "c2", "c9"))
        match rng.randrange(10):
            case 0 if done:
                await service.report(GATEWAY, rng.choice(done), "success", ("sensitive",), ())
            case 1 if done:
                await service.cancel(GATEWAY, done.pop())
            case 2 if waiting:
                await service.approve_review(_DANA, waiting.pop(), "known customer")
            case 3 if waiting:
                await service.reject_review(_DANA, waiting.pop(), "no")
            case 4:
                await service.send_signal(ADMIN, "bot", 0.4, _HOUR_MS, f"alarm {turn}", None)
            case 5:
                given = await service.grant(
                    ADMIN, identity="mallory", actions=["crm:Read"], resources=["*"], expires_ms=harness.clock() + _HOUR_MS,
                    not_before_ms=None, uses=1, chain=None, purpose="help",
                )  # fmt: skip
                if rng.random() < 0.3:
                    await service.revoke_grant(ADMIN, given.grant.id, "")
            case _:
                action = rng.choice(("mail:Read", "crm:Read", "crm:Read", "mail:Send", "crm:Refund"))
                answer = await harness.act(
                    action,
                    f"record:{rng.choice((7, 8, 42))}",
                    chain=chain,
                    subject="mallory" if rng.random() < 0.15 else "bot",
                    to="eve@example.org",
                )
                if answer.verdict is Verdict.PERMIT:
                    done.append(answer.decision.request.id)
                elif answer.verdict is Verdict.ESCALATE:
                    waiting.append(answer.decision.request.id)


def _exported(history: Sequence[tuple[int, Record]]) -> bytes:
    """As `graphsvc export trace` writes it."""
    return b"".join(msgspec.json.encode(record) + b"\n" for record in to_trace_records(history))


def _replayed(exported: bytes) -> bytes:
    """As `graphsvc replay` writes it, having compared every stored verdict."""
    replayer, lines, compared = Replayer([]), list[bytes](), 0
    for number, line in enumerate(exported.splitlines(), 1):
        item = item_from_record(msgspec.json.decode(line), f"line {number}")
        evaluation = replayer.step(item)
        if isinstance(item, TraceAction) and evaluation is not None:
            assert item.stored is not None
            if not outside_the_rules(item.stored):
                compared += 1
                assert list(stored_differences(item.stored, evaluation)) == []
            lines.append(encode(outcome_record(evaluation)))
    assert replayer.warnings == []
    assert compared > 10
    return b"".join(lines)


async def _lived(store: Store, seed: int) -> bytes:
    async with serving(store) as harness:
        await _live(harness, seed)
        return _exported(await history_of(store))


@pytest.mark.parametrize("kind", ["memory", "sqlite", pytest.param("neo4j", marks=pytest.mark.neo4j)])
async def test_an_export_is_the_same_bytes_on_every_store_and_replays(
    request: pytest.FixtureRequest, kind: str
) -> None:
    """Same story, same lines whatever the store; replayed twice they give every stored verdict and the same bytes."""
    store = await opener_of(request, kind)()
    reference = await open_memory()
    try:
        exported = await _lived(store, seed=7)
        assert exported == await _lived(reference, seed=7)
        assert exported != await _lived(await open_memory(), seed=8)
    finally:
        await store.close()
        await reference.close()
    again = _replayed(exported)
    assert again == _replayed(exported)
    verdicts = {msgspec.json.decode(line)["verdict"] for line in again.splitlines()}
    assert verdicts == {"PERMIT", "ESCALATE", "DENY"}
