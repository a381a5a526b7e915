"""A log whose oldest entries were cut off behaves the same on every store."""

from __future__ import annotations

import pytest

from graphsvc.decide.ports import Accepted, Base, Store
from graphsvc.errors import Conflict
from tests.store.conftest import Opener
from tests.store.example import draft, write

pytestmark = pytest.mark.anyio

STATE = bytes(range(256)) * 5_000  # more than one part


def base(seq: int, state: bytes = STATE) -> Base:
    return Base(seq=seq, state=state, statement=f"signed {seq}")


async def test_a_log_begins_behind_its_base(store: Store) -> None:
    """At once, before anything is removed: what the base covers is not read, and the log goes on where it was."""
    assert await store.base() is None
    for number in range(4):
        await write(store, f"e{number}", "s:1", count=2)
    await store.set_base(base(4))
    assert await store.base() == base(4)
    assert [entry.seq for entry in await store.read(after=0, limit=9)] == [6, 8]
    assert [entry.seq for entry in await store.read(after=6, limit=9)] == [8]
    assert await store.head() == 8
    assert (await write(store, "e9", "s:1")).seq == 9


async def test_pruning_removes_what_the_base_covers_and_nothing_else(store: Store) -> None:
    """In parts, the oldest first; a second time there is nothing to do."""
    for number in range(5):
        await write(store, f"e{number}", "s:1")
    assert await store.prune(10) == 0
    await store.set_base(base(3))
    assert [await store.prune(2) for _ in range(3)] == [2, 1, 0]
    assert await store.find("e0") is None
    assert [entry.id for entry in await store.read(after=0, limit=9)] == ["e3", "e4"]


async def test_a_log_may_be_cut_to_its_end(store: Store) -> None:
    """Nothing is left, and the numbers go on."""
    await write(store, "e1", "s:1", count=3)
    await store.set_base(base(3))
    await store.prune(10)
    assert await store.head() == 3
    assert not await store.read(after=0, limit=9)
    assert (await write(store, "e2", "s:1")).first == 4


async def test_an_empty_store_can_begin_later(store: Store) -> None:
    """Its first record is the one behind the base."""
    await store.set_base(base(41))
    assert await store.head() == 41
    answer = await store.append(draft("e1", "s:1"), seen=41, reads=("s:1",))
    assert isinstance(answer, Accepted)
    assert answer.entry.first == 42


@pytest.mark.parametrize("seq", [1, 2, 4, 10])
async def test_a_log_is_cut_between_entries_and_forward_only(store: Store, seq: int) -> None:
    """Within an entry, behind the end, or before what is gone already: refused, and nothing changes."""
    for number in range(3):
        await write(store, f"e{number}", "s:1", count=3)
    await store.set_base(base(3))
    with pytest.raises(Conflict, match="cannot begin behind"):
        await store.set_base(base(seq, b"other"))
    assert await store.base() == base(3)


async def test_a_base_of_the_same_number_is_replaced(store: Store) -> None:
    """Its state and its statement; a later base takes the place of an earlier one."""
    for number in range(3):
        await write(store, f"e{number}", "s:1")
    await store.set_base(base(1))
    await store.set_base(base(1, b"small"))
    assert await store.base() == base(1, b"small")
    await store.set_base(base(3, b"later"))
    assert await store.base() == base(3, b"later")


async def test_a_base_is_there_after_a_start(reopen: Opener) -> None:
    """What was cut off stays cut off."""
    store = await reopen()
    await write(store, "e1", "s:1")
    await write(store, "e2", "s:1")
    await store.set_base(base(1))
    await store.close()
    again = await reopen()
    try:
        assert await again.base() == base(1)
        assert [entry.id for entry in await again.read(after=0, limit=9)] == ["e2"]
    finally:
        await again.close()
