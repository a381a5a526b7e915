"""The salt of a store: one for each, and always the same."""

from __future__ import annotations

import pytest

from graphsvc.decide.ports import Store
from graphsvc.store.memory import open_memory
from tests.store.conftest import Opener

pytestmark = pytest.mark.anyio


async def test_a_store_has_one_salt(store: Store) -> None:
    """32 bytes, the same however often it is asked for."""
    salt = await store.salt()
    assert len(salt) == 32
    assert await store.salt() == salt


async def test_the_salt_stays_with_the_store(reopen: Opener) -> None:
    """Opened again, and by another replica, it is the same."""
    first = await reopen()
    salt = await first.salt()
    await first.close()
    again = await reopen()
    assert await again.salt() == salt
    await again.close()


async def test_another_store_has_another_salt(store: Store) -> None:
    """So that what is kept in one cannot be looked up in the other."""
    assert await (await open_memory()).salt() != await store.salt()
