"""The log behaves the same on every store."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

import pytest

from graphsvc.decide.ports import Accepted, Entry, Refused, Store
from graphsvc.errors import Conflict, StoreSwapped, StoreUnavailable
from tests.store.conftest import Opener
from tests.store.example import draft, write

pytestmark = pytest.mark.anyio


async def test_an_empty_store_has_nothing(store: Store) -> None:
    """An empty store has head 0, no entries, and a name without a dot for its life."""
    assert await store.head() == 0
    assert not await store.read(after=0, limit=10)
    assert await store.find("x") is None
    assert store.incarnation
    assert "." not in store.incarnation
    await store.ping()


async def test_records_are_numbered_without_gaps(store: Store) -> None:
    """An entry of several records takes as many numbers; the next entry follows at once."""
    one = await write(store, "a", "s:1", count=3)
    two = await write(store, "b", "s:2")
    assert (one.first, one.seq, two.first, two.seq) == (1, 3, 4, 4)
    assert await store.head() == 4


async def test_an_entry_comes_back_as_it_was_written(store: Store) -> None:
    """Reading and finding give the entry with its cells in order and its bytes."""
    outcome = await store.append(draft("a", "s:é", "k:2", body=bytes(range(256))), seen=0, reads=["s:é"])
    assert isinstance(outcome, Accepted)
    assert outcome.entry == Entry(seq=1, first=1, id="a", cells=("s:é", "k:2"), body=bytes(range(256)))
    assert await store.find("a") == outcome.entry
    assert list(await store.read(after=0, limit=5)) == [outcome.entry]


async def test_an_untouched_tail_is_handed_over(store: Store) -> None:
    """An append behind the head is accepted with the tail, oldest first, if nothing read was touched."""
    first = await write(store, "a", "s:1")
    second = await write(store, "b", "s:2")
    outcome = await store.append(draft("c", "s:3"), seen=0, reads=["s:3"])
    assert isinstance(outcome, Accepted)
    assert outcome.tail == (first, second)
    assert outcome.entry.seq == 3


async def test_a_touched_cell_refuses_and_writes_nothing(store: Store) -> None:
    """An append whose read cell the tail touches is refused with the whole tail; nothing is written."""
    first = await write(store, "a", "s:1")
    second = await write(store, "b", "s:2", "g")
    assert await store.append(draft("c", "s:9"), seen=0, reads=["s:3", "g"]) == Refused((first, second))
    assert await store.head() == 2
    assert await store.find("c") is None


async def test_what_was_seen_refuses_nothing(store: Store) -> None:
    """An entry at `seen` or before touches no append any more."""
    await write(store, "a", "s:1", count=2)
    outcome = await store.append(draft("b", "s:1"), seen=2, reads=["s:1"])
    assert isinstance(outcome, Accepted)
    assert outcome.tail == ()


async def test_an_id_is_written_once(store: Store) -> None:
    """A second draft of the same id is a Conflict and leaves the log as it was."""
    first = await write(store, "a", "s:1")
    with pytest.raises(Conflict, match="`a`"):
        await store.append(draft("a", "s:2"), seen=1, reads=())
    assert list(await store.read(after=0, limit=5)) == [first]
    assert (await write(store, "b")).seq == 2


async def test_a_number_from_another_store_is_refused(store: Store) -> None:
    """Having seen more than the log holds means another store: StoreError, and nothing is written."""
    with pytest.raises(StoreSwapped):
        await store.append(draft("a", "s:1"), seen=7, reads=())
    assert await store.head() == 0


async def test_pages_join_without_gap_or_overlap(store: Store) -> None:
    """Reading page by page gives every entry once, in order."""
    written = [await write(store, f"e{number}", count=number % 3 + 1) for number in range(12)]
    pages: list[Entry] = []
    while page := await store.read(after=pages[-1].seq if pages else 0, limit=5):
        assert len(page) <= 5
        pages += page
    assert pages == written


async def test_reopening_keeps_everything(reopen: Opener) -> None:
    """A store that is closed and opened again has its life, its log and its counter."""
    store = await reopen()
    written = [await write(store, f"e{number}", "s:1", count=2) for number in range(3)]
    incarnation = store.incarnation
    await store.close()
    again = await reopen()
    try:
        assert again.incarnation == incarnation
        assert list(await again.read(after=0, limit=9)) == written
        assert (await write(again, "next")).first == 7
    finally:
        await again.close()


async def test_a_closed_store_says_so(opener: Opener) -> None:
    """After close, which may be called twice, every call is StoreUnavailable."""
    store = await opener()
    await store.close()
    await store.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        await store.append(draft("a"), seen=0, reads=())
    with pytest.raises(StoreUnavailable, match="closed"):
        await store.head()


async def test_a_cancelled_append_is_whole(store: Store) -> None:
    """Whoever stops waiting for an append leaves an entry that is there or not, and a log that goes on."""
    for number in range(10):
        seen = await store.head()
        task = asyncio.create_task(store.append(draft(f"c{number}", "s:1"), seen=seen, reads=["s:1"]))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await write(store, "last")
    await assert_contiguous(store)


async def test_no_write_skew(store: Store) -> None:
    """Of two appends that each read what the other touches, never both are accepted: 0 of 30."""
    both = 0
    for round_number in range(30):
        seen = await store.head()
        left, right = await asyncio.gather(
            store.append(draft(f"l{round_number}", "s:left"), seen=seen, reads=["s:right"]),
            store.append(draft(f"r{round_number}", "s:right"), seen=seen, reads=["s:left"]),
        )
        both += isinstance(left, Accepted) and isinstance(right, Accepted)
        assert isinstance(left, Accepted) or isinstance(right, Accepted)
    assert both == 0


async def test_write_skew_is_there_without_validation(store: Store) -> None:
    """The same race with nothing read lets both through: the test above can fail."""
    left, right = await asyncio.gather(
        store.append(draft("l", "s:left"), seen=0, reads=()),
        store.append(draft("r", "s:right"), seen=0, reads=()),
    )
    assert isinstance(left, Accepted)
    assert isinstance(right, Accepted)


async def test_racing_writers_lose_nothing(store: Store) -> None:
    """Eight writers over four cells: a serial order, every acknowledged entry once, refused only with cause."""
    cells = [f"s:{number}" for number in range(4)]
    accepted: list[Entry] = []
    refusals = await asyncio.gather(
        *(_writer(store, number, cells, accepted, commits=15) for number in range(8))
    )
    log = await assert_contiguous(store)
    assert sorted(accepted, key=lambda entry: entry.seq) == log
    assert len({entry.id for entry in log}) == 8 * 15
    print(f"{len(log)} entries, {sum(refusals)} refusals")


async def _writer(
    store: Store, number: int, cells: Sequence[str], accepted: list[Entry], *, commits: int
) -> int:
    """Append as the sequencer does: fold the tail, judge again. Returns the number of refusals."""
    chance = random.Random(number)
    known: list[Entry] = []
    refusals = 0
    for commit in range(commits):
        mine = chance.sample(cells, chance.randint(1, 2))
        while True:
            seen = known[-1].seq if known else 0
            wanted = draft(f"w{number}-{commit}", *mine, count=chance.randint(1, 3))
            outcome = await store.append(wanted, seen=seen, reads=mine)
            expected_first = seen + 1
            for entry in outcome.tail:
                assert entry.first == expected_first
                expected_first = entry.seq + 1
            touched = any(not set(mine).isdisjoint(entry.cells) for entry in outcome.tail)
            known += outcome.tail
            if isinstance(outcome, Accepted):
                assert not touched
                assert outcome.entry.first == expected_first
                known.append(outcome.entry)
                accepted.append(outcome.entry)
                break
            assert touched
            refusals += 1
    return refusals


async def assert_contiguous(store: Store) -> list[Entry]:
    """The whole log, having checked that its numbers follow each other up to the head."""
    log = list(await store.read(after=0, limit=10_000))
    numbers = [number for entry in log for number in range(entry.first, entry.seq + 1)]
    assert numbers == list(range(1, await store.head() + 1))
    return log
