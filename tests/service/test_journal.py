"""Reading the log as a service does for those who lag behind."""

from __future__ import annotations

import asyncio

import pytest

from graphsvc.core.codec import decode_records
from graphsvc.core.record import Record
from graphsvc.decide.service import base
from graphsvc.store.memory import MemoryStore
from tests.service.harness import GATEWAY, Harness, serving

pytestmark = pytest.mark.anyio


async def _decide(harness: Harness, batches: int, size: int) -> None:
    """Entries of many records each."""
    for _ in range(batches):
        commands = [harness.command("mail:Read", "mailbox:alice", chain=f"c{place}") for place in range(size)]
        await harness.service.decide_many(GATEWAY, commands)


async def test_no_more_is_read_than_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry may hold two hundred decisions; five hundred of these would be a hundred thousand, all in memory."""
    decoded: list[int] = []

    def counted(body: bytes) -> list[Record]:
        records = decode_records(body)
        decoded.append(len(records))
        return records

    async with serving(MemoryStore()) as harness:
        await harness.prepare()
        await _decide(harness, 30, 100)
        monkeypatch.setattr(base, "decode_records", counted)
        begin = harness.service.world.seq - 3_000
        events = await harness.service.records(after=begin, limit=50)
        assert [event.seq for event in events] == list(range(begin + 1, begin + 51))
        assert sum(decoded) == 100
        decoded.clear()
        await harness.service.records(after=begin + 150, limit=200)
        assert sum(decoded) <= 400


@pytest.mark.parametrize("limit", [1, 7, 100, 150, 10_000])
async def test_pages_are_the_log(limit: int) -> None:
    """Page by page, also from the middle of an entry: every record, once, in order; fewer than asked only at the end."""
    async with serving(MemoryStore()) as harness:
        await harness.prepare()
        await _decide(harness, 3, 60)
        await asyncio.gather(*(harness.act("mail:Read", chain=f"d{place}") for place in range(5)))
        await _decide(harness, 20, 1)
        seen: list[int] = []
        while events := await harness.service.records(after=seen[-1] if seen else 0, limit=limit):
            seen += [event.seq for event in events]
            assert len(events) == limit or seen[-1] == harness.service.world.seq
        assert seen == list(range(1, harness.service.world.seq + 1))
