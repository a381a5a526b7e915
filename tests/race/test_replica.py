"""Replicas and many callers on one real store: whatever they do at once, the log tells one serial story."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from graphsvc.core.verdict import Verdict
from tests.race.story import told_again
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
        stored, _ = await told_again(first)
    permitted = [record for record in stored if record.answered is Verdict.PERMIT]
    assert len(stored) == 2 * _VENDORS
    assert len(permitted) == _VENDORS
