"""Replicas and many callers on one real store: whatever they do at once, the log tells one serial story."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from graphsvc.core.codec import decode_records
from graphsvc.core.record import Decided
from graphsvc.core.verdict import Verdict
from graphsvc.core.world import World
from graphsvc.decide.ports import Store
from tests.service.harness import GATEWAY, Clock, Harness, serving
from tests.store.conftest import fresh_neo4j, opener_of

__all__ = ["fresh_neo4j"]

pytestmark = pytest.mark.anyio

_VENDORS = 12


async def _race(harnesses: list[Harness]) -> None:
    """Eight callers, each vendor's two halves by the same person at the same time through different replicas."""

    async def half(number: int, vendor: int, action: str, resource: str) -> None:
        harness = harnesses[number % len(harnesses)]
        # The clock stands still: time would run out for those who wait.
        await harness.service.decide(
            GATEWAY,
            harness.command(
                action,
                resource,
                chain=f"c{vendor}-{number}",
                subject="alice",
                context={"vendor_id": f"v{vendor}"},
                key=f"k{vendor}-{number}",
            ),
        )

    for start in range(0, _VENDORS, 4):
        await asyncio.gather(
            *(
                half(2 * vendor + place, vendor, action, resource)
                for vendor in range(start, start + 4)
                for place, (action, resource) in enumerate(
                    [("erp:CreateVendor", f"vendor:v{vendor}"), ("erp:ApprovePayment", f"invoice:i{vendor}")]
                )
            )
        )


async def _told_again(store: Store) -> list[Decided]:
    """Every stored verdict, having checked that a serial run in log order gives it again."""
    world, stored, after = World(), [], 0
    while entries := await store.read(after=after, limit=500):
        for entry in entries:
            for place, record in enumerate(decode_records(entry.body)):
                if isinstance(record, Decided):
                    judged = world.evaluate(record.request, record.at_ms, exact=True)
                    assert (judged.verdict, judged.reasons) == (record.verdict, record.reasons)
                    assert judged.completions == record.completions
                    stored.append(record)
                world.apply(record, entry.first + place)
            after = entry.seq
    return stored


@pytest.mark.parametrize(
    ("kind", "replicas"),
    [("memory", 3), ("sqlite", 1), pytest.param("neo4j", 3, marks=pytest.mark.neo4j)],
)
async def test_racing_halves_never_both_pass(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str, replicas: int
) -> None:
    """Of two halves of a separation of duties asked at once exactly one is permitted, and replay agrees."""
    open_store = opener_of(request, kind)
    async with AsyncExitStack() as stack:
        first = await open_store()
        stack.push_async_callback(first.close)
        stores = [first]
        for _ in range(replicas - 1):
            # Memory lives in one object; other stores are opened once more by each replica.
            store = first if kind == "memory" else await open_store()
            if store is not first:
                stack.push_async_callback(store.close)
            stores.append(store)
        clock = Clock()
        harnesses = [
            await stack.enter_async_context(serving(store, name=f"r{number}", clock=clock))
            for number, store in enumerate(stores)
        ]
        await harnesses[0].prepare()
        for harness in harnesses:
            await harness.service.sequencer.catch_up()
        await _race(harnesses)
        stored = await _told_again(first)
    permitted = [record for record in stored if record.answered is Verdict.PERMIT]
    assert len(stored) == 2 * _VENDORS
    assert len(permitted) == _VENDORS
