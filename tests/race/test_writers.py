"""The validation of the log's tail between connections of their own, as replicas have them, on a real Neo4j."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from graphsvc.decide.ports import Accepted, Entry, Store
from tests.store.conftest import fresh_neo4j, opener_of
from tests.store.example import draft
from tests.store.test_log import _writer, assert_contiguous

__all__ = ["fresh_neo4j"]

pytestmark = [pytest.mark.anyio, pytest.mark.neo4j]

_WRITERS = 8


@pytest.fixture
async def stores(request: pytest.FixtureRequest, anyio_backend: str) -> AsyncIterator[list[Store]]:
    """One empty database, opened eight times."""
    open_store = opener_of(request, "neo4j")
    async with AsyncExitStack() as stack:
        opened = []
        for _ in range(_WRITERS):
            opened.append(await open_store())
            stack.push_async_callback(opened[-1].close)
        yield opened


async def test_no_write_skew_between_connections(stores: list[Store]) -> None:
    """Of eight appends, each reading what the others touch, exactly one is accepted: in each of 20 rounds."""
    for turn in range(20):
        seen = await stores[0].head()
        cells = [f"s:{number}" for number in range(_WRITERS)]
        outcomes = await asyncio.gather(
            *(
                store.append(
                    draft(f"{turn}-{cell}", cell), seen=seen, reads=[*cells[:place], *cells[place + 1 :]]
                )
                for place, (store, cell) in enumerate(zip(stores, cells, strict=True))
            )
        )
        assert sum(isinstance(outcome, Accepted) for outcome in outcomes) == 1


async def test_eight_writers_with_connections_of_their_own_lose_nothing(stores: list[Store]) -> None:
    """A serial order, every acknowledged entry once, refused only with cause."""
    cells = [f"s:{number}" for number in range(4)]
    accepted: list[Entry] = []
    await asyncio.gather(
        *(_writer(store, number, cells, accepted, commits=10) for number, store in enumerate(stores))
    )
    log = await assert_contiguous(stores[0])
    assert sorted(accepted, key=lambda entry: entry.seq) == log
    assert len(log) == _WRITERS * 10
